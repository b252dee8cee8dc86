// RSI and StochRSI under the candles: lines of closed values, muted after a hole, dotted to the provisional one.
(function () {
  "use strict";
  const tickdeck = (window.tickdeck = window.tickdeck || {});
  const { wall } = tickdeck.clock;
  const RSI_GUIDES = [30, 50, 70];
  const STOCH_GUIDES = [20, 50, 80];
  const FILL_4 = "0a";
  const isMissing = (value) => tickdeck.format.isMissing(value);

  // The axis of a pane from 0 to 100.
  function axis(guides) {
    return { range: [0, 100], tickvals: guides, ticktext: guides.map(String), hoverformat: ".1f", showgrid: false };
  }

  // The values of one indicator as traces on an axis.
  function lines(candles, { name, label, yaxis, color, muted, width = 1.25, dash = "solid", format = ".1f" }) {
    const style = { type: "scatter", name: "", yaxis, connectgaps: false };
    const stroke = (colour, how) => ({ color: colour, width, dash: how });
    const place = (found) => ({ x: found.map((k) => wall(k.open_time)), y: found.map((k) => k[name]) });
    const words = (more) => `${label} %{y:${format}}${more}<extra></extra>`;
    const good = candles.map((k) => (k.isProvisional || k.reason ? { ...k, [name]: null } : k));
    const traces = [
      { ...style, mode: "lines", ...place(good), line: stroke(color, dash), hovertemplate: words("") },
    ];
    if (candles.some((k) => k.reason && !isMissing(k[name]))) {
      const aside = candles.map((k) => (k.reason && !k.isProvisional ? k : { ...k, [name]: null }));
      traces.push({ ...style, mode: "lines", ...place(aside), line: stroke(muted, dash), hovertemplate: words(" muted") });
    }
    return traces.concat(provisional(candles, { style, name, color, muted, width, words, place }));
  }

  // The forming candle's value: a dotted way to an open circle, because it may still change.
  function provisional(candles, { style, name, color, muted, width, words, place }) {
    const i = candles.findLastIndex((k) => k.isProvisional && !isMissing(k[name]));
    if (i < 0) return [];
    const newest = candles[i];
    const colour = newest.reason ? muted : color;
    const way = i > 0 && !isMissing(candles[i - 1][name]) ? [candles[i - 1], newest] : [];
    return [
      { ...style, mode: "lines", ...place(way), line: { color: colour, width, dash: "1px,2px" }, hoverinfo: "skip" },
      {
        ...style, mode: "markers", ...place([newest]), hovertemplate: words(" provisional"),
        marker: { symbol: "circle-open", size: 5, color: colour, line: { width: 1 } },
      },
    ];
  }

  // The newest value in words: "61.2", "61.2 provisional", "–".
  function newestText(candles, name) {
    const newest = candles.findLast((k) => !isMissing(k[name]));
    return newest ? tickdeck.format.fixed(newest[name], 1) : tickdeck.format.MISSING;
  }

  // What a stored candle without a row of indicators means: they follow the candles, at a first start by minutes.
  function isAwaited(candles) {
    const closed = candles.filter((k) => !k.isForming);
    return closed.filter((k) => isMissing(k.reason)).length > closed.length / 2;
  }

  function remark(candles) {
    return newestRemark(candles) + (isAwaited(candles) ? " · past not computed yet" : "");
  }

  function newestRemark(candles) {
    const newest = candles.findLast((k) => !isMissing(k.rsi));
    if (!newest) return candles.some((k) => k.reason === "warming") ? " · warming" : "";
    const words = { hole: " · after a hole", warming: " · warming" }[newest.reason] || "";
    return words + (newest.isProvisional ? " · provisional" : "");
  }

  // Guides, the fill outside of them, and the pane's name with its newest values.
  function dress(figure, yaxis, guides, text, c) {
    const [low, middle, high] = guides;
    const across = { xref: "paper", x0: 0, x1: 1, yref: yaxis, layer: "below" };
    for (const [from, to] of [[0, low], [high, 100]]) {
      figure.shapes.push({
        ...across, type: "rect", y0: from, y1: to, line: { width: 0 }, fillcolor: c["text-2"] + FILL_4,
      });
    }
    for (const at of [low, middle, high]) {
      figure.shapes.push({ ...across, type: "line", y0: at, y1: at, line: { color: c.line, width: 1, dash: "dot" } });
    }
    figure.annotations.push({
      text, x: 0, y: 1, xref: "paper", yref: `${yaxis} domain`, xanchor: "left", yanchor: "top", showarrow: false,
      font: { size: 11, color: c["text-3"] }, bgcolor: c.panel + "e6", borderpad: 1,
    });
  }

  function rsi(figure, yaxis, candles, seen, c) {
    dress(figure, yaxis, RSI_GUIDES, `RSI 14  ${newestText(seen, "rsi")}${remark(seen)}`, c);
    return lines(candles, { name: "rsi", label: "RSI", yaxis, color: c["series-a"], muted: c["text-3"] });
  }

  function stoch(figure, yaxis, candles, seen, c) {
    const [k, d] = ["stoch_rsi_k", "stoch_rsi_d"].map((name) => newestText(seen, name));
    dress(figure, yaxis, STOCH_GUIDES, `StochRSI  K ${k}  D ${d}${remark(seen)}`, c);
    const common = { yaxis, muted: c["text-3"] };
    return [
      ...lines(candles, { ...common, name: "stoch_rsi_k", label: "K", color: c["series-a"] }),
      ...lines(candles, { ...common, name: "stoch_rsi_d", label: "D", color: c["series-b"], dash: "4px,2px" }),
    ];
  }

  const PANES = {
    rsi: { axis: () => axis(RSI_GUIDES), traces: rsi },
    stoch: { axis: () => axis(STOCH_GUIDES), traces: stoch },
  };
  tickdeck.symbolPanes = { PANES, lines };
})();
