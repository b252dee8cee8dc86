// What Postgres gives to the Market page, in parts that come only when they changed: a day of each price, and since
// when signals hold. A change is told as `tickdeck:past` on `document`.
(function () {
  "use strict";
  const tickdeck = (window.tickdeck = window.tickdeck || {});
  const MINUTE_MS = 60000;
  const LENGTHS = { "1m": 1, "5m": 5, "15m": 15, "1h": 60, "4h": 240, "1d": 1440 }; // in minutes
  const LOWEST = "0".charCodeAt(0);
  const TOP = 43; // the highest of 44 levels
  const parts = {}; // name -> {version, content}
  const paths = new Map(); // a line's heights -> its path

  function accept(text) {
    Object.assign(parts, JSON.parse(text));
    paths.clear();
    document.dispatchEvent(new CustomEvent("tickdeck:past"));
  }

  function held() {
    return Object.fromEntries(Object.entries(parts).map(([name, part]) => [name, part.version]));
  }

  // [heights, lowest, highest] of a row's last day; null where nothing is known.
  function spark(id) {
    return (parts.sparks && parts.sparks.content.lines[id]) || null;
  }

  // A line's heights as an SVG path in a box of (its length - 1) by 43. Where nothing is known the line has a hole.
  function path(heights) {
    if (!paths.has(heights)) {
      let isDown = false; // whether the pen is on the paper
      const steps = [...heights].map((height, x) => {
        if (height === " ") {
          isDown = false;
          return "";
        }
        const place = `${x} ${TOP + LOWEST - height.charCodeAt(0)}`;
        const step = isDown ? `L${place}` : `M${place}h0`;
        isDown = true;
        return step;
      });
      paths.set(heights, steps.join(""));
    }
    return paths.get(heights);
  }

  // Since when a row's signal holds, epoch ms; null where that is not known. A signal changes only when a candle
  // closes: one that is another than it was when Postgres was read came with the newest close.
  function since(row, interval) {
    const content = parts.runs && parts.runs.content;
    const run = content && content.interval === interval && content.since[row.id];
    if (!run) return null;
    const length = LENGTHS[interval] * MINUTE_MS;
    return run[0] === row.signal ? run[1] : Math.floor(row.at / length) * length;
  }

  tickdeck.marketPast = { accept, held, spark, path, since };
})();
