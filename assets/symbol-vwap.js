// The day's VWAP, of the candles held since 00:00 UTC: turnover through volume. Pure.
(function () {
  "use strict";
  const tickdeck = (window.tickdeck = window.tickdeck || {});
  const DAY_MS = 86400000;

  function timeOf(time) {
    return new Date(time).toISOString().slice(11, 16);
  }

  // {x, y, words}: the line, and why there is none or why it ends before the newest candle; no words if it is whole.
  function vwap(candles, step) {
    const nothing = (words) => ({ x: [], y: [], words });
    if (!candles.length) return nothing("VWAP: no candles yet");
    if (step >= DAY_MS) return nothing("VWAP of the day needs candles shorter than a day");
    const newest = candles.at(-1).open_time;
    const midnight = newest - (newest % DAY_MS);
    const today = candles.filter((k) => k.open_time >= midnight);
    if (today[0].open_time > midnight) {
      return nothing(`VWAP needs candles from 00:00 UTC on, held are those from ${timeOf(today[0].open_time)} UTC`);
    }
    const found = { x: [], y: [], words: "" };
    let [turnover, volume] = [0, 0];
    for (const [i, candle] of today.entries()) {
      if (candle.open_time !== midnight + i * step || !candle.complete || typeof candle.turnover !== "number") {
        // From here on it would not be the day's any more.
        found.words = `VWAP ends at ${timeOf(midnight + i * step)} UTC: data was missed`;
        break;
      }
      turnover += candle.turnover;
      volume += candle.volume;
      found.x.push(candle.open_time);
      found.y.push(volume > 0 ? turnover / volume : null);
    }
    return found;
  }

  tickdeck.symbolVwap = { vwap };
})();
