// Which panes and overlays of the candles are on: as the address says (`?on=ema,gaps`), or as it was last chosen.
(function () {
  "use strict";
  const tickdeck = (window.tickdeck = window.tickdeck || {});
  const KEY = "tickdeck-symbol-on";
  const NAMES = ["rsi", "stoch", "ema", "bb", "vwap", "signals", "gaps"];
  const DEFAULT = "rsi,stoch,ema,signals,gaps";

  // The names that are on.
  function names() {
    const asked = new URLSearchParams(window.location.search).get("on");
    const chosen = asked ?? tickdeck.choices.recall(KEY) ?? DEFAULT;
    const listed = new Set(chosen.split(","));
    return new Set(NAMES.filter((name) => listed.has(name)));
  }

  // Switch one. It is kept for other visits, and the address says it.
  function toggle(name) {
    const now = names();
    if (!now.delete(name)) now.add(name);
    const chosen = NAMES.filter((each) => now.has(each)).join(",");
    tickdeck.choices.remember(KEY, chosen);
    tickdeck.go(address({ on: chosen }));
    tickdeck.symbol.repaint();
  }

  // The address of a page of this kind with what the present one says, changed by these; without a path of this.
  function address(changes, path = window.location.pathname) {
    const said = new URLSearchParams(window.location.search);
    for (const [name, value] of Object.entries(changes)) said.set(name, value);
    const search = said.toString().replaceAll("%2C", ",");
    return search ? `${path}?${search}` : path;
  }

  function paint() {
    const now = names();
    for (const button of document.querySelectorAll("#symbol-page [data-on]")) {
      button.setAttribute("aria-pressed", String(now.has(button.dataset.on)));
    }
  }

  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element && event.target.closest("#symbol-page [data-on]");
    if (button) toggle(button.dataset.on);
  });
  window.addEventListener("popstate", () => tickdeck.symbol.repaint());
  tickdeck.symbolShown = { names, address, paint };
})();
