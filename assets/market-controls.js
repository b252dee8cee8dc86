// The Market page's strip of counts and its filters. What the filters say is in the address, and comes from there.
(function () {
  "use strict";
  const tickdeck = (window.tickdeck = window.tickdeck || {});
  const BUY = ["buy", "strong_buy"];
  const SELL = ["sell", "strong_sell"];
  const SIGNALS = { any: [...BUY, ...SELL], buy: BUY, neutral: ["neutral"], sell: SELL };
  const LABEL = "Filter by symbol, coin or venue";

  function page() {
    return tickdeck.marketAddress.page();
  }

  // What a row must be to be shown; for coins on two venues, venue and signal say nothing.
  function passer(asked) {
    const words = asked.q.toUpperCase().split(/\s+/).filter(Boolean);
    const isCoins = asked.view === "venues";
    return (row) => {
      if (asked.starred && !tickdeck.stars.has(row.ids)) return false;
      if (!words.every((word) => row.words.includes(word))) return false;
      if (isCoins) return true;
      if (asked.venue && row.venue !== asked.venue) return false;
      return !asked.signal || SIGNALS[asked.signal].includes(row.signal);
    };
  }

  // Show what the address says.
  function show(asked) {
    page().classList.toggle("is-venues", asked.view === "venues");
    for (const select of page().querySelectorAll("[data-filter]")) select.value = asked[select.dataset.filter];
    press("[data-interval]", (button) => button.dataset.interval === asked.interval);
    press("[data-view]", (button) => button.dataset.view === asked.view);
    press("#market-starred", () => asked.starred === "1");
    document.getElementById("market-clear").hidden = !tickdeck.marketAddress.isFiltered(asked);
    const field = input();
    if (document.activeElement !== field) field.value = asked.q;
  }

  function press(selector, isChosen) {
    for (const button of page().querySelectorAll(`.market-controls ${selector}`)) {
      button.classList.toggle("tf-selected", isChosen(button));
      button.setAttribute("aria-pressed", String(isChosen(button)));
    }
  }

  // Dash has no plain text field; ours is made in its place.
  function input() {
    const place = document.getElementById("market-text");
    if (place.firstElementChild) return place.firstElementChild;
    const field = document.createElement("input");
    Object.assign(field, { type: "search", placeholder: "Filter", autocomplete: "off", spellcheck: false, maxLength: 40 });
    field.setAttribute("aria-label", LABEL);
    field.addEventListener("input", () => tickdeck.marketAddress.go({ q: field.value.trim() }, { replace: true }));
    place.append(field);
    return field;
  }

  function countsOf(rows) {
    const found = { up: 0, down: 0, buy: 0, neutral: 0, sell: 0, live: 0, stale: 0, silent: 0 };
    for (const row of rows) {
      if (row.change_24h_pct > 0) found.up += 1;
      if (row.change_24h_pct < 0) found.down += 1;
      for (const name of ["buy", "neutral", "sell"]) if (SIGNALS[name].includes(row.signal)) found[name] += 1;
      const level = tickdeck.marketTable.level(row);
      found[level === "stale" ? "stale" : level === "none" ? "silent" : "live"] += 1;
    }
    return found;
  }

  // Counts are of all rows (`n`); how many of them the filters leave stands last, in words (`shown`).
  function count(n, interval, shown) {
    const parts = [
      ["up", `▲ ${n.up} rising`, "up"],
      ["down", `▼ ${n.down} falling`, "down"],
      ["signals", `Signals ${interval}`, "counts-head"],
      ["buy", `▲ ${n.buy} buy`, n.buy ? "up" : ""],
      ["neutral", `${n.neutral} neutral`, ""],
      ["sell", `▼ ${n.sell} sell`, n.sell ? "down" : ""],
      ["live", `${n.live} live`, "counts-head"],
      ["stale", `${n.stale} stale`, n.stale ? "is-stale" : ""],
      ...(n.silent ? [["silent", `${n.silent} without data`, ""]] : []),
      ["rows", shown, "counts-head"],
    ];
    tickdeck.dom.each(document.getElementById("market-counts"), parts, {
      key: ([name]) => name,
      make: () => document.createElement("span"),
      fill: (element, [, text, className]) => tickdeck.dom.write(element, text, className),
    });
  }

  function onClick(button) {
    const { go, read, NO_FILTERS } = tickdeck.marketAddress;
    const { interval, view } = button.dataset;
    if (interval !== undefined) go({ tf: interval });
    else if (view !== undefined) go({ view, sort: "" });
    else if (button.id === "market-starred") go({ starred: read().starred ? "" : "1" });
    else if (button.id === "market-clear") {
      input().value = "";
      go(NO_FILTERS);
    }
  }

  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element && event.target.closest(".market-controls button");
    if (button) onClick(button);
  });
  document.addEventListener("change", (event) => {
    const { filter } = event.target.dataset || {};
    if (filter && page() && page().contains(event.target)) tickdeck.marketAddress.go({ [filter]: event.target.value });
  });
  tickdeck.marketControls = { passer, show, countsOf, count };
})();
