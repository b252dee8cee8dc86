// How numbers, prices, ages and signals are written. Pure functions; the grid calls them by name.
(function () {
  "use strict";
  const tickdeck = (window.tickdeck = window.tickdeck || {});
  const MISSING = "–";
  const SIGNALS = {
    strong_buy: "▲▲ strong buy",
    buy: "▲ buy",
    neutral: "neutral",
    sell: "▼ sell",
    strong_sell: "▼▼ strong sell",
  };
  const writers = new Map();

  function isMissing(value) {
    return value === null || value === undefined;
  }

  // Fixed decimals, thousands by comma, a true minus, never an exponent.
  function fixed(value, places) {
    if (isMissing(value)) return MISSING;
    if (!writers.has(places)) {
      const options = { minimumFractionDigits: places, maximumFractionDigits: places };
      writers.set(places, new Intl.NumberFormat("en-US", options));
    }
    return writers.get(places).format(value).replace("-", "−");
  }

  function signed(value, places) {
    const text = fixed(value, places);
    const isZero = Number(text.replace("−", "").replace(/,/g, "")) === 0;
    if (isMissing(value)) return MISSING;
    if (isZero) return text.replace("−", "");
    return value > 0 ? "+" + text : text;
  }

  // Three significant digits with K, M or B: 1.23B, 45.6M, 789K.
  function compact(value) {
    if (isMissing(value)) return MISSING;
    const units = [[1e12, "T"], [1e9, "B"], [1e6, "M"], [1e3, "K"]];
    // 999,600 rounds to four digits as K, so it is written in the next unit.
    const [size, unit] = units.find(([s]) => Math.abs(value) >= s * 0.9995) || [1, ""];
    const scaled = value / size;
    const places = Math.abs(scaled) >= 99.95 ? 0 : Math.abs(scaled) >= 9.995 ? 1 : 2;
    return fixed(scaled, places) + unit;
  }

  // Decimals of a number as it came, for an instrument whose tick is not known yet.
  function digits(value) {
    if (isMissing(value)) return 0;
    const text = value.toFixed(12).replace(/0+$/, "");
    return text.length - text.indexOf(".") - 1;
  }

  // A number as it came, for files: 0.0000001, -3.5; never an exponent.
  function plain(value) {
    const text = String(value);
    return text.includes("e-") ? value.toFixed(20).replace(/0+$/, "") : text;
  }

  // 0.4 -> "<2 s", 14 -> "14 s", 150 -> "2 m", 7300 -> "2 h". What is fresh stays one word: it would only flicker.
  function duration(seconds) {
    if (seconds < 2) return "<2 s";
    if (seconds < 120) return Math.floor(seconds) + " s";
    if (seconds < 7200) return Math.floor(seconds / 60) + " m";
    return Math.floor(seconds / 3600) + " h";
  }

  function age(seconds, level) {
    if (isMissing(seconds)) return MISSING;
    const text = duration(seconds);
    return level === "stale" ? "stale " + text : level === "aged" ? "◷ " + text : text;
  }

  function spread(value) {
    return value > 0 && value < 0.05 ? "<0.1" : fixed(value, 1);
  }

  function signal(name) {
    return isMissing(name) ? MISSING : SIGNALS[name] || name;
  }

  tickdeck.format = { MISSING, isMissing, fixed, signed, compact, digits, plain, duration, age, spread, signal };
})();
