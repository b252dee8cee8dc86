// Prices of the ladder grouped by steps of so many ticks, as the reader chose.
(function () {
  "use strict";
  const tickdeck = (window.tickdeck = window.tickdeck || {});
  const KEY = "tickdeck-symbol-group";
  const MULTIPLES = [1, 2, 5, 10, 20, 50, 100];
  const EXACT = 1e-6; // of a step: prices and ticks are binary fractions
  const SELECT = "symbol-group";

  // [price, size, isCut] of each group, best first: bids under the group's lower bound, asks under its upper one. The
  // last group is cut where it may go on below the levels that are known.
  function grouped(levels, step, isBid) {
    if (!step) return levels;
    const found = [];
    let index = null;
    let exact = 0;
    for (const [price, size] of levels) {
      exact = price / step;
      const own = isBid ? Math.floor(exact + EXACT) : Math.ceil(exact - EXACT);
      if (own === index) found.at(-1)[1] += size;
      else found.push([own * step, size, false]);
      index = own;
    }
    if (found.length) found.at(-1)[2] = Math.abs(exact - index) > EXACT;
    return found;
  }

  function multiple() {
    const chosen = Number(tickdeck.choices.recall(KEY));
    return MULTIPLES.includes(chosen) ? chosen : 1;
  }

  // The step of the groups; null where each level is one, or where the tick is not known.
  function stepOf(tick) {
    return tick && multiple() > 1 ? tick * multiple() : null;
  }

  // The choices in prices, once the tick is known.
  function paint(tick, places) {
    const select = document.getElementById(SELECT);
    const key = `${tick}/${places.price}`;
    if (select.dataset.of !== key) {
      select.dataset.of = key;
      const words = (n) => (tick ? `${n}× ${tickdeck.format.fixed(tick * n, places.price)}` : `${n}×`);
      select.replaceChildren(...MULTIPLES.map((n) => new Option(words(n), String(n))));
      select.disabled = !tick;
    }
    if (select.value !== String(multiple())) select.value = String(multiple());
  }

  document.addEventListener("change", (event) => {
    if (!(event.target instanceof Element) || event.target.id !== SELECT) return;
    tickdeck.choices.remember(KEY, event.target.value);
    tickdeck.symbol.repaint();
  });
  tickdeck.symbolGroups = { grouped, stepOf, paint };
})();
