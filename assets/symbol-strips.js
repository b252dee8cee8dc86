// The last ten minutes on the Symbol page as a plain figure: best bid and ask, spread, imbalance.
(function () {
  "use strict";
  const tickdeck = (window.tickdeck = window.tickdeck || {});
  const { colours, fixedFormat, layout, placesOf } = tickdeck.symbolFigures;
  const WINDOW_MS = 600000;
  const SILENT_MS = 30000; // no change of the top for so long: no line is drawn across

  // Best bid and ask, spread and imbalance of the last ten minutes.
  function figure(held) {
    const c = colours();
    const price = fixedFormat(placesOf(held).price);
    const until = held.until || tickdeck.live.now();
    const points = withHoles(held.strips);
    const found = layout(`${held.venue}:${held.symbol}:strips`, c, {
      gap: 0.1,
      panes: [
        [44, { tickformat: price, hoverformat: price, nticks: 4 }],
        [26, { rangemode: "tozero", nticks: 3, hoverformat: ".2f" }],
        [30, imbalanceAxis(c)],
      ],
      xaxis: {
        autorangeoptions: { minallowed: until - WINDOW_MS, maxallowed: until },
        hoverformat: "%H:%M:%S UTC",
      },
    });
    found.margin.t = 18; // each strip's name stands above it
    ["bid / ask", "spread bps", "imbalance"].forEach((text, i) => {
      const top = found[i ? `yaxis${i + 1}` : "yaxis"].domain[1];
      found.annotations.push({
        text, x: 0, y: top, xref: "paper", yref: "paper", xanchor: "left", yanchor: "bottom",
        showarrow: false, font: { size: 11, color: c["text-3"] },
      });
    });
    const data = [
      stepTrace(points, "ask", "y", c.down, `ask %{y:${price}}`),
      stepTrace(points, "bid", "y", c.up, `bid %{y:${price}}`),
      stepTrace(points, "spread_bps", "y2", c["text-2"], "spread %{y:.2f} bps"),
      stepTrace(points, "imbalance", "y3", c["text-2"], "imbalance %{y:+.2f}"),
    ];
    return { data, layout: found };
  }

  function imbalanceAxis(c) {
    return {
      range: [-1.1, 1.1],
      tickvals: [-1, 0, 1],
      ticktext: ["−1", "0", "+1"],
      hoverformat: "+.2f",
      zeroline: true,
      zerolinecolor: c["text-3"],
      zerolinewidth: 1,
    };
  }

  // A value holds until the next change, hence steps.
  function stepTrace(points, name, yaxis, color, template) {
    return {
      type: "scatter",
      mode: "lines",
      name: "",
      yaxis,
      x: points.map((point) => point.ts),
      y: points.map((point) => point[name]),
      line: { color, width: 1.25, shape: "hv" },
      connectgaps: false,
      hovertemplate: `${template}<extra></extra>`,
    };
  }

  // A long silence is a hole, not a line.
  function withHoles(points) {
    const found = [];
    for (const point of points) {
      const before = found.at(-1);
      if (before && point.ts - before.ts > SILENT_MS) {
        found.push({ ts: before.ts + 1, bid: null, ask: null, spread_bps: null, imbalance: null });
      }
      found.push(point);
    }
    return found;
  }

  tickdeck.symbolStrips = { figure };
})();
