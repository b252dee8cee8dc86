// How old what is painted is: from the venue's clock to the pixels of this browser, for each value as it is painted.
(function () {
  "use strict";
  const tickdeck = (window.tickdeck = window.tickdeck || {});
  const MOST = 6000; // a minute of a hundred rows, an hour and a half of one symbol
  const lags = []; // ms, a ring
  let next = 0;
  let isResumed = false;

  // These values are in the document now; `times` are those of the venue, epoch ms. They count when the browser has
  // painted. What waited for the reader, while the page was hidden or frozen, does not.
  function painted(times) {
    if (isResumed || document.hidden || !times.length) {
      isResumed = isResumed && !times.length;
      return;
    }
    // The frame's own callback comes before it is painted, what that puts off comes after.
    window.requestAnimationFrame(() => window.setTimeout(() => count(times)));
  }

  function count(times) {
    const now = tickdeck.live.now();
    for (const time of times) {
      lags[next] = now - time;
      next = (next + 1) % MOST;
    }
  }

  // {count, p50, p99} of the newest values, ms; the percentiles are null before the first.
  function figures() {
    const sorted = Float64Array.from(lags).sort();
    const share = (part) => (sorted.length ? sorted[Math.ceil(part * sorted.length) - 1] : null);
    return { count: sorted.length, p50: share(0.5), p99: share(0.99) };
  }

  function begin() {
    lags.length = next = 0;
  }

  const resume = () => (isResumed = true);
  document.addEventListener("visibilitychange", resume);
  document.addEventListener("tickdeck:freeze", resume);
  document.addEventListener("tickdeck:settings", (event) => event.detail.name === "refresh" && begin());
  tickdeck.freshness = { painted, figures, begin };
})();
