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

  function size(value) {
    return format.isMissing(value) ? null : Math.abs(value);
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
    // By size, whatever the sign.
    bySize: (a, b, nodeA, nodeB, isDescending) => missingLast(size(a), size(b), nodeA, nodeB, isDescending),
    // Among equals the most traded stand first, either way.
    byStar: (a, b, nodeA, nodeB, isDescending) => {
      const traded = (node) => node.data.turnover_24h || node.data.turnover || 0;
      return a - b || (traded(nodeA) - traded(nodeB)) * (isDescending ? 1 : -1);
    },
    isStarred: (params) => tickdeck.stars.has(params.data.ids),
    sideHead: ({ colDef }) => tickdeck.market.venueOf(colDef.field.slice(-1)) || colDef.headerName,
    rsiHead: () => `RSI ${tickdeck.market.interval()}`,
    byScore: (_a, _b, nodeA, nodeB, isDescending) =>
      missingLast(nodeA.data.score, nodeB.data.score, nodeA, nodeB, isDescending),
    signedText: (params) => format.signed(params.value, 2),
    compactText: (params) => format.compact(params.value),
    fundingText: (params) =>
      format.signed(format.isMissing(params.value) ? null : params.value * 100, 4),
    oneDecimalText: (params) => format.fixed(params.value, 1),
    spreadText: (params) => format.spread(params.value),
    imbalanceText: (params) => format.signed(params.value, 2),
    signedOneText: (params) => format.signed(params.value, 1),
    midText: ({ value, data, colDef }) => {
      const places = data["places_" + colDef.field.slice(-1)];
      return format.fixed(value, format.isMissing(places) ? format.digits(value) : places);
    },
    sparkLine: (params) => {
      const spark = tickdeck.marketPast.spark(params.data.id);
      return spark ? spark[0] : null;
    },
    // What the cell says, as one value: it is drawn anew when a word of it changes.
    signalWords: ({ data }) => {
      if (format.isMissing(data.signal)) return null;
      const since = data.signal === "neutral" ? null : tickdeck.marketPast.since(data, data.interval);
      const age = since === null ? "" : format.duration(tickdeck.live.seconds(since, data.at));
      return `${data.signal}|${age}`;
    },
    ageSeconds: (params) => {
      const age = tickdeck.live.seconds(params.data.recv_time, params.data.at);
      return age === null ? null : Math.floor(age);
    },
    ageText: (params) => format.age(params.value, params.data.level),
    priceRenderer: ({ value, data }) => {
      if (data.unlisted) return { component: "Unlisted" };
      return value > 0 && value < SMALL ? { component: "SmallPrice" } : undefined;
    },
    // A bar from 0 to 100 with marks at 30 and 70; tinted only outside of them.
    rsiBar: (params) => {
      if (format.isMissing(params.value)) return { backgroundImage: "none" };
      const end = Math.max(0, Math.min(100, params.value));
      const colour = end > 70 ? "var(--up-bar)" : end < 30 ? "var(--down-bar)" : "var(--bar)";
      const mark = (at) => `transparent ${at}%, var(--text-3) ${at}% calc(${at}% + 1px), transparent calc(${at}% + 1px)`;
      const bar = `linear-gradient(to right, ${colour} ${end}%, var(--grid) ${end}%)`;
      return { backgroundImage: `linear-gradient(to right, ${mark(30)}), linear-gradient(to right, ${mark(70)}), ${bar}` };
    },
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
    return h("a", { className: "instrument", href: tickdeck.symbolPath(venue, symbol), tabIndex: -1 }, [
      h("b", { key: "symbol" }, symbol),
      h("small", { key: "venue" }, venue),
    ]);
  };

  components.Star = function (props) {
    const { ids, symbol, base } = props.data;
    const words = props.value ? "★" : "☆";
    const label = `${props.value ? "Starred" : "Star"}: ${symbol || base}`;
    const className = props.value ? "star is-starred" : "star";
    const more = { "aria-pressed": String(props.value), "aria-label": label, "data-ids": ids.join(" "), tabIndex: -1 };
    return window.React.createElement("button", { className, ...more }, words);
  };

  // A coin leads to its first venue, its price on a venue to that one.
  components.Coin = function (props) {
    const h = window.React.createElement;
    const { base, quote, href_a, names } = props.data;
    return h("a", { className: "instrument", href: href_a, title: names, tabIndex: -1 }, [
      h("b", { key: "base" }, base),
      h("small", { key: "quote" }, quote),
    ]);
  };

  components.Spark = function (props) {
    const h = window.React.createElement;
    if (!props.value) return format.MISSING;
    const [, low, high] = tickdeck.marketPast.spark(props.data.id) || [];
    const text = (value) => format.fixed(value, props.data.places);
    const label = `24 hours: closes from ${text(low)} to ${text(high)}`;
    const box = { className: "spark", viewBox: `0 0 ${props.value.length - 1} 43`, preserveAspectRatio: "none" };
    return h("svg", { ...box, role: "img", "aria-label": label }, [
      h("title", { key: "title" }, label),
      h("path", { key: "line", d: tickdeck.marketPast.path(props.value) }),
    ]);
  };

  components.Signal = function (props) {
    const h = window.React.createElement;
    if (!props.value) return format.MISSING;
    const [name, age] = props.value.split("|");
    const tone = name.endsWith("buy") ? "chip up" : name.endsWith("sell") ? "chip down" : "";
    const chip = h("span", { key: "chip", className: tone }, format.signal(name));
    return h("span", { className: "signal" }, [chip, h("small", { key: "age" }, age)]);
  };

  // In the place of a price that will not come.
  components.Unlisted = function (props) {
    return window.React.createElement("small", { className: "unlisted", title: props.data.unlisted }, "not traded");
  };

  // All digits are kept; the leading zeros step back.
  components.SmallPrice = function (props) {
    const h = window.React.createElement;
    const [, zeros, rest] = /^([^1-9]*)(.*)$/.exec(priceText(props));
    return h("span", null, [h("span", { key: "zeros", className: "zeros" }, zeros), rest]);
  };
})();
