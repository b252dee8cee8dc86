// The scoreboard: what each rule's signals made, how sure that is, and whether it is more than luck.
(function () {
  "use strict";
  const tickdeck = (window.tickdeck = window.tickdeck || {});
  const { format, signalsColumns } = tickdeck;
  const { make, makeSvg } = tickdeck.dom;
  const { bps, toneOf, fact, facts } = signalsColumns;
  const WIDTH = 120;
  const HEIGHT = 16;
  const VERDICTS = {
    "better than chance": ["▲ better than chance", "up"],
    worse: ["▼ worse than chance", "down"],
    "no better than chance": ["no better than chance", ""],
    "too few": ["too few", "muted"],
  };
  let reach = 1; // bps that half of a whisker's width stands for

  function range(row, name, text) {
    const [value, low, high] = [row[name], row[`${name}_low`], row[`${name}_high`]];
    const bounds = make("small", "range", format.isMissing(low) ? "" : ` ${text(low)} … ${text(high)}`);
    return make("span", "with-range", make("b", toneOf(name === "hit_rate" ? 0 : value), text(value)), bounds);
  }

  function percent(value) {
    return format.fixed(format.isMissing(value) ? null : value * 100, 0);
  }

  // The mean with its interval on a scale common to all rows; a thin line is zero, a tick is chance.
  function whisker(row) {
    const svg = makeSvg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "whisker", "aria-hidden": "true" });
    const place = (value) => (WIDTH / 2) * (1 + Math.max(-1, Math.min(1, value / reach)));
    svg.append(makeSvg("path", { d: `M${WIDTH / 2} 0V${HEIGHT}`, class: "whisker-zero" }));
    if (!format.isMissing(row.mean_bps_low)) {
      const ends = `M${place(row.mean_bps_low)} 8H${place(row.mean_bps_high)}`;
      svg.append(makeSvg("path", { d: ends, class: `whisker-range ${toneOf(row.mean_bps)}` }));
    }
    if (!format.isMissing(row.baseline_mean_bps)) {
      svg.append(makeSvg("path", { d: `M${place(row.baseline_mean_bps)} 2V14`, class: "whisker-chance" }));
    }
    if (!format.isMissing(row.mean_bps)) {
      svg.append(makeSvg("circle", { cx: place(row.mean_bps), cy: 8, r: 3, class: `whisker-mean ${toneOf(row.mean_bps)}` }));
    }
    return svg;
  }

  function chance(row) {
    const hits = format.isMissing(row.baseline_hit_rate) ? "" : ` ${percent(row.baseline_hit_rate)} %`;
    return make("span", "with-range", bps(row.baseline_mean_bps), make("small", "range", hits));
  }

  function verdict(row) {
    return VERDICTS[row.verdict] || [row.verdict, ""];
  }

  function fall(row) {
    return format.signed(format.isMissing(row.drawdown_bps) ? null : -Math.abs(row.drawdown_bps), 0);
  }

  const COLUMNS = [
    { head: "Rule", className: "left", node: (row) => signalsColumns.ruleWords(row, `${row.venue} ${row.interval}`) },
    { head: "n", className: "", title: "Signals priced", text: (row) => format.fixed(row.count, 0) },
    {
      head: "Verdict",
      className: "left verdict",
      title: "Against random moments of the same markets and hours",
      text: (row) => verdict(row)[0],
      tone: (row) => verdict(row)[1],
    },
    {
      head: "Mean bps [95 %]",
      className: "left",
      title: "What a signal made on average, after costs, and where the true mean lies with 95 %",
      node: (row) => range(row, "mean_bps", bps),
    },
    {
      head: () => `−${reach} · 0 · +${reach} bps`,
      className: "left wide",
      title: "The mean with its 95 % interval; the upright tick is chance, the thin line zero",
      node: whisker,
    },
    { head: "Median bps [95 %]", className: "left wider", node: (row) => range(row, "median_bps", bps) },
    {
      head: "Hit rate % [95 %]",
      className: "left wide",
      title: "Share that made more than nothing, after costs",
      node: (row) => range(row, "hit_rate", percent),
    },
    {
      head: "Chance bps, hits",
      className: "left wide",
      title: "Mean and hit rate of random moments in the same markets and hours, at the same costs",
      node: chance,
    },
    {
      head: "Edge bps [99 %]",
      className: "left wide",
      title: "The mean less that of chance",
      node: (row) => range(row, "edge_bps", bps),
    },
    {
      head: "Gain / loss",
      className: "wider",
      title: "Profit factor: all gains over all losses",
      text: (row) => format.fixed(row.profit_factor, 2),
    },
    {
      head: "Worst fall bps",
      className: "wider",
      title: "The deepest fall of the running total",
      text: fall,
    },
  ];

  // All figures of a row, for screens that have no room for their columns.
  function detail(row) {
    const bounds = (name, text) =>
      format.isMissing(row[`${name}_low`]) ? "" : ` [${text(row[`${name}_low`])} … ${text(row[`${name}_high`])}]`;
    const share = (value) => `${percent(value)} %`;
    const signals = facts(
      `${format.fixed(row.count, 0)} signals, priced after ${row.horizon_s / 60} m`,
      fact("mean bps [95 %]", bps(row.mean_bps) + bounds("mean_bps", bps), toneOf(row.mean_bps)),
      fact("median bps [95 %]", bps(row.median_bps) + bounds("median_bps", bps), toneOf(row.median_bps)),
      fact("hit rate [95 %]", share(row.hit_rate) + bounds("hit_rate", share)),
      fact("gain / loss", format.fixed(row.profit_factor, 2)),
      fact("worst fall bps", fall(row)),
    );
    const random = facts(
      `${format.fixed(row.baseline_count, 0)} random moments`,
      fact("mean bps", bps(row.baseline_mean_bps), toneOf(row.baseline_mean_bps)),
      fact("median bps", bps(row.baseline_median_bps), toneOf(row.baseline_median_bps)),
      fact("hit rate", share(row.baseline_hit_rate)),
    );
    const edge = facts(
      "Beyond chance",
      fact("edge bps [99 %]", bps(row.edge_bps) + bounds("edge_bps", bps), toneOf(row.edge_bps)),
      fact("verdict", verdict(row)[0], verdict(row)[1]),
      fact("computed", tickdeck.clock.text(row.computed_at)),
    );
    return make("div", "detail-parts", signals, random, edge);
  }

  // The rows of one horizon, by name.
  function shown(part, horizon) {
    return part ? part.rows.filter((row) => String(row.horizon_s) === horizon) : [];
  }

  // Choose a scale on which nearly every interval is seen: how many bps half of it stands for.
  function fit(rows) {
    const ends = rows
      .flatMap((row) => [row.mean_bps_low, row.mean_bps_high, row.baseline_mean_bps, row.mean_bps])
      .filter((value) => !format.isMissing(value))
      .map(Math.abs)
      .sort((a, b) => a - b);
    const wanted = ends.length ? ends[Math.floor(0.9 * (ends.length - 1))] : 1;
    const steps = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000];
    reach = steps.find((step) => step >= wanted) || 1000;
    return reach;
  }

  // How many rows have which verdict, in words.
  function summary(rows) {
    if (!rows.length) return "";
    const count = (name) => rows.filter((row) => row.verdict === name).length;
    const words = Object.entries(VERDICTS).map(([name, [text]]) => `${count(name)} ${text.replace(/^[▲▼] /, "")}`);
    return words.join(" · ");
  }

  tickdeck.signalsScore = { COLUMNS, detail, shown, fit, summary };
})();
