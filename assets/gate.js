// The gate lets the next request through only after the last reply, or when that is overdue: replies slower
// than the refresh interval would otherwise be thrown away for newer ones, and the page would stand still.
(function () {
  "use strict";
  const tickdeck = (window.tickdeck = window.tickdeck || {});
  const OVERDUE_MS = 10000;
  let ticks = 0;
  let sentAt = null; // of the request in flight
  let settled = true;
  let subject = null; // of the request in flight

  // The number of the request about this that may go out now, and counts as sent; 0 if none may. Another
  // subject never waits.
  function open(about) {
    const now = performance.now();
    const waiting = about === subject && !settled && now - sentAt < OVERDUE_MS;
    if (waiting || document.hidden || tickdeck.server.isLost()) return 0;
    settled = false;
    sentAt = now;
    subject = about;
    ticks += 1;
    return ticks;
  }

  // Pages whose own replies carry what the shell shows, so that they ask for nothing else.
  function asksItself() {
    return tickdeck.symbol.isShown() || tickdeck.signals.isShown() || tickdeck.status.isShown();
  }

  // What the server is asked, or no_update while there is nothing to ask.
  function pass() {
    if (asksItself()) return window.dash_clientside.no_update;
    const asked = tickdeck.market.question();
    if (!open(`market ${asked.interval} ${asked.pairs}`)) return window.dash_clientside.no_update;
    return { tick: ticks, version: tickdeck.live.version(), ...asked };
  }

  function replied() {
    settled = true;
  }

  // What a lost server was asked it will not answer any more.
  document.addEventListener("tickdeck:server-back", replied);

  tickdeck.gate = { open, replied };
  window.dash_clientside = Object.assign({}, window.dash_clientside, { gate: { pass } });
})();
