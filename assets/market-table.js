// One grid of the Market page: rows in, changed cells out. Values move, rows stay where they are.
(function () {
  "use strict";
  const tickdeck = (window.tickdeck = window.tickdeck || {});
  const SORT_EVERY_S = 5;
  const FLASH_EVERY_MS = 1000;
  const BEHIND_MS = 2000;
  const QUIET = ["recv_time", "lag_ms", "version", "ids", "at"]; // no cell shows them
  const still = window.matchMedia("(prefers-reduced-motion: reduce)");

  function level(row) {
    return tickdeck.live.level(tickdeck.live.seconds(row.recv_time, row.at));
  }

  // Two workers may answer in turn, one a moment behind the other: a row never goes back by that moment.
  function isBehind(row, before) {
    const behind = before.recv_time - row.recv_time;
    return row.recv_time !== null && behind > 0 && behind < BEHIND_MS;
  }

  function isSame(a, b) {
    return Object.keys(b).every((name) => QUIET.includes(name) || a[name] === b[name]);
  }

  // Whether something of the venue is newer in this row, and it says when that was.
  function isNews(row, before) {
    return row.recv_time > before.recv_time && !tickdeck.format.isMissing(row.lag_ms);
  }

  // The table in the grid `id`. `derived(row, before)` are fields that the row itself does not say, `open(row, column)`
  // goes where a cell leads, `sorted(order)` hears what the reader chose: "column.asc", "column.desc" or null.
  class Table {
    constructor(id, { derived, open, sorted }) {
      this.id = id;
      this.calls = { derived, open, sorted };
      this.grid = null;
      this.known = new Map(); // id -> the row object the grid holds
      this.flashed = new Map(); // id -> when its price last flashed
      this.question = null; // what the rows are an answer to
      this.view = null; // the view that they are from
      this.order = null;
      this.passes = () => true;
      this.sinceSort = 0;
    }

    isThere() {
      return this.grid !== null && !this.grid.isDestroyed();
    }

    begin(api) {
      this.grid = api;
      this.known = new Map();
      this.order = null;
      this.sinceSort = 0;
      api.setGridOption("isExternalFilterPresent", () => true);
      api.setGridOption("doesExternalFilterPass", (node) => this.passes(node.data));
      this.resize();
      api.addEventListener("cellClicked", (found) => this.onClick(found));
      api.addEventListener("cellKeyDown", (found) => this.onKey(found));
      api.addEventListener("sortChanged", (found) => found.source === "uiColumnSorted" && this.onSorted());
    }

    // A row leads to a page; whoever selects text or holds a key wants something else.
    onClick({ event, data, column }) {
      const closest = (selector) => (event.target.closest ? event.target.closest(selector) : null);
      if (closest(".star")) {
        tickdeck.stars.toggle(data.ids);
        return;
      }
      const isHeld = event.ctrlKey || event.metaKey || event.shiftKey || event.altKey;
      if (isHeld || String(window.getSelection())) return;
      if (closest("a")) event.preventDefault();
      this.calls.open(data, column);
    }

    onKey({ event, data, column }) {
      if (event.key === "Enter") this.calls.open(data, column);
      if (event.key !== " " || column.getColId() !== "star") return;
      event.preventDefault();
      tickdeck.stars.toggle(data.ids);
    }

    onSorted() {
      const chosen = this.grid.getColumnState().find((column) => column.sort);
      this.order = chosen ? `${chosen.colId}.${chosen.sort}` : null;
      this.calls.sorted(this.order);
    }

    sort(wanted) {
      if (!this.isThere() || wanted === this.order) return;
      const [colId, direction] = wanted.split(".");
      const column = this.grid.getColumn(colId);
      if (!column || !column.isSortable()) return;
      this.order = wanted;
      this.grid.applyColumnState({ state: [{ colId, sort: direction }], defaultState: { sort: null } });
    }

    filter(passes) {
      this.passes = passes;
      if (this.isThere()) this.grid.onFilterChanged();
    }

    resize() {
      if (this.isThere()) this.grid.setGridOption("rowHeight", tickdeck.settings.rowHeight());
    }

    // Frozen, nothing is painted; but what is new or answers another question has nothing to hold still yet.
    // `asked` names the question, `version` the answer, which `isFit` if it has what was asked for; `order` and
    // `passes` are for a grid that is new.
    async paint(rows, { asked, version, view, isFit, order, passes }) {
      const api = await window.dash_ag_grid.getApiAsync(this.id);
      if (api.isDestroyed()) return;
      const isNew = api !== this.grid;
      const isTurned = isNew || this.question !== asked;
      if (tickdeck.isFrozen() && !isTurned) return;
      if (isNew) this.begin(api);
      this.question = asked;
      this.view = view;
      const changed = this.change(rows, version);
      if (isNew) {
        this.sort(order);
        this.filter(passes);
      }
      if (!isTurned) return;
      await changed;
      if (!isNew && isFit && this.isThere()) this.arrange();
    }

    // Not shown: what it holds grows old, and is no answer any more.
    forget() {
      this.question = null;
    }

    // Put the rows in order and filter them by the values that they have now.
    arrange() {
      this.sinceSort = 0;
      this.grid.refreshClientSideRowModel("filter");
    }

    // Resolves when the grid has them.
    async change(rows, version) {
      const { known } = this;
      const ids = new Set(rows.map((row) => row.id));
      const found = { add: [], update: [], remove: [...known.values()].filter((row) => !ids.has(row.id)) };
      found.remove.forEach((row) => known.delete(row.id));
      const moved = [];
      const reworded = []; // ids of rows that say something else though no value of a cell did
      const times = []; // of the venue, of what is new
      const at = tickdeck.live.now(); // that a row's ages are of: frozen, they stand still
      for (const row of rows) {
        const before = known.get(row.id);
        if (before && (before.version === version || isBehind(row, before))) continue;
        const next = { ...row, ...this.calls.derived(row, before), level: level(row), version, at };
        if (before && isSame(before, next)) {
          Object.assign(before, { recv_time: next.recv_time, lag_ms: next.lag_ms, version, at });
          continue;
        }
        if (before && next.last_price !== before.last_price) moved.push(row.id);
        if (before && next.unlisted !== before.unlisted) reworded.push(row.id);
        if (before && isNews(next, before)) times.push(next.recv_time - next.lag_ms);
        (before ? found.update : found.add).push(next);
        known.set(row.id, next);
      }
      if (!found.add.length && !found.update.length && !found.remove.length) return;
      await new Promise((resolve) => this.grid.applyTransactionAsync(found, resolve));
      this.redraw(reworded);
      this.flash(moved);
      tickdeck.freshness.painted(times);
    }

    redraw(ids) {
      if (ids.length && this.isThere()) this.grid.redrawRows({ rowNodes: this.nodes(ids) });
    }

    nodes(ids) {
      return ids.map((id) => this.grid.getRowNode(id)).filter(Boolean);
    }

    flash(ids) {
      if (still.matches || !this.isThere()) return;
      const now = performance.now();
      const due = ids.filter((id) => now - (this.flashed.get(id) || -Infinity) >= FLASH_EVERY_MS * 0.9);
      due.forEach((id) => this.flashed.set(id, now));
      const rowNodes = this.nodes(due);
      if (rowNodes.length) this.grid.flashCells({ rowNodes, columns: ["last_price"] });
    }

    refresh(columns) {
      if (this.isThere()) this.grid.refreshCells({ columns });
    }

    refreshHeads() {
      if (this.isThere()) this.grid.refreshHeader();
    }

    // Ages go on with time alone. Order and filter follow the values now and then, never under the pointer: there they
    // follow what the reader asks alone.
    everySecond() {
      if (!this.isThere()) return;
      const at = tickdeck.live.now();
      for (const row of this.known.values()) row.at = at;
      const update = [...this.known.values()]
        .filter((row) => level(row) !== row.level)
        .map((row) => ({ ...row, level: level(row) }));
      update.forEach((row) => this.known.set(row.id, row));
      if (update.length) this.grid.applyTransactionAsync({ update }); // behind rows that are still to be added
      this.refresh(["age", "signal"]);
      this.sinceSort += 1;
      if (this.sinceSort >= SORT_EVERY_S && !document.getElementById(this.id).matches(":hover")) this.arrange();
    }

    // How many rows pass the filter; null where there is no grid.
    count() {
      return this.isThere() ? this.grid.getDisplayedRowCount() : null;
    }
  }

  tickdeck.marketTable = { Table, level };
})();
