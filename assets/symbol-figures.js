// What the Symbol page's figures share: colours, axes, panes, what is seen.
(function () {
  "use strict";
  const tickdeck = (window.tickdeck = window.tickdeck || {});
  const RIGHT_PAD = 3; // candles' room between the newest and the axis
  const LEFT_PAD = 3; // and before the oldest, where panning ends
  const DAY_MS = 86400000;
  const MARGIN = { l: 8, r: 64, t: 8, b: 34 };
  const TICK_PX = 90; // room for a tick's words, and for a day's below them
  const TIME_FORMATS = [
    { dtickrange: [null, 60000], value: "%H:%M:%S" },
    { dtickrange: [60000, DAY_MS], value: "%H:%M" },
    { dtickrange: [DAY_MS, "M1"], value: "%m-%d" },
    { dtickrange: ["M1", null], value: "%Y-%m" },
  ];

  function colours() {
    const style = getComputedStyle(document.documentElement);
    const of = (name) => style.getPropertyValue(`--${name}`).trim();
    const names = [
      "panel", "raised", "line", "grid", "text-1", "text-2", "text-3", "up", "down", "warn", "series-a", "series-b",
    ];
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
      margin: { ...MARGIN },
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
        tickformatstops: TIME_FORMATS,
        showspikes: true,
        spikemode: "across",
        spikesnap: "cursor",
        spikecolor: c["text-3"],
        spikethickness: 1,
        spikedash: "2px,2px",
        ...xaxis,
      },
      shapes: [],
      annotations: [note(tickdeck.clock.offset(), c)],
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

  // The days under the time axis of a figure this wide, in px: the one at the left edge, and each that begins in the
  // window; where that is of so many days that the ticks are days, each year. Plotly's own would be lost with its tick.
  function days(figure, [from, to], width, c) {
    const plot = Math.max(1, width - MARGIN.l - MARGIN.r);
    const count = Math.max(3, Math.min(10, Math.round(plot / TICK_PX)));
    const px = (time) => ((time - from) / (to - from)) * plot;
    const begins = (to - from) / count > DAY_MS / 2 ? yearsIn(from, to) : daysIn(from, to);
    const half = TICK_PX / 2;
    figure.xaxis.nticks = count;
    // Without room beside the first that begins, that one says enough.
    if (!begins.length || px(begins[0]) > 3 * half) {
      figure.annotations.push(day(from, { x: 0, xref: "paper", xanchor: "left" }, c));
    }
    for (const time of begins) {
      const xshift = Math.max(0, half - px(time));
      figure.annotations.push(day(time, { x: tickdeck.clock.wall(time), xref: "x", xanchor: "center", xshift }, c));
    }
  }

  // The moments in [from, to] at which a day of the chosen zone begins.
  function daysIn(from, to) {
    const found = [];
    for (let time = tickdeck.clock.parse(dayOf(from)); time <= to; time += DAY_MS) if (time >= from) found.push(time);
    return found;
  }

  function yearsIn(from, to) {
    const [first, last] = [from, to].map((time) => Number(dayOf(time).slice(0, 4)));
    return Array.from({ length: last - first }, (_, i) => tickdeck.clock.parse(`${first + 1 + i}-01-01`));
  }

  function dayOf(time) {
    return tickdeck.clock.parts(time).date;
  }

  function day(time, place, c) {
    return {
      ...place, text: dayOf(time), y: 0, yref: "paper", yanchor: "top", yshift: -18,
      showarrow: false, font: { size: 11, color: c["text-3"] },
    };
  }

  function note(text, c) {
    return {
      text, x: 1, y: 0, xref: "paper", yref: "paper", xanchor: "right", yanchor: "top", xshift: MARGIN.r - 4, yshift: -5,
      showarrow: false, font: { size: 11, color: c["text-3"] },
    };
  }

  // Times between which candles are seen, epoch ms: the user's, or the newest that fit well into the width. What the
  // user chose goes back no further than to the oldest candle held: it is moved there, and ends where the newest does
  // at most.
  function windowOf(held, range, width) {
    const step = held.newest.interval_ms;
    const { candles } = held;
    const newest = candles.length ? candles.at(-1).open_time : tickdeck.live.now();
    const end = newest + (RIGHT_PAD + 0.5) * step;
    if (!range) {
      const count = Math.max(40, Math.min(160, Math.round(width / 7)));
      return [newest - (count - 0.5) * step, end];
    }
    const [from, to] = range;
    const beyond = candles.length ? oldestSeen(held) - from : 0;
    return beyond > 0 ? [from + beyond, Math.min(to + beyond, Math.max(to, end))] : [from, to];
  }

  function oldestSeen(held) {
    return held.candles[0].open_time - LEFT_PAD * held.newest.interval_ms;
  }

  function placesOf(held) {
    const { price_places, size_places, ticker } = held.newest;
    const { isMissing, digits } = tickdeck.format;
    const learned = digits(ticker ? ticker.last_price : null);
    return { price: isMissing(price_places) ? learned : price_places, size: isMissing(size_places) ? 3 : size_places };
  }

  tickdeck.symbolFigures = { colours, days, fixedFormat, layout, placesOf, windowOf };
})();
