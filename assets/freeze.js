// Freezing: nothing on the page is painted, everything is received (WCAG 2.2.2). `f` or the button.
//
// A page asks `tickdeck.isFrozen()` before it paints, tells `tickdeck.freeze.received(n)` how many updates came,
// and paints its newest state at the event `tickdeck:freeze` on `document`, whose detail is {frozen}.
(function () {
  "use strict";
  const tickdeck = (window.tickdeck = window.tickdeck || {});
  const BUTTON = "freeze-toggle";
  let since = null; // when it was frozen, by the monotonic clock; null while it is not
  let waiting = 0;

  function isFrozen() {
    return since !== null;
  }

  function received(count) {
    if (isFrozen()) waiting += count;
  }

  function toggle() {
    since = isFrozen() ? null : performance.now();
    waiting = 0;
    document.documentElement.toggleAttribute("data-frozen", isFrozen());
    show();
    document.dispatchEvent(new CustomEvent("tickdeck:freeze", { detail: { frozen: isFrozen() } }));
  }

  function text() {
    if (!isFrozen()) return "Freeze";
    const seconds = Math.floor((performance.now() - since) / 1000);
    return `frozen ${seconds} s · ${waiting.toLocaleString("en-US")} updates waiting`;
  }

  function show() {
    const button = document.getElementById(BUTTON);
    if (!button) return;
    const words = text();
    if (button.textContent !== words) button.textContent = words;
    button.setAttribute("aria-pressed", String(isFrozen()));
    button.setAttribute("aria-label", isFrozen() ? "Frozen; go on" : "Freeze the page");
  }

  document.addEventListener("click", (event) => {
    if (event.target instanceof Element && event.target.closest("#" + BUTTON)) toggle();
  });
  tickdeck.keys.on("f", toggle);
  window.setInterval(show, 1000);
  tickdeck.isFrozen = isFrozen;
  tickdeck.freeze = { received, toggle };
})();
