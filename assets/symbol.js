// The Symbol page: what it asks, what it writes, when it draws.
(function () {
  "use strict";
  const tickdeck = (window.tickdeck = window.tickdeck || {});
  const { format, symbolData, symbolFigures, symbolBook, symbolCharts } = tickdeck;
  const SMALL = 1e-4;
  const LADDER_WORDS = { syncing: "syncing", unreadable: "unreadable" };
  const UNTIL_PLOTLY_MS = 100;
  let held = null; // what is held of the series that is shown
  let shownOn = null; // the page's element
  let isPainted = false; // whether what is held was painted with its history
  let painted = null; // what the other parts show, for the same
  let heard = null; // {of, ticker, book}: the venue's times of what was painted of an instrument
  let charted = null; // what the charts show, for redrawing them while the page is frozen

  function pageElement() {
    return document.getElementById("symbol-page");
  }

  function isShown() {
    return pageElement() !== null;
  }

  // The series of the address; an interval that is not collected is the default one.
  function shownSeries(page) {
    const { venue, symbol, interval, intervals } = page.dataset;
    const asked = new URLSearchParams(window.location.search).get("tf");
    return [venue, symbol, intervals.split(",").includes(asked) ? asked : interval];
  }

  // What the server is asked, or no_update while there is nothing to ask.
  function pass() {
    const no_update = window.dash_clientside.no_update;
    const page = pageElement();
    if (!page) return no_update;
    const series = shownSeries(page);
    if (page !== shownOn) leave(); // and came back
    shownOn = page;
    if (!held || held.key !== series.join(":")) turnTo(page, series);
    const tick = tickdeck.gate.open(`symbol ${held.key}`);
    return tick ? { tick, ...symbolData.question(held) } : no_update;
  }

  function turnTo(page, series) {
    const isSameInstrument = held && held.venue === series[0] && held.symbol === series[1];
    const before = held;
    held = symbolData.begin(...series);
    isPainted = false;
    if (isSameInstrument) {
      held.newest = before.newest && { ...before.newest, forming: null, indicator: null };
      held.trades = before.trades;
    } else charted = null;
    page.querySelectorAll(".tf").forEach((link) => {
      const isChosen = link.textContent === held.interval;
      link.classList.toggle("tf-selected", isChosen);
      link.setAttribute("aria-current", isChosen ? "true" : "false");
    });
    document.title = `${held.symbol} ${held.venue} · Tickdeck`;
    if (!isSameInstrument || !tickdeck.isFrozen()) paintPage();
  }

  function draw(reply) {
    const no_update = window.dash_clientside.no_update;
    if (!reply || !reply.payload || !held || !isShown()) return no_update;
    if (!symbolData.accept(held, reply.payload)) return no_update;
    if (tickdeck.live.hear(reply.now, held.newest)) tickdeck.shell.redraw(reply.now);
    paint();
    return reply.now;
  }

  // Frozen: nothing moves, but a series that was turned to is painted until it is whole, once.
  function paint() {
    if (!held || !isShown()) return;
    if (tickdeck.isFrozen() && isPainted) return;
    if (!isPainted && held.last !== null) charted = null;
    paintPage();
    paintCharts(!isPainted);
    isPainted = isPainted || (held.last !== null && held.newest.history !== "loading");
    tellPainted();
  }

  // Tell how old the ticker and the book are that were just painted, if they are newer than those before.
  function tellPainted() {
    const { ticker, book } = held.newest || {};
    const before = heard;
    const timeOf = (part) => (part && !format.isMissing(part.event_time) ? part.event_time : 0);
    heard = { of: `${held.venue}:${held.symbol}`, ticker: timeOf(ticker), book: timeOf(book) };
    if (!before || before.of !== heard.of) return;
    const isNews = (name) => before[name] && heard[name] > before[name];
    tickdeck.freshness.painted(["ticker", "book"].filter(isNews).map((name) => heard[name]));
  }

  function paintPage({ isUrgent = false, of = { ...held } } = {}) {
    painted = of;
    const newest = of.newest || {};
    const places = of.newest ? symbolFigures.placesOf(of) : { price: 0, size: 0 };
    paintHead(newest.ticker || {}, places);
    const book = newest.book || null;
    const tick = newest.tick_size || null;
    tickdeck.symbolGroups.paint(tick, places);
    symbolBook.ladder(document.getElementById("symbol-ladder"), book, places, tickdeck.symbolGroups.stepOf(tick));
    symbolBook.depth(document.getElementById("symbol-depth"), book, places);
    tickdeck.symbolTape.paint(document.getElementById("symbol-tape"), of.trades, places);
    tickdeck.symbolSignals.paint(document.getElementById("symbol-signals"), of.signals, places);
    tickdeck.symbolShown.paint();
    tickdeck.symbolTables.paint(of, { isUrgent });
    paintAges();
  }

  function paintHead(ticker, places) {
    const price = (value) => format.fixed(value, places.price);
    writePrice("symbol-last", ticker.last_price, places.price);
    write("symbol-change", format.signed(ticker.change_24h_pct, 2));
    const change = ticker.change_24h_pct || 0;
    document.getElementById("symbol-change").className = `num ${change > 0 ? "up" : change < 0 ? "down" : ""}`;
    write("symbol-mark", price(ticker.mark_price));
    write("symbol-index", price(ticker.index_price));
    write("symbol-open-interest", format.compact(ticker.open_interest));
    write("symbol-volume", format.compact(ticker.turnover_24h));
  }

  // All digits are kept; the leading zeros of a small price step back.
  function writePrice(id, value, places) {
    const element = document.getElementById(id);
    const text = format.fixed(value, places);
    if (element.textContent === text) return;
    const [, zeros, rest] = value > 0 && value < SMALL ? /^([^1-9]*)(.*)$/.exec(text) : [null, "", text];
    const muted = document.createElement("span");
    muted.className = "zeros";
    muted.textContent = zeros;
    element.replaceChildren(muted, rest);
  }

  function write(id, text, className) {
    const element = document.getElementById(id);
    if (element.textContent !== text) element.textContent = text;
    if (className !== undefined && element.className !== className) element.className = className;
  }

  // What goes on with time alone: ages, the funding countdown, how old the book is.
  function paintAges() {
    const { newest, ticker, book, is_old: isOld } = held.newest || {};
    const age = tickdeck.live.seconds(format.isMissing(newest) ? null : newest);
    const level = tickdeck.live.level(age);
    write("symbol-age", format.age(age, level), `num age-${level}`);
    write("symbol-funding", fundingText(ticker || {}));
    const words = ladderWords(book, isOld);
    write("symbol-ladder-state", words, "ladder-state");
    pageElement().classList.toggle("is-muted", words !== "");
    write("symbol-note", noteText());
  }

  function fundingText(ticker) {
    const rate = format.isMissing(ticker.funding_rate) ? null : ticker.funding_rate * 100;
    if (format.isMissing(ticker.next_funding_time)) return format.signed(rate, 4);
    const left = Math.max(0, Math.floor((ticker.next_funding_time - tickdeck.live.now()) / 1000));
    const two = (value) => String(value).padStart(2, "0");
    const time = `${two(Math.floor(left / 3600))}:${two(Math.floor(left / 60) % 60)}:${two(left % 60)}`;
    return `${format.signed(rate, 4)} · ${time}`;
  }

  // Why the book is not to be trusted, or nothing.
  function ladderWords(book, isOld) {
    if (!held.newest) return "";
    if (!book) return unlisted() ? "" : "no book yet";
    const age = tickdeck.live.seconds(isOld || book.state === "stale" ? book.recv_time : null);
    if (isOld || book.state === "stale") return age === null ? "stale" : `stale ${format.duration(age)}`;
    return LADDER_WORDS[book.state] || "";
  }

  // That the venue does not trade what is looked at, or nothing.
  function unlisted() {
    return tickdeck.unlisted.sentence(held.newest?.feeds, held.venue, held.symbol);
  }

  function noteText() {
    const { is_old: isOld, history } = held.newest || {};
    const found = [unlisted()].filter(Boolean);
    if (isOld) found.push("Redis does not answer: last known values");
    if (history === "delayed") found.push("history delayed: Postgres does not answer");
    if (history === "loading") found.push("history is loading");
    if (history === "ok" && held.candles.length < 2 && !unlisted()) found.push("no candles stored yet");
    if (held.earlier === "failed") found.push("earlier candles could not be loaded");
    return found.join(" · ");
  }

  function paintCharts(isUrgent) {
    if (!held || !isShown()) return;
    const isStill = tickdeck.isFrozen() && charted && charted.key === held.key;
    const drawn = isStill || held.last === null ? charted : { ...held }; // null: nothing was told of this series yet
    if (!drawn) return;
    if (!symbolCharts.plotOf("symbol-chart")) {
      window.setTimeout(() => paintCharts(isUrgent), UNTIL_PLOTLY_MS);
      return;
    }
    const [onMoved, onRested] = [true, false].map((isNow) => () => paintCharts(isNow));
    const common = { onMoved, onRested, isUrgent };
    const chart = (range, width) => {
      loadEarlierIfSeen(symbolFigures.windowOf(drawn, range, width)[0]);
      return tickdeck.symbolPrices.chart(drawn, range, width);
    };
    if (symbolCharts.draw("symbol-chart", drawn.key, { ...common, figureOf: chart })) charted = drawn;
    const strips = (range, width) => tickdeck.symbolStrips.figure(drawn, range, width);
    symbolCharts.draw("symbol-strips", `${drawn.venue}:${drawn.symbol}`, { ...common, figureOf: strips });
  }

  async function loadEarlierIfSeen(from) {
    const asking = held;
    const first = held.candles.length ? held.candles[0].open_time : Infinity;
    if (from > first || !(await symbolData.loadEarlier(asking)) || asking !== held) return;
    if (charted && charted.key === held.key) {
      const earlier = held.candles.filter((candle) => candle.open_time < first);
      charted = { ...charted, candles: earlier.concat(charted.candles) };
    }
    paintCharts(true);
  }

  // The reader chose to see something else of what is shown: at once, and while frozen of the same moment.
  function repaint() {
    if (!held || !isShown()) return;
    const isStill = tickdeck.isFrozen() && painted && painted.key === held.key;
    paintPage({ isUrgent: true, of: isStill ? painted : { ...held } });
    paintCharts(true);
  }

  // The page was left: nothing is held for nobody.
  function leave() {
    held = shownOn = painted = charted = heard = null;
    document.title = "Tickdeck";
  }

  function everySecond() {
    if (held && !isShown()) leave();
    if (!isShown() || document.hidden || !held || tickdeck.isFrozen()) return;
    paintAges();
  }

  // On a narrow screen one part is shown at a time.
  function choosePart(part) {
    pageElement().dataset.part = part;
    document.querySelectorAll(".part-tab").forEach((tab) => {
      tab.setAttribute("aria-selected", tab.dataset.part === part ? "true" : "false");
    });
    paintCharts(true);
  }

  document.addEventListener("click", (event) => {
    const tab = event.target.closest && event.target.closest(".part-tab");
    if (tab) choosePart(tab.dataset.part);
  });
  document.addEventListener("tickdeck:freeze", paint);
  document.addEventListener("tickdeck:clock", repaint);
  new MutationObserver(() => paintCharts(true)).observe(document.documentElement, {
    attributeFilter: ["data-bs-theme", "data-palette"],
  });
  window.setInterval(everySecond, 1000);
  window.dash_clientside = Object.assign({}, window.dash_clientside, { symbol: { pass, draw } });
  tickdeck.symbol = { isShown, held: () => held, repaint };
})();
