// What the Symbol page holds of one series: the newest reply, closed and forming candles, the last ten minutes.
(function () {
  "use strict";
  const tickdeck = (window.tickdeck = window.tickdeck || {});
  const MOST_CANDLES = 5000;
  const EARLIER = 500;
  const WINDOW_MS = 600000;
  const WHOLE_EVERY_MS = 60000; // what was repaired or came late is in the whole, not in the tails
  const RETRY_MS = 5000;
  const MOST_TRADES = 500;
  const VALUES = ["rsi", "stoch_rsi_k", "stoch_rsi_d", "ema_fast", "ema_slow", "bb_upper", "bb_lower", "reason"];
  const KLINE = ["open_time", "open", "high", "low", "close", "volume", "turnover", "complete"];
  const TRADE = ["price", "size", "taker_side", "trade_id", "event_time"];
  const SIGNAL = [
    "id", "ts", "open_time", "interval", "rule", "side", "price", "net_bps_60", "net_bps_300", "net_bps_900",
    "net_bps_3600",
  ];
  const GAP = ["channel", "started_at", "ended_at", "cause", "repaired"];

  // Nothing yet of this venue, symbol and interval.
  function begin(venue, symbol, interval) {
    return {
      key: `${venue}:${symbol}:${interval}`,
      venue,
      symbol,
      interval,
      newest: null, // the newest reply's content, without the lists below
      candles: [], // ascending, the forming one last
      trades: [], // newest first
      signals: [], // ascending
      gaps: [], // ascending
      marks: null, // version of signals and gaps
      strips: [], // ascending
      last: null, // open time of the newest closed candle that was told; 0 if there is none
      until: null,
      wholeAt: -Infinity,
      earlier: "more", // or "loading", "failed", "none": what there is before the first candle
      earlierAt: -Infinity,
    };
  }

  // What the server is asked: null for what is wanted whole.
  function question(held) {
    const { venue, symbol, interval, last, until, marks } = held;
    const isWhole = performance.now() - held.wholeAt > WHOLE_EVERY_MS;
    return { venue, symbol, interval, last: isWhole ? null : last, until: isWhole ? null : until, marks };
  }

  // Take a reply's text; false if it is about another series.
  function accept(held, text) {
    const { candles, strips, trades, marks, ...newest } = JSON.parse(text);
    if (`${newest.venue}:${newest.symbol}:${newest.interval}` !== held.key) return false;
    if (strips.ts.length === 0 || strips.from <= strips.until - WINDOW_MS) held.wholeAt = performance.now();
    held.newest = newest;
    held.trades = followed(held.trades, columns(trades, TRADE));
    const forming = formed(newest.forming, held.trades, newest.interval_ms);
    merge(held, columns(candles, [...KLINE, ...VALUES]), { ...newest, forming });
    if (marks) {
      held.signals = columns(marks.signals, SIGNAL);
      held.gaps = columns(marks.gaps, GAP);
      held.marks = newest.marks_version;
    }
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

  function some(from, names) {
    return Object.fromEntries(names.map((name) => [name, from[name] ?? null]));
  }

  // The newest trades on top of those held; of these nothing is kept where some between were not told.
  function followed(held, fresh) {
    const known = new Set(held.map((trade) => trade.trade_id));
    const first = fresh.findIndex((trade) => known.has(trade.trade_id));
    return first < 0 ? fresh : fresh.slice(0, first).concat(held).slice(0, MOST_TRADES);
  }

  // The forming candle with the prices of trades since the venue last told of it, newest first: its close is the last
  // price everywhere. Its volume stays as told, because which trades are in that is not said.
  function formed(forming, trades, step) {
    if (!forming || forming.event_time === null) return forming;
    const { open_time: opened, event_time: told } = forming;
    const since = trades.filter(({ event_time: at }) => at > told && at < opened + step);
    const prices = since.map((trade) => trade.price).filter((price) => price !== null);
    if (!prices.length) return forming;
    const { high, low } = forming;
    return { ...forming, close: prices[0], high: Math.max(high, ...prices), low: Math.min(low, ...prices) };
  }

  // Closed candles replace what was held in their place; the forming one only what is not closed. Indicators of a
  // close come a moment after it: until then its candle keeps the provisional ones.
  function merge(held, closed, { forming, indicator }) {
    const byTime = new Map(held.candles.map((candle) => [candle.open_time, candle]));
    for (const candle of closed) {
      const before = byTime.get(candle.open_time);
      const kept = candle.reason === null && before ? some(before, [...VALUES, "isProvisional"]) : {};
      byTime.set(candle.open_time, { ...candle, ...kept });
    }
    const before = forming && byTime.get(forming.open_time);
    if (forming && (!before || before.isForming)) {
      byTime.set(forming.open_time, { ...forming, complete: true, isForming: true });
    }
    const subject = indicator && byTime.get(indicator.open_time);
    if (subject && (subject.isForming || subject.isProvisional || tickdeck.format.isMissing(subject.reason))) {
      const values = { ...some(indicator, VALUES), isProvisional: indicator.is_provisional };
      byTime.set(subject.open_time, { ...subject, ...values });
    }
    held.candles = [...byTime.values()].sort((a, b) => a.open_time - b.open_time).slice(-MOST_CANDLES);
  }

  // Fetch candles before the first one held; resolves to true if some came.
  async function loadEarlier(held) {
    const pause = { failed: RETRY_MS, none: WHOLE_EVERY_MS }[held.earlier] || 0; // none: it may be filled by then
    const waits = performance.now() - held.earlierAt < pause;
    if (!held.candles.length || waits || held.earlier === "loading") return false;
    if (held.candles.length >= MOST_CANDLES) return false;
    held.earlier = "loading";
    const { venue, symbol, interval } = held;
    const to = held.candles[0].open_time;
    const asked = new URLSearchParams({ venue, symbol, interval, to, limit: EARLIER });
    try {
      const [found, said] = await Promise.all([rowsOf(`/api/klines?${asked}`), rowsOf(`/api/indicators?${asked}`)]);
      held.earlier = found.length ? "more" : "none";
      held.earlierAt = performance.now();
      const room = MOST_CANDLES - held.candles.length;
      const values = new Map(said.map((row) => [row.open_time, some(row, VALUES)]));
      const candles = found.slice(-room).map((row) => ({ ...some(row, KLINE), ...(values.get(row.open_time) || {}) }));
      merge(held, candles, {});
      return found.length > 0;
    } catch {
      held.earlier = "failed"; // said on the chart, tried again when asked
      held.earlierAt = performance.now();
      return false;
    }
  }

  async function rowsOf(address) {
    const reply = await fetch(address);
    if (!reply.ok) throw new Error(`status ${reply.status}`);
    return (await reply.json()).rows;
  }

  tickdeck.symbolData = { begin, question, accept, formed, loadEarlier };
})();
