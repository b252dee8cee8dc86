// What the Symbol page holds of one series: the newest reply, closed and forming candles, the last ten minutes.
(function () {
  "use strict";
  const tickdeck = (window.tickdeck = window.tickdeck || {});
  const MOST_CANDLES = 5000;
  const EARLIER = 500;
  const WINDOW_MS = 600000;
  const WHOLE_EVERY_MS = 60000; // what was repaired or came late is in the whole, not in the tails
  const RETRY_MS = 5000;
  const CANDLE = ["open_time", "open", "high", "low", "close", "volume", "complete"];

  // Nothing yet of this venue, symbol and interval.
  function begin(venue, symbol, interval) {
    return {
      key: `${venue}:${symbol}:${interval}`,
      venue,
      symbol,
      interval,
      newest: null, // the newest reply's content, without candles and strips
      candles: [], // ascending, the forming one last
      strips: [], // ascending
      last: null,
      until: null,
      wholeAt: -Infinity,
      earlier: "more", // or "loading", "failed", "none": what there is before the first candle
      earlierAt: -Infinity,
    };
  }

  // What the server is asked: null for what is wanted whole.
  function question(held) {
    const { venue, symbol, interval, last, until } = held;
    const isWhole = performance.now() - held.wholeAt > WHOLE_EVERY_MS;
    return { venue, symbol, interval, last: isWhole ? null : last, until: isWhole ? null : until };
  }

  // Take a reply's text; false if it is about another series.
  function accept(held, text) {
    const { candles, strips, ...newest } = JSON.parse(text);
    if (`${newest.venue}:${newest.symbol}:${newest.interval}` !== held.key) return false;
    if (strips.ts.length === 0 || strips.from <= strips.until - WINDOW_MS) held.wholeAt = performance.now();
    held.newest = newest;
    merge(held, rows(candles), newest.forming);
    held.last = Math.max(held.last || 0, candles.open_time.at(-1) || 0);
    const points = columns(strips, ["ts", "bid", "ask", "spread_bps", "imbalance"]);
    const oldest = strips.until - WINDOW_MS;
    held.strips = held.strips.filter((point) => point.ts >= oldest && point.ts < strips.from).concat(points);
    held.until = strips.until;
    return true;
  }

  function columns(found, names) {
    return found[names[0]].map((_, i) => Object.fromEntries(names.map((name) => [name, found[name][i]])));
  }

  function rows(candles) {
    return columns(candles, CANDLE);
  }

  // Closed candles replace what was held in their place; the forming one only what is not closed.
  function merge(held, closed, forming) {
    const byTime = new Map(held.candles.map((candle) => [candle.open_time, candle]));
    for (const candle of closed) byTime.set(candle.open_time, candle);
    const before = forming && byTime.get(forming.open_time);
    if (forming && (!before || before.isForming)) {
      byTime.set(forming.open_time, { ...forming, complete: true, isForming: true });
    }
    held.candles = [...byTime.values()].sort((a, b) => a.open_time - b.open_time).slice(-MOST_CANDLES);
  }

  // Fetch candles before the first one held; resolves to true if some came.
  async function loadEarlier(held) {
    const waits = held.earlier === "failed" && performance.now() - held.earlierAt < RETRY_MS;
    if (!held.candles.length || waits || held.earlier === "loading" || held.earlier === "none") return false;
    if (held.candles.length >= MOST_CANDLES) return false;
    held.earlier = "loading";
    const { venue, symbol, interval } = held;
    const to = held.candles[0].open_time;
    const asked = new URLSearchParams({ venue, symbol, interval, to, limit: EARLIER });
    try {
      const reply = await fetch(`/api/klines?${asked}`);
      if (!reply.ok) throw new Error(`status ${reply.status}`);
      const found = (await reply.json()).rows;
      held.earlier = found.length ? "more" : "none";
      const room = MOST_CANDLES - held.candles.length;
      merge(held, found.slice(-room).map((row) => Object.fromEntries(CANDLE.map((n) => [n, row[n]]))), null);
      return found.length > 0;
    } catch {
      held.earlier = "failed"; // said on the chart, tried again when asked
      held.earlierAt = performance.now();
      return false;
    }
  }

  tickdeck.symbolData = { begin, question, accept, loadEarlier };
})();
