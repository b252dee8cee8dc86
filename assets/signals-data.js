// What the Signals page asks for, read from the address, and what it holds of the answer.
(function () {
  "use strict";
  const tickdeck = (window.tickdeck = window.tickdeck || {});
  const PATH = "/signals";
  const FILTERS = ["venue", "symbol", "interval", "rule", "side"];
  const HORIZONS = tickdeck.signalsColumns.HORIZONS_S.map(String);
  const HORIZON = "900"; // of the scoreboard, where the address names none
  const BEHIND_MS = 10000;

  // What the address asks for. A word that is no choice of the page's counts as none.
  function read(search, isChoice) {
    const given = new URLSearchParams(search);
    const asked = {};
    for (const name of FILTERS) {
      const value = given.get(name) || "";
      asked[name] = value && isChoice(name, value) ? value : "";
    }
    asked.show = given.get("show") === "trades" ? "trades" : "signals";
    asked.before = /^\d{1,18}\.\d{1,18}$/.test(given.get("before") || "") ? given.get("before") : "";
    const horizon = HORIZONS.includes(given.get("horizon")) ? given.get("horizon") : HORIZON;
    return { asked, horizon };
  }

  // The address of this page with some of what it says changed; empty words are left out.
  function address(search, changes) {
    const given = new URLSearchParams(search);
    for (const [name, value] of Object.entries(changes)) {
      if (value) given.set(name, value);
      else given.delete(name);
    }
    const words = given.toString();
    return words ? `${PATH}?${words}` : PATH;
  }

  function isFiltered(asked) {
    return FILTERS.some((name) => asked[name]);
  }

  function keyOf(asked) {
    return [...FILTERS.map((name) => asked[name]), asked.show, asked.before].join("|");
  }

  // Nothing yet of this question; but where its filters are those of the one before, all but the history is the same.
  function begin(asked, before) {
    const held = { asked, key: keyOf(asked), newest: null, versions: {}, parts: {} };
    if (!before || !before.newest || FILTERS.some((name) => asked[name] !== before.asked[name])) return held;
    const { past, ...parts } = before.parts;
    const { past: version, ...versions } = before.versions;
    return { ...held, newest: { ...before.newest, read_at: 0 }, parts, versions };
  }

  function question(held) {
    return { ...held.asked, held: held.versions };
  }

  // Take a reply's text; null if it answers another question, otherwise its content.
  function accept(held, text) {
    const { parts, ...newest } = JSON.parse(text);
    const [venue, symbol, interval, rule, side, show, before] = newest.question;
    const key = keyOf({ venue, symbol, interval, rule, side, show, before: before ? before.join(".") : "" });
    if (key !== held.key) return null;
    // Two workers may answer in turn, one a moment behind the other.
    const behind = held.newest ? held.newest.read_at - newest.read_at : 0;
    if (behind > 0 && behind < BEHIND_MS) return newest;
    held.newest = newest;
    held.versions = newest.versions;
    for (const [name, part] of Object.entries(parts)) held.parts[name] = part;
    return newest;
  }

  tickdeck.signalsData = { FILTERS, read, address, isFiltered, keyOf, begin, question, accept };
})();
