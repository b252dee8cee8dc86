// What the address says of the Market page: interval, view, filters, order. All of it can be sent to somebody.
(function () {
  "use strict";
  const tickdeck = (window.tickdeck = window.tickdeck || {});
  const SIGNALS = ["any", "buy", "neutral", "sell"];
  const VIEWS = ["", "venues"];
  const SORTED = { "": "turnover_24h.desc", venues: "mid_diff_bps.desc" };
  const NO_FILTERS = { venue: "", signal: "", starred: "", q: "" };

  function page() {
    return document.getElementById("market-page");
  }

  function read() {
    const given = new URLSearchParams(window.location.search);
    const of = (name, allowed) => (allowed.includes(given.get(name)) ? given.get(name) : "");
    const { interval, intervals } = page().dataset;
    const venues = [...page().querySelectorAll('[data-filter="venue"] option')].map((option) => option.value);
    const view = of("view", VIEWS);
    const sort = /^\w{1,30}\.(asc|desc)$/.test(given.get("sort") || "") ? given.get("sort") : SORTED[view];
    return {
      interval: of("tf", intervals.split(",")) || interval,
      view,
      venue: of("venue", venues),
      signal: of("signal", SIGNALS),
      starred: of("starred", ["1"]),
      q: (given.get("q") || "").slice(0, 40),
      sort,
    };
  }

  // Go to the same page with some of it changed. What is as without a word is left out.
  function go(changes, options) {
    const given = new URLSearchParams(window.location.search);
    const silent = { tf: page().dataset.interval, sort: SORTED["view" in changes ? changes.view : read().view] };
    for (const [name, value] of Object.entries(changes)) {
      if (value && value !== silent[name]) given.set(name, value);
      else given.delete(name);
    }
    const words = given.toString();
    tickdeck.go(words ? `/?${words}` : "/", options);
  }

  function isFiltered(asked) {
    return Object.keys(NO_FILTERS).some((name) => asked[name]);
  }

  tickdeck.marketAddress = { page, read, go, isFiltered, NO_FILTERS };
})();
