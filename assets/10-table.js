// A table whose rows are known by a key: what changed is written, rows stay the same elements, and each may be
// opened to what belongs to it.
(function () {
  "use strict";
  const tickdeck = (window.tickdeck = window.tickdeck || {});
  const { make, write } = tickdeck.dom;
  const made = new WeakMap(); // frame -> its table

  function classify(element, name) {
    if (element.className !== name) element.className = name;
  }

  // Draw `rows` into a frame. `kind` names the table: another one begins anew. A column is {head, title, className,
  // text(row), tone(row), node(row)}; `node` gives an element in place of text and is asked again when the row is
  // another object. `detail(row)` is what an opened row shows; `empty` what stands in place of no rows.
  function draw(frame, { kind, columns, rows, keyOf, detail, empty }) {
    let table = made.get(frame);
    if (!table || table.kind !== kind || !frame.contains(table.element)) table = begin(frame, kind, columns, detail);
    columns.forEach((column, i) => write(table.heads[i], headOf(column)));
    const keys = new Set(rows.map(keyOf));
    for (const [key, held] of table.rows) {
      if (keys.has(key)) continue;
      held.element.remove();
      if (held.opened) held.opened.remove();
      table.rows.delete(key);
    }
    let place = table.body.firstElementChild;
    for (const row of rows) {
      const held = table.rows.get(keyOf(row)) || add(table, keyOf(row));
      if (held.element === place) place = place.nextElementSibling;
      else table.body.insertBefore(held.element, place);
      fill(table, held, columns, row);
      if (held.opened) {
        if (held.opened === place) place = place.nextElementSibling;
        else table.body.insertBefore(held.opened, place);
      }
    }
    table.element.hidden = rows.length === 0;
    table.empty.hidden = rows.length > 0;
    if (!rows.length) write(table.empty, empty);
  }

  function headOf(column) {
    return typeof column.head === "function" ? column.head() : column.head;
  }

  function begin(frame, kind, columns, detail) {
    const heads = columns.map((column) => {
      const head = make("th", column.className || "");
      head.scope = "col";
      if (column.title) head.title = column.title;
      return head;
    });
    const body = make("tbody");
    const first = detail ? [make("th", "opener")] : [];
    const element = make("table", "table", make("thead", "", make("tr", "", ...first, ...heads)), body);
    const empty = make("p", "empty");
    const table = { kind, element, heads, body, empty, detail, width: columns.length + first.length, rows: new Map() };
    frame.replaceChildren(element, empty);
    if (detail) body.addEventListener("click", (event) => onClick(table, event));
    made.set(frame, table);
    return table;
  }

  function add(table, key) {
    const element = make("tr");
    if (table.detail) {
      const button = make("button", "row-open", "▸");
      button.setAttribute("aria-expanded", "false");
      button.setAttribute("aria-label", "Details");
      element.append(make("td", "opener", button));
      element.classList.add("opens");
    }
    const held = { element, opened: null, row: null };
    table.rows.set(key, held);
    element.dataset.key = key;
    return held;
  }

  function fill(table, held, columns, row) {
    const offset = table.detail ? 1 : 0;
    const isNew = held.row !== row;
    columns.forEach((column, i) => {
      const cell = held.element.children[i + offset] || held.element.appendChild(make("td"));
      if (column.node) {
        if (isNew) cell.replaceChildren(column.node(row));
      } else {
        write(cell, column.text(row));
      }
      classify(cell, [column.className, column.tone && column.tone(row)].filter(Boolean).join(" "));
    });
    held.row = row;
    if (isNew && held.opened) held.opened.firstElementChild.replaceChildren(table.detail(row));
  }

  function onClick(table, event) {
    const element = event.target.closest("tr.opens");
    if (!element || event.target.closest("a") || String(window.getSelection())) return;
    toggle(table, table.rows.get(element.dataset.key));
  }

  function toggle(table, held) {
    const isOpen = held.opened !== null;
    if (isOpen) {
      held.opened.remove();
      held.opened = null;
    } else {
      const cell = make("td", "", table.detail(held.row));
      cell.colSpan = table.width;
      held.opened = make("tr", "detail", cell);
      held.element.after(held.opened);
    }
    const button = held.element.querySelector(".row-open");
    button.setAttribute("aria-expanded", String(!isOpen));
    held.element.classList.toggle("is-open", !isOpen);
  }

  tickdeck.table = { draw };
})();
