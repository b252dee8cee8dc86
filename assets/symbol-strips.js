// The last ten minutes on the Symbol page as a plain figure: best bid and ask, spread, imbalance, and how far the
// microprice leans from the mid.
(function () {
  "use strict";
  const tickdeck = (window.tickdeck = window.tickdeck || {});
  const { shifted, wall } = tickdeck.clock;
  const { colours, days, fixedFormat, layout, placesOf } = tickdeck.symbolFigures;
  const WINDOW_MS = 600000;
  const GAP_AXIS = 5;
  const NOTHING = { bid: null, ask: null, spread_bps: null, imbalance: null, lean: null };
  const SILENT_MS = 30000; // no change of the top for so long: no line is drawn across

  // The figure; `plot` is how wide the plot is, in px.
  function figure(held, range, plot) {
    const c = colours();
    const price = fixedFormat(placesOf(held).price);
    const until = held.until || tickdeck.live.now();
    const found = frame(held, c, price, until);
    const points = withHoles(pointsOf(held), held.gaps.filter((gap) => gap.channel === "book"));
    const data = [
      stepTrace(points, "ask", "y", c.down, `ask %{y:${price}}`),
      stepTrace(points, "bid", "y", c.up, `bid %{y:${price}}`),
      stepTrace(points, "spread_bps", "y2", c["text-2"], "spread %{y:.2f} bps"),
      stepTrace(points, "imbalance", "y3", c["text-2"], "imbalance %{y:+.2f}"),
      stepTrace(points, "lean", "y4", c["text-2"], "microprice − mid %{y:+.2f} ticks"),
    ];
    const begin = Math.max(until - WINDOW_MS, points.length ? points[0].ts : 0);
    const [from, to] = range || [begin, until];
    // Left to itself plotly shows the year 2000 where nothing is known.
    if (!points.length) Object.assign(found.xaxis, { range: [begin, until].map(wall) });
    days(found, [from, to], plot, c);
    if (tickdeck.symbolShown.names().has("gaps")) {
      found[`yaxis${GAP_AXIS}`] = tickdeck.symbolGaps.axis();
      const gaps = tickdeck.symbolGaps.joined(held.gaps, ["book"], tickdeck.live.now());
      data.push(...tickdeck.symbolGaps.trace(gaps, { yaxis: `y${GAP_AXIS}`, from, to, width: plot, shift: 0, c }));
      found.shapes.push(...tickdeck.symbolGaps.tints(gaps, { from, to, top: found.yaxis.domain[0], c }));
    }
    return { data, layout: found };
  }

  // microprice − mid is half the spread times the imbalance; in ticks, where the tick is known.
  function pointsOf(held) {
    const tick = held.newest && held.newest.tick_size;
    const lean = ({ bid, ask, imbalance }) =>
      !tick || bid === null || ask === null || imbalance === null ? null : ((ask - bid) / 2) * (imbalance / tick);
    return held.strips.map((point) => ({ ...point, lean: lean(point) }));
  }

  function frame(held, c, price, until) {
    const found = layout(`${held.venue}:${held.symbol}:strips`, c, {
      gap: 0.085,
      panes: [
        [34, { tickformat: price, hoverformat: price, nticks: 4 }],
        [20, { rangemode: "tozero", nticks: 3, hoverformat: ".2f" }],
        [22, imbalanceAxis(c)],
        [22, { ...zeroLine(c), nticks: 3, hoverformat: "+.2f" }],
      ],
      xaxis: {
        autorangeoptions: { minallowed: shifted(until - WINDOW_MS), maxallowed: shifted(until) },
        hoverformat: `%H:%M:%S ${tickdeck.clock.zone()}`,
      },
    });
    found.margin.t = 18; // each strip's name stands above it
    ["bid / ask", "spread bps", "imbalance", "microprice − mid, ticks"].forEach((text, i) => {
      const top = found[i ? `yaxis${i + 1}` : "yaxis"].domain[1];
      found.annotations.push({
        text, x: 0, y: top, xref: "paper", yref: "paper", xanchor: "left", yanchor: "bottom",
        showarrow: false, font: { size: 11, color: c["text-3"] },
      });
    });
    return found;
  }

  function imbalanceAxis(c) {
    return {
      range: [-1.1, 1.1],
      tickvals: [-1, 0, 1],
      ticktext: ["−1", "0", "+1"],
      hoverformat: "+.2f",
      ...zeroLine(c),
    };
  }

  function zeroLine(c) {
    return { zeroline: true, zerolinecolor: c["text-3"], zerolinewidth: 1 };
  }

  // A value holds until the next change, hence steps.
  function stepTrace(points, name, yaxis, color, template) {
    return {
      type: "scatter",
      mode: "lines",
      name: "",
      yaxis,
      x: points.map((point) => wall(point.ts)),
      y: points.map((point) => point[name]),
      line: { color, width: 1.25, shape: "hv" },
      connectgaps: false,
      hovertemplate: `${template}<extra></extra>`,
    };
  }

  // A long silence is a hole, not a line; and what was last heard before a gap holds until that begins, and no longer.
  function withHoles(points, gaps) {
    const found = [];
    const begins = gaps.map((gap) => gap.started_at).filter((time) => time >= points[0]?.ts);
    points.forEach((point, i) => {
      found.push(point);
      const next = points[i + 1]?.ts ?? Infinity;
      const begin = begins.find((time) => time >= point.ts && time < next);
      if (begin) found.push({ ...point, ts: begin }, { ...NOTHING, ts: begin + 1 });
      else if (next - point.ts > SILENT_MS && next < Infinity) found.push({ ...NOTHING, ts: point.ts + 1 });
    });
    return found;
  }

  tickdeck.symbolStrips = { figure, points: pointsOf };
})();
