// What may lie over the candles: averages, bands, the day's VWAP, signals that fired.
(function () {
  "use strict";
  const tickdeck = (window.tickdeck = window.tickdeck || {});
  const { wall } = tickdeck.clock;
  const MARK_ROOM = 0.035; // of the price range, between a candle and its signals

  function ema(candles, c, format) {
    const common = { yaxis: "y", muted: c["text-3"], width: 1, format };
    return [
      ...tickdeck.symbolPanes.lines(candles, { ...common, name: "ema_fast", label: "EMA 12", color: c["series-a"] }),
      ...tickdeck.symbolPanes.lines(candles, {
        ...common, name: "ema_slow", label: "EMA 26", color: c["series-b"], dash: "4px,2px",
      }),
    ];
  }

  // Two lines and a faint fill between; the provisional value is their end.
  function bands(candles, c, format) {
    const side = (name, label, more) => ({
      type: "scatter", mode: "lines", name: "", yaxis: "y", connectgaps: false,
      x: candles.map((k) => wall(k.open_time)),
      y: candles.map((k) => k[name] ?? null),
      line: { color: c["text-3"], width: 1 },
      hovertemplate: `${label} %{y:${format}}<extra></extra>`,
      ...more,
    });
    return [
      side("bb_upper", "Bollinger upper", {}),
      side("bb_lower", "Bollinger lower", { fill: "tonexty", fillcolor: c["text-3"] + "12" }),
    ];
  }

  function vwap(found, c, format) {
    return [
      {
        type: "scatter", mode: "lines", name: "", yaxis: "y", connectgaps: false, x: found.x.map(wall), y: found.y,
        line: { color: c["text-1"], width: 1, dash: "6px,2px,1px,2px" },
        hovertemplate: `VWAP %{y:${format}}<extra></extra>`,
      },
    ];
  }

  // Buys below their candle, sells above it; of several at one candle each has a place of its own.
  function signals(found, candles, [low, high], c) {
    const byTime = new Map(candles.map((k) => [k.open_time, k]));
    const places = new Map();
    const sides = { buy: [], sell: [] };
    for (const signal of found) {
      const candle = byTime.get(signal.open_time);
      if (!candle || !sides[signal.side]) continue;
      const key = `${signal.side}:${signal.open_time}`;
      const n = (places.get(key) || 0) + 1;
      places.set(key, n);
      const away = (high - low) * MARK_ROOM * n;
      const y = signal.side === "buy" ? candle.low - away : candle.high + away;
      sides[signal.side].push({ x: signal.open_time, y, text: tickdeck.symbolSignals.words(signal) });
    }
    const trace = (side, symbol, color) => ({
      type: "scatter", mode: "markers", name: "", yaxis: "y",
      x: sides[side].map((mark) => wall(mark.x)),
      y: sides[side].map((mark) => mark.y),
      text: sides[side].map((mark) => mark.text),
      marker: { symbol, size: 9, color, line: { color: c.panel, width: 1 } },
      hovertemplate: "%{text}<extra></extra>",
    });
    return [trace("buy", "triangle-up", c.up), trace("sell", "triangle-down", c.down)].filter((t) => t.x.length);
  }

  tickdeck.symbolOverlays = { ema, bands, vwap, signals };
})();
