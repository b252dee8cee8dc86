// Finding an instrument: `/` or the box in the bar opens a list over all venues, made of the market data that is
// already here. A combobox after the WAI-ARIA pattern, in a dialog so that focus stays and comes back.
(function () {
  "use strict";
  const tickdeck = (window.tickdeck = window.tickdeck || {});
  const BUTTON = "search-open";
  const LIST = "search-list";
  const MOST = 120;
  const SHORTEST_VENUE = 2; // letters; with one every row would match
  const SETTLED_IN = /(\/\w+):\w+/g; // ETH/USDT:USDT; another colon stands behind a venue
  const KIND = /(\.P|PERP(ETUAL)?|SWAP)$/; // ETHUSDT.P, ETHUSDT_PERP, ETH-USDT-SWAP
  const AROUND = /^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu; // $BTC, "btc,"
  const EVERY_ONE = /^(PERP|PERPETUAL|SWAP)$/; // what all of them are
  let dialog = null;
  let input = null;
  let list = null;
  let found = [];
  let active = 0;

  function make(tag, attributes, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.append(...children);
    return made;
  }

  // 1000PEPEUSDT is PEPE to whoever looks for it.
  function baseOf(symbol) {
    const name = symbol.replace(/(USDT|USDC|USD|PERP)$/, "") || symbol;
    return name.replace(/^(10+|1M)(?=[A-Z])/, "").replace(/([A-Z])10{2,}$/, "$1") || name;
  }

  // A word as it stands, and as the pair that others write so.
  function formsOf(word) {
    const bare = word.replace(/[/_-]/g, "").replace(KIND, "");
    return bare && bare !== word ? [word, bare] : [word];
  }

  // How well a word fits: 0 is best, Infinity not at all.
  function distance(row, word) {
    const base = baseOf(row.symbol);
    if (base === word || row.symbol === word) return 0;
    if (base.startsWith(word)) return 1;
    if (row.symbol.startsWith(word)) return 2;
    if (row.symbol.includes(word) || EVERY_ONE.test(word)) return 3;
    const venue = row.venue.toUpperCase();
    const parts = [venue, ...venue.split("-")]; // as the page shows it, and without what stands before it
    return word.length >= SHORTEST_VENUE && parts.some((part) => part.startsWith(word)) ? 4 : Infinity;
  }

  function matches(text) {
    const said = text.normalize("NFKC").toUpperCase().replace(SETTLED_IN, "$1");
    const words = said.split(/[\s:]+/).map((word) => word.replace(AROUND, "")).filter(Boolean).map(formsOf);
    if (text.trim() && !words.length) return []; // signs alone
    const rankOf = (row) =>
      words.reduce((sum, forms) => sum + Math.min(...forms.map((form) => distance(row, form))), 0);
    return tickdeck.live
      .rows()
      .map((row) => ({ row, rank: rankOf(row) }))
      .filter((match) => match.rank < Infinity)
      .sort((a, b) => a.rank - b.rank || (b.row.turnover_24h || 0) - (a.row.turnover_24h || 0))
      .slice(0, MOST)
      .map((match) => match.row);
  }

  function option(row, index) {
    const { format } = tickdeck;
    const places = format.isMissing(row.places) ? format.digits(row.last_price) : row.places;
    const { live } = tickdeck;
    const isFresh = live.level(live.seconds(row.recv_time)) === "fresh"; // an old price is not shown without its age
    return make(
      "li",
      { role: "option", id: `search-option-${index}`, "aria-selected": "false", "data-index": index },
      make("b", {}, row.symbol),
      make("small", {}, row.venue),
      make("span", { class: "num" }, isFresh ? format.fixed(row.last_price, places) : format.MISSING),
    );
  }

  function fill() {
    found = matches(input.value);
    list.replaceChildren(...found.map(option));
    dialog.querySelector(".search-none").hidden = found.length > 0;
    input.setAttribute("aria-expanded", String(found.length > 0));
    list.scrollTop = 0;
    select(0);
  }

  function select(index) {
    active = index;
    for (const item of list.children) item.setAttribute("aria-selected", String(Number(item.dataset.index) === index));
    const chosen = list.children[index];
    if (!chosen) {
      input.removeAttribute("aria-activedescendant");
      return;
    }
    input.setAttribute("aria-activedescendant", chosen.id);
    chosen.scrollIntoView({ block: "nearest" });
  }

  function open() {
    if (!dialog) build();
    if (dialog.open) return;
    input.value = "";
    dialog.showModal();
    fill();
    input.focus();
  }

  function choose(row) {
    if (!row) return;
    dialog.close();
    tickdeck.go(tickdeck.symbolPath(row.venue, row.symbol));
  }

  function onKey(event) {
    const count = found.length;
    const moves = { ArrowDown: active + 1, ArrowUp: active - 1 };
    if (event.key in moves && count) select((moves[event.key] + count) % count);
    else if (event.key === "Enter" && !event.isComposing) choose(found[active]);
    else return;
    event.preventDefault();
  }

  function build() {
    input = make("input", {
      type: "text", role: "combobox", "aria-label": "Find an instrument", "aria-controls": LIST,
      "aria-autocomplete": "list", "aria-expanded": "true", autocomplete: "off", spellcheck: "false",
      autocapitalize: "characters", placeholder: "Symbol, coin or venue", class: "search-input",
    });
    list = make("ul", { role: "listbox", id: LIST, "aria-label": "Instruments", class: "search-list" });
    const none = make("p", { class: "search-none", role: "status" }, "No instrument has such a name.");
    none.hidden = true;
    dialog = make("dialog", { class: "search", "aria-label": "Find an instrument" }, input, list, none);
    document.body.append(dialog);
    input.addEventListener("input", fill);
    input.addEventListener("keydown", onKey);
    list.addEventListener("pointermove", (event) => {
      const item = event.target.closest("li");
      if (item && Number(item.dataset.index) !== active) select(Number(item.dataset.index));
    });
    dialog.addEventListener("click", (event) => {
      const item = event.target.closest("li");
      if (item) choose(found[Number(item.dataset.index)]);
      else if (event.target === dialog) dialog.close(); // beside it
    });
  }

  document.addEventListener("click", (event) => {
    if (event.target instanceof Element && event.target.closest("#" + BUTTON)) open();
  });
  tickdeck.keys.on("/", open);
  tickdeck.search = { open, matches };
})();
