// The newest view the server sent: parsed once per version, with the server's clock.
(function () {
  "use strict";
  const tickdeck = (window.tickdeck = window.tickdeck || {});
  const AGED = 3; // times the cadence
  const STALE = 10;
  const SET_BACK_MS = 5000;
  let view = null; // {version, interval, feeds, notices, rows}, with pairs where they were asked for
  let offset = null; // server's clock minus our monotonic one, ms
  let heardNewest = null; // time of the newest datum that a page of its own replies has

  // Take a reply {now, version, payload, past}; a payload comes only with a new version, what is past only where it
  // changed. Returns the view.
  function accept(reply) {
    if (reply && reply !== accept.last) {
      accept.last = reply;
      replied(reply.now);
      if (reply.past) tickdeck.marketPast.accept(reply.past);
      if (reply.payload && reply.version !== version()) {
        const { columns, ...rest } = JSON.parse(reply.payload);
        const next = toRows(columns);
        tickdeck.freeze.received(moved(next));
        view = { version: reply.version, rows: next, ...rest };
        heardNewest = null;
      }
    }
    return view;
  }

  function replied(now) {
    tickdeck.server.replied();
    tickdeck.gate.replied();
    learn(now - performance.now());
  }

  // Take what the reply of a page that asks for itself says to the shell; true if feeds or notices changed.
  function hear(now, { feeds, notices, newest }) {
    replied(now);
    tickdeck.freeze.received(1);
    heardNewest = newest;
    if (!view || JSON.stringify([view.feeds, view.notices]) === JSON.stringify([feeds, notices])) return false;
    view = { ...view, feeds, notices };
    return true;
  }

  // How many of these rows have something newer than the view.
  function moved(after) {
    const before = new Map(rows().map((row) => [row.id, row.recv_time]));
    return after.filter((row) => before.get(row.id) !== row.recv_time).length;
  }

  // A reply is only ever late, so the largest difference is the truest, unless the server's clock was set back.
  function learn(sample) {
    if (offset === null || sample > offset || sample < offset - SET_BACK_MS) offset = sample;
  }

  function toRows(columns) {
    const names = Object.keys(columns);
    return columns.symbol.map((symbol, i) => {
      const row = { id: columns.venue[i] + ":" + symbol };
      for (const name of names) row[name] = columns[name][i];
      return row;
    });
  }

  function version() {
    return view ? view.version : null;
  }

  // Time of the newest datum of any row, epoch ms; null before the first.
  function newest() {
    const received = view ? view.rows.map((row) => row.recv_time) : [];
    const times = [...received, heardNewest].filter((time) => time !== null);
    return times.length ? Math.max(...times) : null;
  }

  // Seconds since a time of the server's clock; null where there is none.
  function seconds(time, at = now()) {
    return time === null ? null : Math.max(0, (at - time) / 1000);
  }

  // How far an age of so many seconds is from what is expected.
  function level(age) {
    if (age === null) return "none";
    const cadences = age / tickdeck.settings.cadenceS();
    return cadences > STALE ? "stale" : cadences > AGED ? "aged" : "fresh";
  }

  // Epoch ms by the server's clock.
  function now() {
    return offset === null ? Date.now() : performance.now() + offset;
  }

  // The rows of the newest view, whatever page is shown.
  function rows() {
    return view ? view.rows : [];
  }

  tickdeck.live = { accept, hear, view: () => view, rows, version, now, newest, seconds, level };
})();
