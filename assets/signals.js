// The Signals page: what it asks, what it writes, when it draws.
(function () {
  "use strict";
  const tickdeck = (window.tickdeck = window.tickdeck || {});
  const { format, signalsData, signalsColumns, signalsScore, signalsEquity, signalsCsv } = tickdeck;
  const { write } = tickdeck.dom;
  const TITLE = "Signals · Tickdeck";
  const LOADING = "Loading …";
  let held = null; // what is held of the question that is shown
  let horizon = null; // of the scoreboard
  let paintedKey = null; // the question that was last painted whole
  let page = null; // the element it was painted into

  function pageElement() {
    return document.getElementById("signals-page");
  }

  function isShown() {
    return pageElement() !== null;
  }

  function control(name) {
    return pageElement().querySelector(`[data-filter="${name}"]`);
  }

  function isChoice(name, value) {
    return [...control(name).options].some((option) => option.value === value);
  }

  // What the server is asked, or no_update while there is nothing to ask.
  function pass() {
    const no_update = window.dash_clientside.no_update;
    if (!isShown()) return no_update;
    if (page !== pageElement()) leave();
    const { asked, horizon: wanted } = signalsData.read(window.location.search, isChoice);
    const key = signalsData.keyOf(asked);
    if (!held || held.key !== key) held = signalsData.begin(asked, held);
    if (paintedKey !== key || horizon !== wanted) turn(asked, wanted);
    const tick = tickdeck.gate.open(`signals ${held.key}`);
    return tick ? { tick, ...signalsData.question(held) } : no_update;
  }

  // Show what the address says on the controls, at once; the rows come with the reply.
  function turn(asked, wanted) {
    horizon = wanted;
    page = pageElement();
    for (const name of signalsData.FILTERS) control(name).value = asked[name];
    press("[data-show]", "show", asked.show);
    press("[data-horizon]", "horizon", horizon);
    document.getElementById("signals-clear").hidden = !signalsData.isFiltered(asked);
    paintAll();
  }

  function press(selector, name, chosen) {
    for (const button of pageElement().querySelectorAll(selector)) {
      const isChosen = button.dataset[name] === chosen;
      button.classList.toggle("tf-selected", isChosen);
      button.setAttribute("aria-pressed", String(isChosen));
    }
  }

  function draw(reply) {
    const no_update = window.dash_clientside.no_update;
    if (!reply || !reply.payload || !held || !isShown()) return no_update;
    const newest = signalsData.accept(held, reply.payload);
    if (!newest) return no_update;
    if (tickdeck.live.hear(reply.now, newest)) tickdeck.shell.redraw(reply.now);
    paint();
    return reply.now;
  }

  // Frozen: nothing moves, but a question that was turned to is painted once, whole.
  function paint() {
    if (!held || !held.newest || !isShown()) return;
    if (tickdeck.isFrozen() && paintedKey === held.key) return;
    paintAll();
    paintedKey = held.key;
  }

  function paintAll() {
    if (document.title !== TITLE) document.title = TITLE;
    write(document.getElementById("signals-note"), noteText());
    paintOpen();
    signalsEquity.draw(held.parts.equity || null, emptyWords("equity"));
    paintBoard();
    paintPast();
  }

  function noteText() {
    const state = held.newest ? held.newest.history : "loading";
    if (state !== "delayed") return "";
    const age = format.duration(tickdeck.live.seconds(held.newest.read_at));
    return held.parts.past
      ? `Postgres does not answer: what is shown was read ${age} ago`
      : "Postgres does not answer: the track record cannot be read now";
  }

  const EMPTY = {
    open: "No paper trade is open. One opens at the first quote after a signal.",
    equity: "No paper trade has closed in 30 days. The curve begins with the first that does: rules of the book hold a quarter of an hour at most, others a number of candles.",
    board: "No figures yet. The scoreboard is computed about once a minute from signals that have been priced again; the first signals are, one minute after they fired.",
    signals: "No signal yet. Rules are asked when a candle closes, once a series has 150 whole candles in a row; with history at hand that is at once, without it takes two and a half hours for 1m. Rules of the book need no candles.",
    trades: "No paper trade has closed yet. They close at their stop, on an opposite signal, or when their time is up.",
  };

  // Why a part has no rows: not read yet, nothing matches, or nothing is there and when it will be.
  function emptyWords(name) {
    if (!held.parts[name]) {
      const isDelayed = held.newest && held.newest.history === "delayed";
      return isDelayed ? "Not known while Postgres does not answer." : LOADING;
    }
    if (name === "past" && held.asked.before) return "Nothing older.";
    if (signalsData.isFiltered(held.asked)) return "Nothing matches these filters.";
    return EMPTY[name === "past" ? held.asked.show : name];
  }

  function table(id, kind, columns, rows, more) {
    tickdeck.table.draw(document.getElementById(id), { kind, columns, rows, keyOf: (row) => String(row.id), ...more });
  }

  function openRows() {
    const part = held.parts.open;
    if (!part) return [];
    part.rows.forEach((row, i) => (row.mark = held.newest.marks[i] || null));
    return part.rows;
  }

  function paintOpen() {
    const rows = openRows();
    const marked = rows.filter((row) => row.mark);
    const net = marked.reduce((sum, row) => sum + row.mark[1], 0);
    const count = held.parts.open ? held.parts.open.count : null;
    const parts = [count === null ? format.MISSING : `${format.fixed(count, 0)} open`];
    if (count > rows.length) parts.push(`the newest ${rows.length} are shown`);
    const which = marked.length === count ? "all" : `${marked.length} of them`;
    if (marked.length) parts.push(`${signalsColumns.bps(net)} bps if ${which} were closed now`);
    write(document.getElementById("signals-open-sum"), parts.join(" · "));
    const detail = signalsColumns.tradeDetail;
    table("signals-open", "open", signalsColumns.OPEN, rows, { detail, empty: emptyWords("open") });
  }

  function paintBoard() {
    const rows = signalsScore.shown(held.parts.board, horizon);
    const scale = signalsScore.fit(rows);
    const unfit = ["symbol", "side"].filter((name) => held.asked[name]);
    const words = [signalsScore.summary(rows), unfit.length ? `not by ${unfit.join(" and ")}` : ""];
    write(document.getElementById("signals-board-sum"), words.filter(Boolean).join(" · "));
    const keyOf = (row) => [row.rule, row.venue, row.interval, row.horizon_s].join("|");
    const { COLUMNS, detail } = signalsScore;
    table("signals-board", `board ${scale}`, COLUMNS, rows, { keyOf, detail, empty: emptyWords("board") });
  }

  function pastRows() {
    return held.parts.past ? held.parts.past.rows : [];
  }

  function paintPast() {
    const { show, before } = held.asked;
    const [columns, detail] =
      show === "signals"
        ? [signalsColumns.SIGNALS, signalsColumns.signalDetail]
        : [signalsColumns.CLOSED, signalsColumns.tradeDetail];
    const rows = pastRows();
    table("signals-past", `${show} ${before}`, columns, rows, { detail, empty: emptyWords("past") });
    const end = held.parts.past ? held.parts.past.end : null;
    const words = before ? `${rows.length} older ones` : end ? `the newest ${rows.length}` : `${rows.length} in all`;
    write(document.getElementById("signals-past-sum"), rows.length ? words : "");
    document.getElementById("signals-older").hidden = !end;
    document.getElementById("signals-newest").hidden = !before;
  }

  // Go to this page's address with some of it changed. Whatever is changed, the list begins at its newest.
  function go(changes) {
    tickdeck.go(signalsData.address(window.location.search, { before: "", ...changes }));
  }

  const SAVES = {
    open: () => [signalsCsv.OPEN, openRows()],
    equity: () => [signalsCsv.EQUITY, held.parts.equity ? signalsEquity.pointsOf(held.parts.equity) : []],
    board: () => {
      const rows = signalsScore.shown(held.parts.board, horizon);
      return [signalsCsv.scoreColumns(rows), rows];
    },
    past: () => [held.asked.show === "signals" ? signalsCsv.SIGNALS : signalsCsv.TRADES, pastRows()],
  };

  function onClick(target) {
    const { show, horizon: wanted, csv } = target.dataset;
    if (show) go({ show: show === "trades" ? show : "" });
    else if (wanted) tickdeck.go(signalsData.address(window.location.search, { horizon: wanted }));
    else if (csv && held && held.newest) signalsCsv.save(csv === "past" ? held.asked.show : csv, ...SAVES[csv]());
    else if (target.id === "signals-clear") go(Object.fromEntries(signalsData.FILTERS.map((name) => [name, ""])));
    else if (target.id === "signals-older") go({ before: held.parts.past.end });
    else if (target.id === "signals-newest") go({});
  }

  // A market's name leads to its page without loading anew.
  function onLink(event, link) {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    tickdeck.go(link.getAttribute("href"));
  }

  document.addEventListener("click", (event) => {
    if (!(event.target instanceof Element) || !event.target.closest("#signals-page")) return;
    const link = event.target.closest(".table a");
    const button = event.target.closest("button");
    if (link) onLink(event, link);
    else if (button) onClick(button);
  });
  document.addEventListener("change", (event) => {
    const { filter } = event.target.dataset || {};
    if (filter && isShown()) go({ [filter]: event.target.value });
  });
  // The table behind the curve is filled when it is unfolded.
  document.addEventListener("toggle", () => held && isShown() && paintAll(), true);
  // In another zone every row says something else.
  document.addEventListener("tickdeck:clock", () => {
    if (!held || !held.newest || !isShown()) return;
    held.parts = structuredClone(held.parts);
    paintAll();
  });
  document.addEventListener("tickdeck:freeze", paint);

  // The page was left: nothing is held for nobody.
  function leave() {
    held = paintedKey = horizon = page = null;
    if (document.title === TITLE) document.title = "Tickdeck";
  }

  function everySecond() {
    if (held && !isShown()) leave();
    if (held && held.newest && !document.hidden && !tickdeck.isFrozen()) {
      write(document.getElementById("signals-note"), noteText());
    }
  }

  window.setInterval(everySecond, 1000);
  window.dash_clientside = Object.assign({}, window.dash_clientside, { signals: { pass, draw } });
  tickdeck.signals = { isShown, held: () => held };
})();
