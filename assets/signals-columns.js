// How signals and paper trades are written: the columns of their tables, and what an opened row shows.
(function () {
  "use strict";
  const tickdeck = (window.tickdeck = window.tickdeck || {});
  const { clock, format } = tickdeck;
  const { make } = tickdeck.dom;
  const HORIZONS_S = [60, 300, 900, 3600];
  const LATE_S = 60; // after its horizon an outcome that is still missing will not come
  const REASONS = { opposite: "opposite signal", stop: "stop", time: "time is up" };
  const UP = ["buy", "long"];

  function bps(value) {
    return format.signed(value, 1);
  }

  function toneOf(value) {
    return value > 0 ? "up" : value < 0 ? "down" : "";
  }

  function price(row, value, finer = 0) {
    const places = format.isMissing(row.places) ? format.digits(value) : row.places + finer;
    return format.fixed(value, places);
  }

  // On a narrow screen date and time stand one above the other: there a line break is one.
  function timeColumn(words, name) {
    return { head: () => `${words}, ${clock.zone()}`, className: "left when", text: (row) => clock.text(row[name]).replace(" ", "\n") };
  }

  const MARKET = { head: "Market", className: "left", node: marketNode };
  const RULE = { head: "Rule", className: "left", node: ruleNode };
  const SIDE = {
    head: "Side",
    className: "left",
    text: (row) => `${UP.includes(row.side) ? "▲" : "▼"} ${row.side}`,
    tone: (row) => (UP.includes(row.side) ? "up" : "down"),
  };

  function marketNode(row) {
    const link = make("a", "", make("b", "", row.symbol));
    link.href = tickdeck.symbolPath(row.venue, row.symbol);
    return make("span", "pair", link, " ", make("small", "", row.venue));
  }

  // A rule's name, which may be broken after its underscores, and what stands beside it.
  function ruleWords(row, beside) {
    const words = row.rule.split(/(?<=_)/).flatMap((word) => [word, make("wbr")]);
    return make("span", "pair", make("span", "", ...words), " ", make("small", "", beside));
  }

  function ruleNode(row) {
    return ruleWords(row, row.interval);
  }

  function number(head, text, more) {
    return { head, text, className: "", ...more };
  }

  function netColumn(head, value, more) {
    return number(head, (row) => bps(value(row)), { tone: (row) => toneOf(value(row)), ...more });
  }

  // What came of a signal after one horizon; what is still to come says so.
  function outcomeText(row, i) {
    const made = row.outcomes[i];
    if (made) return bps(made[2]);
    const left = row.ts / 1000 + HORIZONS_S[i] - tickdeck.live.now() / 1000;
    return left > -LATE_S ? "due" : format.MISSING;
  }

  function outcomeColumn(horizon_s, i) {
    return {
      head: `${horizon_s / 60} m bps`,
      title: `What it made ${horizon_s / 60} minutes later, after spread and fees`,
      className: i === 2 ? "" : "wide",
      text: (row) => outcomeText(row, i),
      tone: (row) => (row.outcomes[i] ? toneOf(row.outcomes[i][2]) : "muted"),
    };
  }

  const SIGNALS = [
    timeColumn("Fired", "ts"),
    MARKET,
    RULE,
    SIDE,
    number("Strength", (row) => format.fixed(row.strength, 2), { className: "wide" }),
    number("Price", (row) => price(row, row.price), { className: "wide" }),
    number("Spread bps", (row) => format.spread(row.spread_bps), { className: "wide" }),
    ...HORIZONS_S.map(outcomeColumn),
  ];

  const OPEN = [
    timeColumn("Entered", "entry_ts"),
    MARKET,
    RULE,
    SIDE,
    number("Entry", (row) => price(row, row.entry_price), { className: "wide" }),
    number("Now", (row) => price(row, row.mark ? row.mark[0] : null), {
      className: "wide",
      title: "At which price one could leave now; – while the book is not live",
    }),
    netColumn("Net bps", (row) => (row.mark ? row.mark[1] : null), {
      title: "What it would make if closed now, after spread and fees",
    }),
  ];

  const CLOSED = [
    timeColumn("Closed", "exit_ts"),
    MARKET,
    RULE,
    SIDE,
    number("Held", (row) => format.duration((row.exit_ts - row.entry_ts) / 1000), { className: "wide" }),
    number("Entry", (row) => price(row, row.entry_price), { className: "wide" }),
    number("Exit", (row) => price(row, row.exit_price), { className: "wide" }),
    { head: "Why", className: "left wide", text: (row) => REASONS[row.exit_reason] || row.exit_reason },
    netColumn("Gross bps", (row) => row.gross_bps, { className: "wide" }),
    number("Fees bps", (row) => format.signed(-row.fee_bps, 1), { className: "wide" }),
    netColumn("Net bps", (row) => row.net_bps),
  ];

  function fact(head, text, tone) {
    return make("div", "fact", make("dt", "", head), make("dd", tone || "", text));
  }

  function facts(title, ...found) {
    return make("section", "", make("h3", "", title), make("dl", "facts", ...found));
  }

  // What the rule read, and what became of the signal at each horizon.
  function signalParts(signal) {
    const read = Object.entries(signal.inputs).map(([name, value]) => fact(name, format.plain(value).replace("-", "−")));
    const made = HORIZONS_S.map((horizon_s, i) => {
      const found = signal.outcomes[i];
      const head = `after ${horizon_s / 60} m`;
      if (!found) return fact(head, outcomeText(signal, i), "muted");
      const [exit, gross, net] = found;
      return fact(head, `${price(signal, exit)} · gross ${bps(gross)} · net ${bps(net)} bps`, toneOf(net));
    });
    const fired = [
      fact("fired", clock.text(signal.ts)),
      fact(signal.interval === "book" ? "book of" : "candle of", clock.text(signal.open_time)),
      fact("middle of the book", price(signal, signal.price, 1)),
      fact("spread bps", format.fixed(signal.spread_bps, 2)),
      fact("strength", format.fixed(signal.strength, 2)),
    ];
    return [facts("What the rule read", ...read), facts("Signal", ...fired), facts("Priced again", ...made)];
  }

  function signalDetail(row) {
    return make("div", "detail-parts", ...signalParts(row));
  }

  function tradeDetail(row) {
    const ended = row.exit_ts
      ? [
          fact("out", clock.text(row.exit_ts)),
          fact("at", price(row, row.exit_price)),
          fact("why", REASONS[row.exit_reason] || row.exit_reason),
          fact("gross bps", bps(row.gross_bps)),
        ]
      : [];
    const trade = facts(
      "Trade",
      fact("in", clock.text(row.entry_ts)),
      fact("at", price(row, row.entry_price)),
      ...ended,
      fact("fees bps", format.signed(-row.fee_bps, 1)),
      ...(row.exit_ts ? [fact("net bps", bps(row.net_bps), toneOf(row.net_bps))] : []),
    );
    const signal = row.signal ? signalParts(row.signal) : [make("p", "muted", "Its signal is not stored yet.")];
    return make("div", "detail-parts", trade, ...signal);
  }

  tickdeck.signalsColumns = { HORIZONS_S, SIGNALS, OPEN, CLOSED, signalDetail, tradeDetail, bps, toneOf, ruleWords, fact, facts };
})();
