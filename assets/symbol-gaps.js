// Gaps of the ledger, those of one cause that overlap joined, hatched over a chart's upper pane and tinted below.
(function () {
  "use strict";
  const tickdeck = (window.tickdeck = window.tickdeck || {});
  const LEAST_PX = 2;
  const TINT = "14"; // alpha
  const TEXT_FROM_PX = 14;
  const DEGREES = ["no", "partly", "yes"];
  const WORDS = { no: "not repaired", partly: "partly repaired", yes: "repaired" };
  const CAUSES = { spool_full: "spool full" };

  // The gaps of these channels as {from, to, isOpen, cause, channels, repaired}, ascending. What lasts ends now.
  function joined(gaps, channels, now) {
    const found = [];
    const sorted = gaps.filter((gap) => channels.includes(gap.channel)).sort((a, b) => a.started_at - b.started_at);
    for (const gap of sorted) {
      const to = gap.ended_at ?? now;
      const before = found.findLast((other) => other.cause === gap.cause);
      if (before && gap.started_at <= before.to) {
        before.to = Math.max(before.to, to);
        before.isOpen ||= gap.ended_at === null;
        if (!before.channels.includes(gap.channel)) before.channels.push(gap.channel);
        if (DEGREES.indexOf(gap.repaired) < DEGREES.indexOf(before.repaired)) before.repaired = gap.repaired;
      } else {
        const { started_at: from, cause, channel, repaired } = gap;
        found.push({ from, to, isOpen: gap.ended_at === null, cause, channels: [channel], repaired });
      }
    }
    return found;
  }

  function causeOf(gap) {
    return CAUSES[gap.cause] || gap.cause;
  }

  function timeOf(time) {
    return tickdeck.clock.parts(time).time;
  }

  // "gap: disconnect · kline, trade · not repaired · 12:00:01 – 12:00:09"
  function wordsOf(gap) {
    const end = gap.isOpen ? "now" : timeOf(gap.to);
    return `gap: ${causeOf(gap)} · ${gap.channels.join(", ")} · ${WORDS[gap.repaired]} · ${timeOf(gap.from)} – ${end}`;
  }

  function toneOf(gap, c) {
    return gap.repaired === "yes" ? c["text-3"] : c.warn;
  }

  function inSight(found, from, to, shift = 0) {
    return found.filter((gap) => gap.to - shift >= from && gap.from - shift <= to);
  }

  // Shapes from the foot of a figure to `top`, in shares of its height, behind what is drawn.
  function tints(found, { from, to, top, c }) {
    return inSight(found, from, to).map((gap) => ({
      type: "rect", layer: "below", yref: "paper", y0: 0, y1: top, line: { width: 0 }, fillcolor: toneOf(gap, c) + TINT,
      x0: tickdeck.clock.wall(Math.max(gap.from, from)), x1: tickdeck.clock.wall(Math.min(gap.to, to)),
    }));
  }

  // An axis that lies over the upper pane, for bars as high as it is.
  function axis() {
    return {
      overlaying: "y", side: "left", range: [0, 1], fixedrange: true, tickmode: "auto",
      showticklabels: false, showgrid: false, zeroline: false, ticks: "",
    };
  }

  // Bars over [from, to] of what is seen; `shift`: how far left of its time a datum is drawn.
  function trace(found, { yaxis, from, to, width, shift, c }) {
    const perPx = (to - from) / Math.max(1, width);
    const near = inSight(found, from, to, shift);
    if (!near.length) return [];
    const lasts = near.map((gap) => Math.max(gap.to - gap.from, LEAST_PX * perPx));
    const tone = (gap) => toneOf(gap, c);
    return [
      {
        type: "bar", name: "", yaxis, base: 0,
        x: near.map((gap, i) => tickdeck.clock.wall(gap.from - shift + lasts[i] / 2)),
        y: near.map(() => 1),
        width: lasts,
        marker: {
          color: "rgba(0,0,0,0)",
          line: { width: 0 },
          pattern: { shape: "/", size: 6, solidity: 0.25, fgcolor: near.map(tone), bgcolor: near.map((gap) => tone(gap) + TINT) },
        },
        text: near.map((gap, i) => (lasts[i] >= TEXT_FROM_PX * perPx ? causeOf(gap) : "")),
        textangle: -90, textposition: "inside", insidetextanchor: "end", constraintext: "none",
        textfont: { size: 10, color: c["text-1"] },
        customdata: near.map(wordsOf),
        hovertemplate: "%{customdata}<extra></extra>",
      },
    ];
  }

  tickdeck.symbolGaps = { joined, axis, trace, tints, wordsOf };
})();
