// What the Market table's column definitions name: formatters, comparators, cell renderers.
(function () {
  "use strict";
  const format = window.tickdeck.format;
  const tickdeck = window.tickdeck;
  const functions = (window.dashAgGridFunctions = window.dashAgGridFunctions || {});
  const components = (window.dashAgGridComponentFunctions = window.dashAgGridComponentFunctions || {});
  const still = window.matchMedia("(prefers-reduced-motion: reduce)");
  const SMALL = 1e-4;

  // Rows without a value stand last whichever way the column is sorted.
  function missingLast(a, b, _nodeA, _nodeB, isDescending) {
    const none = format.isMissing(a) - format.isMissing(b);
    if (none) return isDescending ? -none : none;
    return a === b ? 0 : a < b ? -1 : 1;
  }

  function priceText(params) {
    const text = format.fixed(params.value, params.data.places);
    // Without motion there is no flash; the arrow says which way the price went.
    const arrow = still.matches && params.data.direction ? (params.data.direction > 0 ? "▲ " : "▼ ") : "";
    return arrow + text;
  }

  Object.assign(functions, {
    missingLast,
    priceText,
    bySymbol: (_a, _b, nodeA, nodeB) => {
      const [a, b] = [nodeA.data, nodeB.data];
      return a.symbol.localeCompare(b.symbol) || a.venue.localeCompare(b.venue);
    },
    byScore: (_a, _b, nodeA, nodeB, isDescending) =>
      missingLast(nodeA.data.score, nodeB.data.score, nodeA, nodeB, isDescending),
    signedText: (params) => format.signed(params.value, 2),
    compactText: (params) => format.compact(params.value),
    fundingText: (params) =>
      format.signed(format.isMissing(params.value) ? null : params.value * 100, 4),
    oneDecimalText: (params) => format.fixed(params.value, 1),
    spreadText: (params) => format.spread(params.value),
    imbalanceText: (params) => format.signed(params.value, 2),
    signalText: (params) => format.signal(params.value),
    ageSeconds: (params) => {
      const age = tickdeck.live.seconds(params.data.recv_time);
      return age === null ? null : Math.floor(age);
    },
    ageText: (params) => format.age(params.value, params.data.level),
    priceRenderer: (params) =>
      params.value > 0 && params.value < SMALL ? { component: "SmallPrice" } : undefined,
    // A bar from the middle of the cell, to the right where bids outweigh asks.
    imbalanceBar: (params) => {
      if (format.isMissing(params.value)) return { backgroundImage: "none" };
      const end = 50 + 50 * Math.max(-1, Math.min(1, params.value));
      const [from, to] = end > 50 ? [50, end] : [end, 50];
      const colour = end > 50 ? "var(--up-fill)" : "var(--down-fill)";
      const stops = `transparent ${from}%, ${colour} ${from}% ${to}%, transparent ${to}%`;
      return { backgroundImage: `linear-gradient(to right, ${stops})` };
    },
  });

  components.Instrument = function (props) {
    const h = window.React.createElement;
    const { venue, symbol } = props.data;
    return h("a", { className: "instrument", href: `/s/${venue}/${symbol}`, tabIndex: -1 }, [
      h("b", { key: "symbol" }, symbol),
      h("small", { key: "venue" }, venue),
    ]);
  };

  // All digits are kept; the leading zeros step back.
  components.SmallPrice = function (props) {
    const h = window.React.createElement;
    const [, zeros, rest] = /^([^1-9]*)(.*)$/.exec(priceText(props));
    return h("span", null, [h("span", { key: "zeros", className: "zeros" }, zeros), rest]);
  };
})();
