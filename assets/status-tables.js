// The tables of the Status page: workers, and the incidents of the ledger. On a phone each row is a card.
(function () {
  "use strict";
  const tickdeck = (window.tickdeck = window.tickdeck || {});
  const { dom, format, readings: words } = tickdeck;

  const WORKERS = [
    ["Worker", (worker) => worker.id, () => "who"],
    ["Feeds", (worker) => worker.feeds, () => "text"],
    ["Instruments", (worker) => `${words.whole(worker.symbols)} · ${words.percent(worker.share)}`],
    ["Heartbeat", (worker) => words.age(worker.heartbeat_at), (worker) => `age-${words.ageLevel(worker.heartbeat_at)}`],
    ["Runs for", (worker) => words.since(worker.started_at)],
    ["Queue rows", (worker) => words.whole(worker.queue_rows)],
    ["Spool rows", (worker) => words.whole(worker.spool_rows), (worker) => (worker.spool_rows ? "level-warn" : "")],
    ["Spool", (worker) => words.bytes(worker.spool_bytes)],
    ["Rows written", (worker) => format.compact(worker.rows_written)],
    ["Dropped", (worker) => words.whole(worker.rows_dropped), (worker) => (worker.rows_dropped ? "level-bad" : "")],
    ["Postgres", dbText, (worker) => `text level-${words.DB_LEVELS[worker.db_state] || "unknown"}`],
  ];

  const INCIDENTS = [
    ["Began", (gap) => words.moment(gap.started_at)],
    ["Lasted", (gap) => (gap.ended_at === null ? "lasts " + words.since(gap.started_at) : words.span(gap.ended_at - gap.started_at)),
      (gap) => (gap.ended_at === null ? "level-bad" : "")],
    ["Venue", (gap) => gap.venue, () => "text"],
    ["What", whatText, () => "text"],
    ["Cause", (gap) => gap.cause, () => "text cause"],
    ["Repaired", repairedText, (gap) => `text level-${repairLevel(gap)}`],
    ["Rows got back", (gap) => words.whole(gap.rows_recovered)],
    ["Detail", (gap) => gap.detail || format.MISSING, () => "text detail"],
  ];

  function dbText(worker) {
    const level = words.DB_LEVELS[worker.db_state] || "unknown";
    return `${words.SHAPES[level]} ${worker.db_state || format.MISSING}`;
  }

  function whatText(gap) {
    const whose = gap.instruments === 1 ? gap.symbol : words.count(gap.instruments, "instrument");
    return `${whose} · ${gap.channels.join(", ")}`;
  }

  function repairLevel(gap) {
    if (gap.whole === gap.gaps) return "ok";
    return gap.open ? "bad" : "warn";
  }

  function repairedText(gap) {
    const shape = words.SHAPES[repairLevel(gap)];
    if (gap.whole === gap.gaps) return `${shape} yes`;
    if (!gap.whole && !gap.partly) return gap.open ? `${shape} not yet` : `${shape} no`;
    if (gap.gaps === 1) return `${shape} partly`;
    const partly = gap.partly ? `, ${words.whole(gap.partly)} partly` : "";
    return `${shape} ${words.whole(gap.whole)} of ${words.whole(gap.gaps)}${partly}`;
  }

  // `rows` null: not known, and `silence` says why; `none`: what is said where there are none.
  function table(container, columns, rows, { key, none, silence, heads = [] }) {
    if (!container.firstElementChild) {
      const head = dom.make("tr", "", ...columns.map(([name]) => dom.make("th", "", name)));
      const grid = dom.make("table", "", dom.make("thead", "", head), dom.make("tbody", ""));
      container.append(grid, dom.make("p", "none"));
    }
    const [grid, note] = container.children;
    heads.forEach(([i, text]) => dom.write(grid.tHead.rows[0].cells[i], text));
    dom.each(grid.tBodies[0], rows || [], {
      key,
      make: () => dom.make("tr", "", ...columns.map(([name]) => cell(name))),
      fill: (line, row) => columns.forEach(([, text, kind], i) => fill(line.cells[i], text(row), kind ? kind(row) : "")),
    });
    grid.hidden = !rows || !rows.length;
    dom.write(note, rows === null ? silence : none);
    note.hidden = !grid.hidden;
  }

  function cell(name) {
    const made = dom.make("td", "");
    made.dataset.head = name;
    return made;
  }

  function fill(made, text, kind) {
    dom.write(made, text, kind);
    if (kind.includes("text") && made.title !== text) made.title = text;
  }

  function drawWorkers(container, workers, feeds, isSilent) {
    const rows = workers.map((worker) => ({ ...worker, feeds: feedsOf(worker.id, feeds) }));
    table(container, WORKERS, isSilent && !rows.length ? null : rows, {
      key: (worker) => worker.id,
      none: "No collector gives a sign of life.",
      silence: "Redis does not answer, and never told of a worker.",
    });
  }

  // What a worker has of each venue: "bybit live, binance idle".
  function feedsOf(id, feeds) {
    const found = feeds.filter((feed) => feed.workers[id]).map((feed) => `${feed.venue} ${feed.workers[id].state || ""}`);
    return found.join(", ") || format.MISSING;
  }

  function drawLedger(container, ledger, isSilent) {
    table(container, INCIDENTS, ledger, {
      key: (gap) => `${gap.venue} ${gap.cause} ${gap.started_at}`,
      none: "Nothing is missing: the ledger is empty.",
      silence: isSilent ? "Postgres does not answer, and never told of a gap." : "The ledger is being read.",
      heads: [[0, `Began ${tickdeck.clock.zone()}`]],
    });
  }

  tickdeck.statusTables = { drawWorkers, drawLedger };
})();
