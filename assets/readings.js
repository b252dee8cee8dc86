// How what is said of parts, feeds and stores is written: shapes, bytes, times, delays.
(function () {
  "use strict";
  const tickdeck = (window.tickdeck = window.tickdeck || {});
  const { format } = tickdeck;
  // Colour is never alone: each level has a shape, and stands beside a word.
  const SHAPES = { ok: "●", warn: "▲", bad: "■", unknown: "○" };
  const LEVELS = { live: "ok", degraded: "warn", reconnecting: "warn", blocked: "bad", down: "bad", idle: "unknown" };
  const DB_LEVELS = { up: "ok", starting: "unknown", behind: "warn", down: "bad", refused: "bad", schema: "bad" };

  function whole(value) {
    return format.fixed(value, 0);
  }

  // Of 1,000,000 bytes, as HISTORY_MAX_MB counts them.
  function bytes(value) {
    if (format.isMissing(value)) return format.MISSING;
    if (value === 0) return "0 MB";
    if (value >= 9.995e8) return format.fixed(value / 1e9, 2) + " GB";
    return format.fixed(value / 1e6, value >= 1e7 ? 0 : 1) + " MB";
  }

  function percent(share) {
    return format.isMissing(share) ? format.MISSING : format.fixed(100 * share, 0) + " %";
  }

  // "12 · 48": p50 and p99.
  function delays(p50, p99) {
    return format.isMissing(p50) ? format.MISSING : `${whole(p50)} · ${whole(p99)}`;
  }

  // How long something took or lasts; short ones to the tenth of a second, long ones in days.
  function span(ms) {
    const seconds = Math.max(0, ms / 1000);
    if (seconds < 10) return format.fixed(seconds, 1) + " s";
    return seconds < 172800 ? format.duration(seconds) : Math.floor(seconds / 86400) + " d";
  }

  function since(time) {
    return format.isMissing(time) ? format.MISSING : span(tickdeck.live.now() - time);
  }

  // The age of what comes about once a second.
  function age(time) {
    const seconds = tickdeck.live.seconds(format.isMissing(time) ? null : time);
    return format.age(seconds === null ? null : Math.floor(seconds), tickdeck.live.level(seconds));
  }

  function ageLevel(time) {
    return tickdeck.live.level(tickdeck.live.seconds(format.isMissing(time) ? null : time));
  }

  // A moment in the zone of the clock, with its day unless that is today.
  function moment(time) {
    if (format.isMissing(time)) return format.MISSING;
    const at = tickdeck.clock.parts(time);
    const today = tickdeck.clock.parts(tickdeck.live.now()).date;
    return at.date === today ? at.time : `${at.date} ${at.time}`;
  }

  function count(number, what) {
    return `${whole(number)} ${what}${number === 1 ? "" : "s"}`;
  }

  tickdeck.readings = {
    SHAPES, LEVELS, DB_LEVELS, whole, bytes, percent, delays, span, since, age, ageLevel, moment, count,
  };
})();
