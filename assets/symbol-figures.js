// The Symbol page's candles with their volume, as a plain figure, and what its figures share.
(function () {
  "use strict";
  const tickdeck = (window.tickdeck = window.tickdeck || {});
  const ALPHA_22 = "38";
  const RIGHT_PAD = 3; // candles' room between the newest and the axis
  const MOST_DRAWN = 1500;
  const UTC_TIMES = [
    { dtickrange: [null, 60000], value: "%H:%M:%S\n%Y-%m-%d" },
    { dtickrange: [60000, 86400000], value: "%H:%M\n%Y-%m-%d" },
    { dtickrange: [86400000, "M1"], value: "%m-%d\n%Y" },
    { dtickrange: ["M1", null], value: "%Y-%m" },
  ];

  function colours() {
    const style = getComputedStyle(document.documentElement);
    const of = (name) => style.getPropertyValue(`--${name}`).trim();
    const names = ["panel", "raised", "line", "grid", "text-1", "text-2", "text-3", "up", "down", "warn"];
    return { ...Object.fromEntries(names.map((name) => [name, of(name)])), font: of("font") };
  }

  // d3's format of a number with so many places: thousands by comma, never an exponent.
  function fixedFormat(places) {
    return `,.${places}f`;
  }

  // What all figures share. `panes` are [share of the height, y axis] from top to bottom, with so much of the
  // height between them; one x axis for all.
  function layout(key, c, { panes, gap, xaxis }) {
    const found = {
      uirevision: key,
      paper_bgcolor: c.panel,
      plot_bgcolor: c.panel,
      margin: { l: 8, r: 64, t: 8, b: 34 },
      font: { family: c.font, size: 11, color: c["text-3"] },
      showlegend: false,
      dragmode: "pan",
      hovermode: "x unified",
      hoversubplots: "axis",
      hoverlabel: { bgcolor: c.raised, bordercolor: c.line, font: { family: c.font, size: 11, color: c["text-1"] } },
      modebar: { bgcolor: "rgba(0,0,0,0)", color: c["text-3"], activecolor: c["text-1"] },
      xaxis: {
        type: "date",
        anchor: panes.length > 1 ? `y${panes.length}` : "y",
        autorange: true,
        rangeslider: { visible: false },
        showgrid: true,
        gridcolor: c.grid,
        zeroline: false,
        linecolor: c.line,
        tickformatstops: UTC_TIMES,
        showspikes: true,
        spikemode: "across",
        spikesnap: "cursor",
        spikecolor: c["text-3"],
        spikethickness: 1,
        spikedash: "2px,2px",
        ...xaxis,
      },
      shapes: [],
      annotations: [note("UTC", c)],
    };
    let top = 1;
    const heights = panes.reduce((sum, [share]) => sum + share, 0);
    panes.forEach(([share, axis], i) => {
      const bottom = i === panes.length - 1 ? 0 : top - (share / heights) * (1 - gap * (panes.length - 1));
      found[i ? `yaxis${i + 1}` : "yaxis"] = {
        domain: [Math.max(0, bottom), top],
        side: "right",
        fixedrange: true,
        showgrid: true,
        gridcolor: c.grid,
        zeroline: false,
        exponentformat: "none",
        automargin: false,
        ...axis,
      };
      top = bottom - gap;
    });
    return found;
  }

  function note(text, c) {
    return {
      text, x: 1, y: 0, xref: "paper", yref: "paper", xanchor: "left", yanchor: "top", xshift: 24, yshift: -5,
      showarrow: false, font: { size: 11, color: c["text-3"] },
    };
  }

  // Times between which candles are seen: the user's, or the newest that fit well into the width.
  function windowOf(held, range, width) {
    const step = held.newest.interval_ms;
    if (range) return range.map((time) => (typeof time === "number" ? time : Date.parse(time + "Z")));
    const count = Math.max(40, Math.min(160, Math.round(width / 7)));
    const newest = held.candles.length ? held.candles.at(-1).open_time : tickdeck.live.now();
    return [newest - (count - 0.5) * step, newest + (RIGHT_PAD + 0.5) * step];
  }

  // Prices of what is seen, with a little room above and below.
  function priceRange(seen, extra) {
    const prices = seen.flatMap((candle) => [candle.low, candle.high]).concat(seen.length ? [] : extra);
    if (!prices.length) return [0, 1];
    const [low, high] = [Math.min(...prices), Math.max(...prices)];
    const room = (high - low || high * 0.001 || 1) * 0.06;
    return [low - room, high + room];
  }

  // The candles with a place for volume below. `range`: the x range the user chose, or null.
  function chart(held, range, width) {
    const c = colours();
    const places = placesOf(held);
    const step = held.newest.interval_ms;
    const [start, end] = windowOf(held, null, width);
    const [from, to] = windowOf(held, range, width);
    const seen = held.candles.filter((k) => k.open_time >= from - step / 2 && k.open_time <= to);
    const drawn = nearby(held.candles, from, to, step);
    const price = fixedFormat(places.price);
    const last = lastOf(held);
    const figure = layout(held.key, c, {
      gap: 0.025,
      panes: [
        [80, { range: priceRange(seen, last), tickformat: price, hoverformat: price, nticks: 8 }],
        [20, volumeAxis(seen, places.size)],
      ],
      xaxis: {
        autorangeoptions: { minallowed: start, maxallowed: end },
        hoverformat: "%Y-%m-%d %H:%M UTC",
      },
    });
    if (last.length) tag(figure, last[0], places.price, c, isFalling(held) ? c.down : c.up);
    const data = [candleTrace(drawn, c, price), volumeTrace(drawn, c, places.size)];
    const broken = drawn.filter((k) => !k.complete);
    if (broken.length) data.push(brokenTrace(broken, c));
    return { data, layout: figure };
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

  function placesOf(held) {
    const { price_places, size_places, ticker } = held.newest;
    const { isMissing, digits } = tickdeck.format;
    const learned = digits(ticker ? ticker.last_price : null);
    return { price: isMissing(price_places) ? learned : price_places, size: isMissing(size_places) ? 3 : size_places };
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
      x: candles.map((k) => k.open_time),
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
      x: candles.map((k) => k.open_time),
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
      x: candles.map((k) => k.open_time),
      y: candles.map((k) => k.low),
      marker: { symbol: "triangle-up-open", size: 7, color: c.warn },
      cliponaxis: true,
      hovertemplate: "incomplete: data was missed<extra></extra>",
    };
  }

  tickdeck.symbolFigures = { chart, colours, fixedFormat, layout, placesOf, windowOf };
})();
