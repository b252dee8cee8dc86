// What closed paper trades made: a curve of the running total, its figures, and the same as a table.
(function () {
  "use strict";
  const tickdeck = (window.tickdeck = window.tickdeck || {});
  const { clock, format, signalsColumns } = tickdeck;
  const { make, makeSvg, write } = tickdeck.dom;
  const { bps, toneOf } = signalsColumns;
  const WIDTH = 1000;
  const HEIGHT = 100;
  const MARGIN = 0.08; // of the height, above and below the curve
  let shown = null; // the part that the chart is of
  let drawn = null; // {points, from, until, x} of the chart, for whoever points at it

  // The steps with their running total, ascending.
  function pointsOf(part) {
    let total = 0;
    return part.start.map((start, i) => {
      const net = part.gains_bps[i] + part.losses_bps[i];
      total += net;
      return {
        start,
        end: start + part.step_ms,
        trades: part.trades[i],
        wins: part.wins[i],
        gains: part.gains_bps[i],
        losses: part.losses_bps[i],
        fees: part.fee_bps[i],
        net,
        total,
      };
    });
  }

  function middle(point) {
    return (point.start + point.end) / 2;
  }

  function sum(points, name) {
    return points.reduce((found, point) => found + point[name], 0);
  }

  function minuteText(time) {
    return clock.text(time).slice(0, 16);
  }

  function facts(list, points) {
    const trades = sum(points, "trades");
    const wins = sum(points, "wins");
    const net = sum(points, "net");
    const share = (count) => (trades ? `${format.fixed(count, 0)} · ${format.fixed((100 * count) / trades, 0)} %` : null);
    const made = (value) => (trades ? [bps(value), toneOf(value)] : [null, ""]);
    const found = [
      ["Closed trades", format.fixed(trades, 0), ""],
      ["Won", share(wins), ""],
      ["Lost", share(trades - wins), ""],
      ["Fees in it, bps", trades ? bps(-sum(points, "fees")) : null, ""],
      ["Gains bps", ...made(sum(points, "gains"))],
      ["Losses bps", ...made(sum(points, "losses"))],
      ["Net bps", ...made(net)],
      ["Net per trade", ...made(net / trades)],
    ];
    const words = JSON.stringify(found);
    if (list.dataset.words === words) return;
    list.dataset.words = words;
    list.replaceChildren(
      ...found.map(([head, text, tone]) => make("div", "fact", make("dt", "", head), make("dd", tone, text || format.MISSING))),
    );
  }

  // A total holds until the next trades close, hence stairs; a step's trades are drawn in its middle. The area is
  // filled on both sides of zero.
  function chart(frame, points) {
    const from = points[0].start;
    const until = points.at(-1).end;
    const totals = [0, ...points.map((point) => point.total)];
    const [low, high] = [Math.min(...totals), Math.max(...totals)];
    const room = (high - low || 1) * (1 + 2 * MARGIN);
    const x = (time) => (WIDTH * (time - from)) / (until - from);
    const y = (value) => HEIGHT * (1 - (value - low + (high - low || 1) * MARGIN) / room);
    const line = `M0 ${y(0)}` + points.map((point) => `H${x(middle(point))}V${y(point.total)}`).join("") + `H${WIDTH}`;
    const area = `${line}V${y(0)}Z`;
    const half = (id, top, height) =>
      makeSvg("clipPath", { id }, makeSvg("rect", { x: 0, y: top, width: WIDTH, height: Math.max(0, height) }));
    const svg = makeSvg(
      "svg",
      { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": label(points) },
      half("equity-above", 0, y(0)),
      half("equity-below", y(0), HEIGHT - y(0)),
      makeSvg("path", { d: area, class: "equity-gain", "clip-path": "url(#equity-above)" }),
      makeSvg("path", { d: area, class: "equity-loss", "clip-path": "url(#equity-below)" }),
      makeSvg("path", { d: `M0 ${y(0)}H${WIDTH}`, class: "equity-zero" }),
      makeSvg("path", { d: line, class: "equity-line" }),
      makeSvg("path", { d: "", class: "equity-pointed" }),
    );
    const sides = levels(low, high, points.at(-1).total).map((value) => {
      const text = make("span", "equity-level", format.signed(value, 0));
      text.style.top = `${y(value)}%`;
      return text;
    });
    const ends = [`${minuteText(from)} ${clock.zone()}`, minuteText(until)];
    const times = make("div", "equity-times", ...ends.map((words) => make("span", "", words)));
    frame.replaceChildren(make("div", "equity-plot", svg, ...sides), times);
    drawn = { points, from, until, x };
  }

  // Zero, the ends, and where it stands now; those that would cover one another are left out.
  function levels(low, high, now) {
    const apart = (high - low) * 0.14;
    const found = [];
    for (const value of [now, 0, high, low]) {
      if (found.every((other) => Math.abs(other - value) > apart)) found.push(value);
    }
    return found;
  }

  function label(points) {
    const last = points.at(-1);
    return `Running total of ${sum(points, "trades")} closed paper trades: ${bps(last.total)} bps`;
  }

  // Draw the part into the page; `empty` says why there is nothing yet.
  function draw(found, empty) {
    const frame = document.getElementById("signals-equity");
    const points = found ? pointsOf(found) : [];
    facts(document.getElementById("signals-equity-sum"), points);
    if (shown !== found || !frame.firstElementChild) {
      shown = found;
      if (points.length) chart(frame, points);
      else frame.replaceChildren(make("p", "empty", empty));
      write(document.getElementById("signals-equity-read"), points.length ? words(points.at(-1)) : "");
      if (!points.length) drawn = null;
    } else if (!points.length) {
      write(frame.firstElementChild, empty);
    }
    table(points);
  }

  const COLUMNS = [
    { head: () => `From, ${clock.zone()}`, className: "left when", text: (row) => minuteText(row.start) },
    { head: "Trades", text: (row) => format.fixed(row.trades, 0) },
    { head: "Won", text: (row) => format.fixed(row.wins, 0) },
    { head: "Gains bps", className: "wide", text: (row) => bps(row.gains), tone: (row) => toneOf(row.gains) },
    { head: "Losses bps", className: "wide", text: (row) => bps(row.losses), tone: (row) => toneOf(row.losses) },
    { head: "Net bps", text: (row) => bps(row.net), tone: (row) => toneOf(row.net) },
    { head: "Total bps", text: (row) => bps(row.total), tone: (row) => toneOf(row.total) },
  ];

  // Only while it is unfolded: up to 241 rows that nobody may look at.
  function table(points) {
    const frame = document.getElementById("signals-equity-table");
    if (!frame.closest("details").open) return;
    tickdeck.table.draw(frame, {
      kind: "equity",
      columns: COLUMNS,
      rows: points.slice().reverse(),
      keyOf: (row) => String(row.start),
      empty: "Nothing yet.",
    });
  }

  function words(point) {
    const one = point.trades === 1 ? "trade" : "trades";
    const time = `${minuteText(point.start)} … ${minuteText(point.end).slice(11)} ${clock.zone()}`;
    return `${time}: ${point.trades} ${one}, ${bps(point.net)} bps · total ${bps(point.total)} bps`;
  }

  // What the curve says where the pointer is: of the step there, or the last one before.
  function point(event) {
    const plot = event.target.closest && event.target.closest(".equity-plot");
    const mark = document.querySelector(".equity-pointed");
    if (!drawn || !mark) return;
    let found = drawn.points.at(-1);
    if (plot) {
      const box = plot.querySelector("svg").getBoundingClientRect();
      const time = drawn.from + ((drawn.until - drawn.from) * (event.clientX - box.left)) / box.width;
      found = drawn.points.filter((each) => middle(each) <= time).at(-1) || drawn.points[0];
    }
    mark.setAttribute("d", plot ? `M${drawn.x(middle(found))} 0V${HEIGHT}` : "");
    write(document.getElementById("signals-equity-read"), words(found));
  }

  document.addEventListener("pointermove", (event) => {
    if (event.target instanceof Element && event.target.closest("#signals-page")) point(event);
  });
  tickdeck.signalsEquity = { draw, pointsOf };
})();
