// Draws the Symbol page's figures on their mounted graphs: not under a drag, not more often than they cost.
(function () {
  "use strict";
  const tickdeck = (window.tickdeck = window.tickdeck || {});
  const REST_MS = 500; // after a drag
  const COST_FACTOR = 4; // a redraw is followed by a pause of so many times its own length
  const states = new WeakMap(); // graph -> {busyUntil, restUntil, later, key, ahead}

  // The mounted plot of a dcc.Graph; null until plotly.js is loaded and it is there.
  function plotOf(id) {
    const plot = document.querySelector(`#${id} .js-plotly-plot`);
    return plot && plot._fullLayout && window.Plotly ? plot : null;
  }

  function stateOf(plot, onMoved) {
    if (!states.has(plot)) {
      const state = { busyUntil: 0, restUntil: 0, later: 0, key: null, ahead: 0 };
      states.set(plot, state);
      plot.on("plotly_relayouting", () => (state.busyUntil = performance.now() + REST_MS));
      plot.on("plotly_relayout", (change) => {
        if (!Object.keys(change).some((name) => name.startsWith("xaxis."))) return; // a resize, say
        state.busyUntil = 0;
        state.restUntil = 0;
        window.setTimeout(onMoved, 0);
      });
    }
    return states.get(plot);
  }

  // The x range that the user chose by zooming or panning, in epoch ms; null while the newest is followed.
  function chosenRange(plot, key) {
    const state = states.get(plot);
    const axis = plot.layout && plot.layout.xaxis;
    if (!state || state.key !== key || !axis || axis.autorange !== false) return null;
    return axis.range.map((text) => tickdeck.clock.parse(text, state.ahead));
  }

  // Said again each time: left to plotly, the second redraw after a drag would follow the newest again. The figure may
  // say another range than the plot has, or the same in another zone, and plotly holds that against the user's only
  // under a revision of its own.
  function keepRange(layout, range, shown) {
    const said = layout.xaxis.range || range.map(tickdeck.clock.wall);
    Object.assign(layout.xaxis, { range: said, autorange: false });
    const isAnother = said.some((text, i) => Date.parse(text) !== Date.parse(shown[i]));
    if (isAnother) layout.xaxis.uirevision = `${said.join()} ${performance.now()}`;
  }

  // Draw what `figureOf(range, width)` makes, unless it is not the moment; true if drawn. What comes during the rest
  // after a redraw is drawn at its end, `onRested`, and not only with the reply after it.
  function draw(id, key, { figureOf, onMoved, onRested, isUrgent }) {
    const plot = plotOf(id);
    if (!plot || plot.offsetWidth === 0) return false;
    const state = stateOf(plot, onMoved);
    const begun = performance.now();
    // Plotly says that it is dragged only when that moves; a redraw before would end the drag.
    if (plot._dragging || begun < state.busyUntil) return false;
    window.clearTimeout(state.later);
    if (!isUrgent && begun < state.restUntil) {
      state.later = window.setTimeout(onRested, state.restUntil - begun);
      return false;
    }
    const range = chosenRange(plot, key);
    const { data, layout } = figureOf(range, plot.offsetWidth);
    if (range) keepRange(layout, range, plot.layout.xaxis.range);
    Object.assign(state, { key, ahead: tickdeck.clock.ahead() });
    window.Plotly.react(plot, data, layout);
    state.restUntil = begun + COST_FACTOR * (performance.now() - begun);
    return true;
  }

  tickdeck.symbolCharts = { draw, plotOf, chosenRange };
})();
