// The Status page: what it asks, what it holds, when it draws.
(function () {
  "use strict";
  const tickdeck = (window.tickdeck = window.tickdeck || {});
  const { statusFeeds, statusTables, statusStores, statusFreshness } = tickdeck;
  const NOTHING = { hot: null, history: null }; // each {version, content}
  const TITLE = "Status · Tickdeck";
  let held = NOTHING;
  let isPainted = false;

  function pageElement() {
    return document.getElementById("status-page");
  }

  function isShown() {
    return pageElement() !== null;
  }

  // What the server is asked, or no_update while there is nothing to ask.
  function pass() {
    const tick = isShown() ? tickdeck.gate.open("status") : 0;
    if (!tick) return window.dash_clientside.no_update;
    document.title = TITLE;
    const version = (part) => (part ? part.version : null);
    return { tick, hot: version(held.hot), history: version(held.history) };
  }

  function draw(reply) {
    const no_update = window.dash_clientside.no_update;
    if (!reply || !isShown()) return no_update;
    if (!reply.payload) {
      tickdeck.live.accept({ now: reply.now, payload: null });
      return no_update;
    }
    held = { ...held, ...JSON.parse(reply.payload) };
    if (tickdeck.live.hear(reply.now, held.hot.content.shell)) tickdeck.shell.redraw(reply.now);
    paint();
    return reply.now;
  }

  // Frozen: nothing moves, but a page that is new is painted once.
  function paint() {
    if (!isShown() || !held.hot || !held.history || (tickdeck.isFrozen() && isPainted)) return;
    const [hot, history] = [held.hot.content, held.history.content];
    const at = (name) => document.getElementById(`status-${name}`);
    statusStores.drawParts(at("parts"), hot.parts);
    statusFeeds.draw(at("feeds"), hot.feeds, history.strips);
    statusFreshness.draw(at("freshness"));
    statusTables.drawWorkers(at("workers"), hot.workers, hot.feeds, hot.is_silent);
    statusStores.draw(at("stores"), hot.redis, history);
    statusTables.drawLedger(at("ledger"), history.ledger, history.is_silent);
    pageElement().classList.toggle("is-hot-old", hot.is_silent);
    pageElement().classList.toggle("is-history-old", history.is_silent);
    pageElement().classList.add("is-painted");
    isPainted = true;
  }

  // The page was left: nothing is held for nobody.
  function leave() {
    held = NOTHING;
    isPainted = false;
    document.title = "Tickdeck";
  }

  // Ages go on with time alone.
  function everySecond() {
    if (document.title === TITLE && !isShown()) leave();
    if (!document.hidden) paint();
  }

  document.addEventListener("tickdeck:freeze", paint);
  document.addEventListener("tickdeck:clock", paint);
  window.setInterval(everySecond, 1000);
  window.dash_clientside = Object.assign({}, window.dash_clientside, { status: { pass, draw } });
  tickdeck.status = { isShown };
})();
