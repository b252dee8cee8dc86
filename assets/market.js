// The Market table: rows in, changed cells out. Values move, rows stay where they are.
(function () {
  "use strict";
  const tickdeck = (window.tickdeck = window.tickdeck || {});
  const GRID = "market-grid";
  const SORT_EVERY_S = 5;
  const FLASH_EVERY_MS = 1000;
  const BEHIND_MS = 2000;
  const TOUCH_ROW_HEIGHT = 44; // as in market.css
  const still = window.matchMedia("(prefers-reduced-motion: reduce)");
  let grid = null;
  let known = new Map(); // id -> the row object the grid holds
  let flashed = new Map(); // id -> when its price last flashed
  let sinceSort = 0;

  function draw(reply) {
    const view = tickdeck.live.accept(reply);
    const no_update = window.dash_clientside.no_update;
    if (!view) return [no_update, no_update];
    // A table that is new has nothing to hold still yet.
    if (tickdeck.isFrozen() && grid && !grid.isDestroyed()) return [no_update, no_update];
    window.dash_ag_grid.getApiAsync(GRID).then((api) => paint(api, view));
    return [view.version, counts(view)];
  }

  function paint(api, view) {
    if (api.isDestroyed()) return;
    if (api !== grid) {
      grid = api;
      known = new Map();
      if (window.matchMedia("(pointer: coarse)").matches) api.setGridOption("rowHeight", TOUCH_ROW_HEIGHT);
      api.addEventListener("rowClicked", openSymbol);
      api.addEventListener("cellKeyDown", (found) => found.event.key === "Enter" && openSymbol(found));
    }
    const ids = new Set(view.rows.map((row) => row.id));
    const change = { add: [], update: [], remove: [...known.values()].filter((row) => !ids.has(row.id)) };
    change.remove.forEach((row) => known.delete(row.id));
    const moved = [];
    for (const row of view.rows) {
      const before = known.get(row.id);
      if (before && (before.version === view.version || isBehind(row, before))) continue;
      const next = { ...row, ...derived(row, before), version: view.version };
      if (before && isSame(before, next)) {
        Object.assign(before, { recv_time: next.recv_time, version: next.version });
        continue;
      }
      if (before && next.last_price !== before.last_price) moved.push(row.id);
      (before ? change.update : change.add).push(next);
      known.set(row.id, next);
    }
    if (change.add.length || change.update.length || change.remove.length) {
      api.applyTransactionAsync(change, () => flash(api, moved));
    }
  }

  // A row leads to its instrument's page; whoever selects text or holds a key wants something else.
  function openSymbol({ event, data }) {
    const isLink = event.target.closest && event.target.closest("a");
    const isHeld = event.ctrlKey || event.metaKey || event.shiftKey || event.altKey;
    if (isHeld || String(window.getSelection())) return;
    if (isLink) event.preventDefault();
    tickdeck.go(`/s/${data.venue}/${data.symbol}`);
  }

  // What the row itself does not say: which way the price went, how old it is, how many decimals.
  function derived(row, before) {
    const was = before ? before.last_price : null;
    const step = tickdeck.format.isMissing(was) ? 0 : Math.sign(row.last_price - was);
    const learned = Math.max(tickdeck.format.digits(row.last_price), before ? before.places : 0);
    return {
      direction: step || (before ? before.direction : 0),
      level: level(row),
      places: tickdeck.format.isMissing(row.places) ? learned : row.places,
    };
  }

  // Two workers may answer in turn, one a moment behind the other: a row never goes back by that moment.
  function isBehind(row, before) {
    const behind = before.recv_time - row.recv_time;
    return row.recv_time !== null && behind > 0 && behind < BEHIND_MS;
  }

  function level(row) {
    return tickdeck.live.level(tickdeck.live.seconds(row.recv_time));
  }

  function isSame(a, b) {
    return Object.keys(b).every((name) => name === "recv_time" || name === "version" || a[name] === b[name]);
  }

  function flash(api, ids) {
    if (still.matches || api.isDestroyed()) return;
    const now = performance.now();
    const due = ids.filter((id) => now - (flashed.get(id) || -Infinity) >= FLASH_EVERY_MS * 0.9);
    due.forEach((id) => flashed.set(id, now));
    const rowNodes = due.map((id) => api.getRowNode(id)).filter(Boolean);
    if (rowNodes.length) api.flashCells({ rowNodes, columns: ["last_price"] });
  }

  function counts(view) {
    const changes = view.rows.map((row) => row.change_24h_pct);
    const rising = changes.filter((c) => c > 0).length;
    const falling = changes.filter((c) => c < 0).length;
    const live = view.feeds.filter((feed) => feed.state === "live").length;
    const part = (children, className) => tickdeck.shell.element("Span", { children, className });
    return [
      part(`▲ ${rising} rising`, "up"),
      part(`▼ ${falling} falling`, "down"),
      part(`${live} of ${view.feeds.length} venues live`),
      part(`${view.rows.length} rows`),
    ];
  }

  function everySecond() {
    if (!grid || grid.isDestroyed() || document.hidden || tickdeck.isFrozen()) return;
    const update = [];
    for (const row of known.values()) {
      const now = level(row);
      if (now === row.level) continue;
      const next = { ...row, level: now };
      known.set(row.id, next);
      update.push(next);
    }
    if (update.length) grid.applyTransaction({ update });
    grid.refreshCells({ columns: ["age"] });
    sinceSort += 1;
    if (sinceSort < SORT_EVERY_S || document.getElementById(GRID).matches(":hover")) return;
    sinceSort = 0;
    grid.refreshClientSideRowModel("sort");
  }

  window.setInterval(everySecond, 1000);
  window.dash_clientside = Object.assign({}, window.dash_clientside, { market: { draw } });
})();
