// What the Status page says of this browser: how old the values are when it has painted them.
(function () {
  "use strict";
  const tickdeck = (window.tickdeck = window.tickdeck || {});
  const { dom, format } = tickdeck;
  const MOST_MS = { p50: 800, p99: 1500 }; // at the default refresh

  function draw(container) {
    const found = tickdeck.freshness.figures();
    const facts = [
      { head: "p50", text: seconds(found.p50), level: level(found.p50, MOST_MS.p50) },
      { head: "p99", text: seconds(found.p99), level: level(found.p99, MOST_MS.p99) },
      { head: "Values painted", text: found.count ? format.fixed(found.count, 0) : format.MISSING, level: "" },
    ];
    if (!container.firstElementChild) container.append(dom.make("dl", "facts"));
    dom.each(container.firstElementChild, facts, {
      key: (fact) => fact.head,
      make: (fact) => dom.make("div", "fact", dom.make("dt", "", fact.head), dom.make("dd", "")),
      fill: (made, fact) => dom.write(made.children[1], fact.text, fact.level),
    });
    container.title = found.count ? "" : "no moving value was painted in this tab yet: open the Market or a symbol";
  }

  function seconds(lag) {
    return lag === null ? format.MISSING : `${format.fixed(lag / 1000, 2)} s`;
  }

  // A reader who chose to see less often is shown no less than was chosen.
  function level(lag, most) {
    const isOwn = tickdeck.settings.get("refresh") === "auto";
    return lag !== null && isOwn && lag > most ? "level-warn" : "";
  }

  tickdeck.statusFreshness = { draw };
})();
