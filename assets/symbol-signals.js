// The signals of the shown instrument: the newest on top, with what each made after costs.
(function () {
  "use strict";
  const tickdeck = (window.tickdeck = window.tickdeck || {});
  const ARROWS = { buy: "▲", sell: "▼" };
  const HORIZONS = [["1m", "net_bps_60"], ["5m", "net_bps_300"], ["15m", "net_bps_900"], ["60m", "net_bps_3600"]];
  const SHOWN = 100;

  // "▲ buy rsi_reversal"
  function words(signal) {
    return `${ARROWS[signal.side]} ${signal.side} ${signal.rule}`;
  }

  function madeTone(value) {
    return value > 0 ? "up" : value < 0 ? "down" : "";
  }

  function nameOf(signal) {
    const text = `${ARROWS[signal.side]} ${signal.rule}`;
    const element = tickdeck.dom.make("span", signal.side === "buy" ? "up" : "down", text);
    element.title = `${signal.side} · ` + HORIZONS.map(([after, field]) => `${after} ${tickdeck.format.signed(signal[field], 1)} bps`).join(" · ");
    return element;
  }

  // The day only where it is not today.
  function timeOf(signal) {
    const { date, time } = tickdeck.clock.parts(signal.ts);
    const today = tickdeck.clock.parts(tickdeck.live.now()).date;
    return (date === today ? "" : `${date.slice(5)} `) + time.slice(0, 5);
  }

  function columns(places) {
    return [
      { head: () => `Time ${tickdeck.clock.word()}`, className: "num", text: timeOf },
      { head: "Signal", node: nameOf },
      {
        head: "15 m bps", title: "After spread and fees, 15 minutes later", className: "num end",
        text: (s) => tickdeck.format.signed(s.net_bps_900, 1),
        tone: (s) => madeTone(s.net_bps_900),
      },
      { head: "Price", className: "num end price", text: (s) => tickdeck.format.fixed(s.price, places.price) },
    ];
  }

  function paint(container, signals, places) {
    tickdeck.table.draw(container, {
      kind: `signals ${places.price}`,
      columns: columns(places),
      rows: signals.slice(-SHOWN).reverse(),
      keyOf: (signal) => String(signal.id),
      empty: "No signal yet of these candles or of the book.",
    });
  }

  tickdeck.symbolSignals = { words, paint };
})();
