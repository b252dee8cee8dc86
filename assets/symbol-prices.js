// The Symbol page's candles with what lies over and under them, as a plain figure.
(function () {
  "use strict";
  const tickdeck = (window.tickdeck = window.tickdeck || {});
  const { shifted, wall } = tickdeck.clock;
  const { colours, days, fixedFormat, layout, placesOf, windowOf } = tickdeck.symbolFigures;
  const ALPHA_22 = "38";
  const MOST_DRAWN = 1500;
  const GAP_AXIS = 5; // behind price, volume, RSI and StochRSI, whichever of them are on

  // The candles, their volume and the panes below, with what is switched on. `range`: the x range the user chose,
  // or null. `plot` is how wide the plot is, in px.
  function chart(held, range, plot) {
    const c = colours();
    const places = placesOf(held);
    const step = held.newest.interval_ms;
    const [start, end] = windowOf(held, null, plot);
    const [from, to] = windowOf(held, range, plot);
    const seen = held.candles.filter((k) => k.open_time >= from - step / 2 && k.open_time <= to);
    const drawn = nearby(held.candles, from, to, step);
    const price = fixedFormat(places.price);
    const last = lastOf(held);
    const on = tickdeck.symbolShown.names();
    const below = Object.entries(tickdeck.symbolPanes.PANES).filter(([name]) => on.has(name));
    const figure = layout(held.key, c, {
      gap: 0.02,
      panes: [
        [58, { range: priceRange(seen, last), tickformat: price, hoverformat: price, nticks: 8 }],
        [14, volumeAxis(seen, places.size)],
        ...below.map(([, pane]) => [14, pane.axis()]),
      ],
      xaxis: {
        autorangeoptions: { minallowed: shifted(start), maxallowed: shifted(end) },
        hoverformat: `%Y-%m-%d %H:%M ${tickdeck.clock.zone()}`,
      },
    });
    if (range) figure.xaxis.range = [from, to].map(wall);
    if (held.earlier === "none" && seen.includes(held.candles[0])) {
      figure.annotations.push(remark("no older candles", c, 0));
    }
    days(figure, [range ? from : Math.max(from, held.candles.length ? held.candles[0].open_time : from), to], plot, c);
    if (last.length) tag(figure, last[0], places.price, c, isFalling(held) ? c.down : c.up);
    const data = [
      candleTrace(drawn, c, price),
      volumeTrace(drawn, c, places.size),
      ...below.flatMap(([, pane], i) => pane.traces(figure, `y${i + 3}`, drawn, seen, c)),
      ...overlays(figure, held, { on, drawn, c, price: fixedFormat(places.price + 1), from, to, plot, step }),
    ];
    const broken = drawn.filter((k) => !k.complete);
    if (broken.length) data.push(brokenTrace(broken, c));
    return { data, layout: figure };
  }

  function overlays(figure, held, { on, drawn, c, price, from, to, plot, step }) {
    const { symbolOverlays, symbolGaps, symbolVwap } = tickdeck;
    const data = [];
    if (on.has("bb")) data.push(...symbolOverlays.bands(drawn, c, price));
    if (on.has("ema")) data.push(...symbolOverlays.ema(drawn, c, price));
    if (on.has("vwap")) {
      const found = symbolVwap.vwap(held.candles, step);
      data.push(...symbolOverlays.vwap(found, c, price));
      if (found.words) figure.annotations.push(remark(found.words, c));
    }
    const own = held.signals.filter((signal) => signal.interval === held.interval); // not those of the book
    if (on.has("signals")) data.push(...symbolOverlays.signals(own, drawn, figure.yaxis.range, c));
    if (on.has("gaps")) {
      figure[`yaxis${GAP_AXIS}`] = symbolGaps.axis();
      const found = symbolGaps.joined(held.gaps, ["kline", "trade"], tickdeck.live.now());
      // A candle stands in the middle of its place, and its time is where that begins.
      data.push(...symbolGaps.trace(found, { yaxis: `y${GAP_AXIS}`, from, to, width: plot, shift: step / 2, c }));
    }
    return data;
  }

  // Words at the left end of the candles' pane, at its top or at its bottom.
  function remark(text, c, y = 1) {
    return {
      text, x: 0, y, xref: "paper", yref: "y domain", xanchor: "left", yanchor: y ? "top" : "bottom", showarrow: false,
      font: { size: 11, color: c["text-3"] }, bgcolor: c.panel + "b0", borderpad: 1,
    };
  }

  // Prices of what is seen, with a little room above and below.
  function priceRange(seen, extra) {
    const prices = seen.flatMap((candle) => [candle.low, candle.high]).concat(seen.length ? [] : extra);
    if (!prices.length) return [0, 1];
    const [low, high] = [Math.min(...prices), Math.max(...prices)];
    const room = (high - low || high * 0.001 || 1) * 0.06;
    return [low - room, high + room];
  }

  function volumeAxis(seen, places) {
    const most = Math.max(...seen.map((k) => k.volume || 0), 0) || 1;
    const step = roundBelow(most / 2);
    const tickvals = [step, 2 * step];
    return {
      range: [0, most * 1.1],
      tickvals,
      ticktext: tickvals.map(tickdeck.format.compact),
      hoverformat: fixedFormat(places),
    };
  }

  // The largest round number that is not above this one.
  function roundBelow(value) {
    const power = 10 ** Math.floor(Math.log10(value));
    return [8, 6, 5, 4, 3, 2.5, 2, 1.5, 1].find((factor) => factor * power <= value) * power;
  }

  // What is seen and as much again on both sides, so that a drag does not run into emptiness.
  function nearby(candles, from, to, step) {
    const margin = Math.min(to - from, (MOST_DRAWN * step) / 3);
    return candles.filter((k) => k.open_time >= from - margin && k.open_time <= to + margin);
  }

  function lastOf(held) {
    const { ticker } = held.newest;
    const found = ticker && ticker.last_price !== null ? ticker.last_price : null;
    if (found !== null) return [found];
    return held.candles.length ? [held.candles.at(-1).close] : [];
  }

  function isFalling(held) {
    const newest = held.candles.at(-1);
    return Boolean(newest) && newest.close < newest.open;
  }

  // The last price: a dotted line across, its number on the axis.
  function tag(figure, price, places, c, colour) {
    figure.shapes.push({
      type: "line", xref: "paper", x0: 0, x1: 1, yref: "y", y0: price, y1: price, layer: "above",
      line: { color: colour, width: 1, dash: "dot" },
    });
    figure.annotations.push({
      text: tickdeck.format.fixed(price, places), x: 1, y: price, xref: "paper", yref: "y", xanchor: "left",
      yanchor: "middle", showarrow: false, bgcolor: colour, borderpad: 2, xshift: 1,
      font: { size: 11, color: c.panel },
    });
  }

  // Hollow where the price rose, filled where it fell: the colour is not the only sign.
  function candleTrace(candles, c, price) {
    const values = ["open", "high", "low", "close"].map((name) => [name, candles.map((k) => k[name])]);
    const words = [["O", "open"], ["H", "high"], ["L", "low"], ["C", "close"]];
    return {
      type: "candlestick",
      name: "",
      x: candles.map((k) => wall(k.open_time)),
      ...Object.fromEntries(values),
      increasing: { line: { color: c.up, width: 1 }, fillcolor: "rgba(0,0,0,0)" },
      decreasing: { line: { color: c.down, width: 1 }, fillcolor: c.down },
      whiskerwidth: 0,
      hovertemplate: words.map(([w, name]) => `${w} %{${name}:${price}}`).join("  ") + "<extra></extra>",
    };
  }

  function volumeTrace(candles, c, places) {
    return {
      type: "bar",
      name: "",
      yaxis: "y2",
      x: candles.map((k) => wall(k.open_time)),
      y: candles.map((k) => k.volume),
      marker: { color: candles.map((k) => (k.close < k.open ? c.down : c.up) + ALPHA_22), line: { width: 0 } },
      hovertemplate: `Volume %{y:${fixedFormat(places)}}<extra></extra>`,
    };
  }

  function brokenTrace(candles, c) {
    return {
      type: "scatter",
      mode: "markers",
      name: "",
      x: candles.map((k) => wall(k.open_time)),
      y: candles.map((k) => k.low),
      marker: { symbol: "triangle-up-open", size: 7, color: c.warn },
      cliponaxis: true,
      hovertemplate: "incomplete: data was missed<extra></extra>",
    };
  }

  tickdeck.symbolPrices = { chart };
})();
