// A table behind each chart, for who cannot see it or wants its numbers. Written while it is open.
(function () {
  "use strict";
  const tickdeck = (window.tickdeck = window.tickdeck || {});
  const { format } = tickdeck;
  const CANDLES = 60;
  const CHANGES = 60;
  const EVERY_MS = 1000;

  function number(head, name, places) {
    return { head, className: "num end", text: (row) => format.fixed(row[name], places) };
  }

  function remarkOf(candle, gaps, step) {
    const found = [];
    if (candle.isForming) found.push("forming");
    if (!candle.complete) found.push("incomplete");
    if (candle.isProvisional) found.push("provisional");
    if (candle.reason) found.push(candle.reason);
    const over = gaps.filter((gap) => gap.from < candle.open_time + step && gap.to >= candle.open_time);
    return found.concat(over.map(tickdeck.symbolGaps.wordsOf)).join(", ");
  }

  function candles(held, places) {
    const gaps = tickdeck.symbolGaps.joined(held.gaps, ["kline", "trade"], tickdeck.live.now());
    const step = held.newest.interval_ms;
    const [price, size] = [places.price, places.size];
    return {
      kind: `candles ${price}/${size}`,
      columns: [
        { head: () => `Opens ${tickdeck.clock.word()}`, className: "num", text: (k) => tickdeck.clock.text(k.open_time) },
        number("Open", "open", price),
        number("High", "high", price),
        number("Low", "low", price),
        number("Close", "close", price),
        number("Volume", "volume", size),
        number("RSI", "rsi", 1),
        number("K", "stoch_rsi_k", 1),
        number("D", "stoch_rsi_d", 1),
        number("EMA 12", "ema_fast", price + 1),
        number("EMA 26", "ema_slow", price + 1),
        { head: "Remarks", className: "remarks", text: (k) => k.remarks },
      ],
      rows: held.candles.slice(-CANDLES).reverse().map((k) => ({ ...k, remarks: remarkOf(k, gaps, step) })),
      keyOf: (k) => String(k.open_time),
      empty: "No candles stored yet.",
    };
  }

  function strips(held, places) {
    const rows = tickdeck.symbolStrips.points(held).filter((point) => point.bid !== null);
    return {
      kind: `strips ${places.price}`,
      columns: [
        { head: () => `Time ${tickdeck.clock.word()}`, className: "num", text: (p) => tickdeck.clock.parts(p.ts).time },
        number("Bid", "bid", places.price),
        number("Ask", "ask", places.price),
        number("Spread bps", "spread_bps", 2),
        { head: "Imbalance", className: "num end", text: (p) => format.signed(p.imbalance, 2) },
        { head: "Micro − mid, ticks", className: "num end", text: (p) => format.signed(p.lean, 2) },
      ],
      rows: rows.slice(-CHANGES).reverse().map((p, i) => ({ ...p, key: `${p.ts}/${i && rows.at(-i)?.ts === p.ts ? i : 0}` })),
      keyOf: (p) => p.key,
      empty: "No change of the top in the last ten minutes.",
    };
  }

  function depth(held, places) {
    const book = held.newest.book || { bids: [], asks: [] };
    const [bids, asks] = [book.bids, book.asks].map((side) => tickdeck.symbolBook.summed(side, Infinity));
    const count = Math.max(bids.length, asks.length);
    const of = (side, name, digits) => (row) => {
      const level = row[side];
      if (!level) return "";
      return name === "sum" ? tickdeck.symbolBook.sumText(level.sum, places.size) : format.fixed(level[name], digits);
    };
    const column = (head, side, name, digits) => ({ head, className: "num end", text: of(side, name, digits) });
    return {
      kind: `depth ${places.price}/${places.size}`,
      columns: [
        column("Sum of bids", "bid", "sum"),
        column("Size", "bid", "size", places.size),
        column("Bid", "bid", "price", places.price),
        column("Ask", "ask", "price", places.price),
        column("Size", "ask", "size", places.size),
        column("Sum of asks", "ask", "sum"),
      ],
      rows: Array.from({ length: count }, (_, i) => ({ key: String(i), bid: bids[i], ask: asks[i] })),
      keyOf: (row) => row.key,
      empty: "No book yet.",
    };
  }

  const TABLES = { candles, strips, depth };
  const paintedAt = new WeakMap();

  // Write those that are open; not more than once a second, except when one is opened.
  function paint(held, { isUrgent = false } = {}) {
    if (!held || !held.newest) return;
    const places = tickdeck.symbolFigures.placesOf(held);
    for (const details of document.querySelectorAll("#symbol-page details[open][data-table]")) {
      const now = performance.now();
      if (!isUrgent && now - (paintedAt.get(details) || -Infinity) < EVERY_MS) continue;
      paintedAt.set(details, now);
      tickdeck.table.draw(details.querySelector(".table-frame"), TABLES[details.dataset.table](held, places));
    }
  }

  document.addEventListener(
    "toggle",
    (event) => {
      if (event.target.open && event.target.matches("#symbol-page details[data-table]")) tickdeck.symbol.repaint();
    },
    true, // it does not bubble
  );
  tickdeck.symbolTables = { paint };
})();
