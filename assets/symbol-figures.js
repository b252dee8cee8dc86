// What the Symbol page's figures share: colours, axes, panes, what is seen.
(function () {
  "use strict";
  const tickdeck = (window.tickdeck = window.tickdeck || {});
  const RIGHT_PAD = 3; // candles' room between the newest and the axis
  const UTC_TIMES = [
    { dtickrange: [null, 60000], value: "%H:%M:%S\n%Y-%m-%d" },
    { dtickrange: [60000, 86400000], value: "%H:%M\n%Y-%m-%d" },
    { dtickrange: [86400000, "M1"], value: "%m-%d\n%Y" },
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

  function placesOf(held) {
    const { price_places, size_places, ticker } = held.newest;
    const { isMissing, digits } = tickdeck.format;
    const learned = digits(ticker ? ticker.last_price : null);
    return { price: isMissing(price_places) ? learned : price_places, size: isMissing(size_places) ? 3 : size_places };
  }

  tickdeck.symbolFigures = { colours, fixedFormat, layout, placesOf, windowOf };
})();
