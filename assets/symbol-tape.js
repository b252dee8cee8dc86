// The tape: the newest trades on top, those of at least a chosen value, and by how much buys outweigh sells.
(function () {
  "use strict";
  const tickdeck = (window.tickdeck = window.tickdeck || {});
  const { make, write, rows } = tickdeck.dom;
  const format = tickdeck.format;
  const KEY = "tickdeck-symbol-least";
  const SELECT = "symbol-least";
  const SHOWN = 100;

  function least() {
    return Number(tickdeck.choices.recall(KEY)) || 0;
  }

  // The newest of these trades whose value is at least the one chosen.
  function chosen(trades) {
    const value = least();
    return trades.filter((trade) => trade.price * trade.size >= value).slice(0, SHOWN);
  }

  // Bought by takers minus sold by takers, in base currency.
  function delta(trades) {
    return trades.reduce((sum, trade) => sum + (trade.taker_side === "buy" ? trade.size : -trade.size), 0);
  }

  // With sign, in four digits at most, so that what stands beside it never has to give way.
  function deltaText(sum, places) {
    const size = Math.abs(sum);
    if (size < 99.995) return format.signed(sum, Math.min(places, size < 9.9995 ? 3 : 2));
    return (sum > 0 ? "+" : "") + format.compact(sum);
  }

  // An arrow beside the colour says who took.
  function paint(container, held, places) {
    const trades = chosen(held);
    const [head, ...lines] = rows(container, SHOWN + 1, tapeRow);
    [`Time ${tickdeck.clock.word()}`, "Price", "Size"].forEach((text, i) => write(head.children[i], text));
    lines.forEach((row, i) => fill(row, trades[i], places));
    paintDelta(trades, places);
    const select = document.getElementById(SELECT);
    if (select.value !== String(least())) select.value = String(least());
  }

  function fill(row, trade, places) {
    const id = trade ? [trade.trade_id, places.price, places.size, tickdeck.clock.ahead()].join("/") : "";
    if (row.dataset.trade === id && row.className) return;
    row.dataset.trade = id;
    row.className = `tape-row ${trade ? trade.taker_side : ""}`;
    const arrow = trade && trade.taker_side === "buy" ? "▲" : "▼";
    write(row.children[0], trade ? timeOf(trade) : "");
    write(row.children[1], trade ? `${arrow} ${format.fixed(trade.price, places.price)}` : "");
    write(row.children[2], trade ? format.fixed(trade.size, places.size) : "");
  }

  function timeOf(trade) {
    return tickdeck.clock.parts(trade.event_time).time;
  }

  function paintDelta(trades, places) {
    const element = document.getElementById("symbol-cvd");
    const sum = delta(trades);
    const text = `CVD ${trades.length ? deltaText(sum, places.size) : format.MISSING}`;
    write(element, text, `cvd num ${!trades.length ? "" : sum > 0 ? "up" : sum < 0 ? "down" : ""}`);
    const since = trades.length ? ` since ${timeOf(trades.at(-1))}` : "";
    element.title = `Bought minus sold by takers, of the ${trades.length} trades shown${since}`;
  }

  function tapeRow(row, i) {
    row.className = i ? "tape-row" : "tape-row tape-head";
    for (const name of ["time", "price", "size"]) row.append(make("span", name));
  }

  document.addEventListener("change", (event) => {
    if (!(event.target instanceof Element) || event.target.id !== SELECT) return;
    tickdeck.choices.remember(KEY, event.target.value === "0" ? null : event.target.value);
    tickdeck.symbol.repaint();
  });
  tickdeck.symbolTape = { paint, delta, deltaText };
})();
