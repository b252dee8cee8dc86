// The Market page: what it asks, what it shows, and when it draws.
(function () {
  "use strict";
  const tickdeck = (window.tickdeck = window.tickdeck || {});
  const { format, marketAddress, marketControls, marketPast } = tickdeck;
  const OF_INTERVAL = ["rsi", "stoch_rsi_k", "stoch_rsi_d", "signal", "score", "reason"];
  const { Table } = tickdeck.marketTable;
  let sides = ""; // the venues in the heads of the coins
  let turned = null; // the address as it was shown last, and the page it was shown on
  const counted = new WeakMap(); // view -> its counts

  const sorted = (order) => marketAddress.go({ sort: order || "" }, { replace: true });
  const rows = new Table("market-grid", { derived: ofRow, open: openSymbol, sorted });
  const coins = new Table("market-pairs", { derived: ofPair, open: openSide, sorted });

  const tableOf = (asked) => (asked.view === "venues" ? coins : rows);

  function openSymbol(row) {
    tickdeck.go(row.href);
  }

  // The price of a coin on its second venue leads there, everything else to the first.
  function openSide(row, column) {
    tickdeck.go(column.getColId().endsWith("_b") ? row.href_b : row.href_a);
  }

  // What the row itself does not say: which way the price went, how many decimals, where it leads.
  function ofRow(row, before) {
    const was = before ? before.last_price : null;
    const step = format.isMissing(was) ? 0 : Math.sign(row.last_price - was);
    const learned = Math.max(format.digits(row.last_price), before ? before.places : 0);
    return {
      direction: step || (before ? before.direction : 0),
      places: format.isMissing(row.places) ? learned : row.places,
      href: tickdeck.symbolPath(row.venue, row.symbol),
      words: `${row.symbol} ${row.venue}`.toUpperCase(),
    };
  }

  function ofPair(row) {
    return { words: `${row.base} ${row.names}`.toUpperCase() };
  }

  // A view of another interval than the address names: its indicators are not those of the heads.
  function rowsOf(view, asked) {
    const nothing = Object.fromEntries(OF_INTERVAL.map((name) => [name, null]));
    const unfit = view.interval === asked.interval ? {} : nothing;
    return view.rows.map((row) => {
      const unlisted = tickdeck.unlisted.sentence(view.feeds, row.venue, row.symbol);
      return { ...row, ...unfit, ids: [row.id], interval: asked.interval, unlisted };
    });
  }

  function pairsOf(view) {
    const { a, b, ...columns } = view.pairs;
    return a.map(([venueA, symbolA], i) => {
      const [venueB, symbolB] = b[i];
      const ids = [`${venueA}:${symbolA}`, `${venueB}:${symbolB}`];
      const row = { id: ids.join("+"), ids, names: `${symbolA} on ${venueA}, ${symbolB} on ${venueB}` };
      for (const [name, values] of Object.entries(columns)) row[name] = values[i];
      return { ...row, href_a: tickdeck.symbolPath(venueA, symbolA), href_b: tickdeck.symbolPath(venueB, symbolB) };
    });
  }

  // What the server is asked beside the version; nothing in particular while another page is shown.
  function question() {
    if (!marketAddress.page()) return { held: marketPast.held() };
    const { interval, view } = marketAddress.read();
    return { interval, pairs: view === "venues", held: marketPast.held() };
  }

  function draw(reply) {
    const no_update = window.dash_clientside.no_update;
    const view = tickdeck.live.accept(reply);
    if (!view || !marketAddress.page()) return no_update;
    const asked = marketAddress.read();
    turn(asked);
    paint(view, asked);
    return view.version;
  }

  async function paint(view, asked) {
    const passes = marketControls.passer(asked);
    const isCoins = asked.view === "venues";
    if (isCoins && !view.pairs) return; // they come with the next reply
    const found = isCoins ? pairsOf(view) : rowsOf(view, asked);
    const isFit = isCoins || view.interval === asked.interval;
    const name = `${asked.interval} ${view.interval}`;
    const version = `${view.version} ${asked.interval}`;
    if (isCoins && sides !== `${venueOf("a")} ${venueOf("b")}`) {
      sides = `${venueOf("a")} ${venueOf("b")}`;
      coins.refreshHeads();
    }
    if (!tickdeck.isFrozen()) (isCoins ? rows : coins).forget();
    await tableOf(asked).paint(found, { asked: name, version, view, isFit, order: asked.sort, passes });
    count();
  }

  // Counts are of what is shown. Frozen, those of a view stand still.
  function count() {
    if (!turned || turned.page !== marketAddress.page()) return;
    const { asked } = turned;
    const { view } = tableOf(asked);
    const shown = tableOf(asked).count();
    if (shown === null) return;
    if (!tickdeck.isFrozen() || !counted.has(view)) counted.set(view, marketControls.countsOf(view.rows));
    const all = asked.view === "venues" ? `${view.pairs.base.length} coins` : `${view.rows.length} rows`;
    marketControls.count(counted.get(view), view.interval, `${shown} of ${all}`);
  }

  // Show what the address says, at once; numbers that it asks for come with the reply.
  function turn(asked) {
    const key = JSON.stringify(asked);
    if (turned && turned.key === key && turned.page === marketAddress.page()) return;
    const isNew = !turned || turned.page !== marketAddress.page();
    const hasOtherInterval = !turned || turned.asked.interval !== asked.interval;
    turned = { key, asked, page: marketAddress.page() };
    marketControls.show(asked);
    if (isNew) return;
    tableOf(asked).sort(asked.sort);
    tableOf(asked).filter(marketControls.passer(asked));
    if (hasOtherInterval) rows.refreshHeads();
  }

  // The venue that stands on a side of the coins, "a" or "b"; they change where live data takes over from simulated.
  function venueOf(side) {
    const view = tickdeck.live.view();
    return view && view.pairs && view.pairs[side].length ? view.pairs[side][0][0] : null;
  }

  // The interval in the heads.
  function interval() {
    return marketAddress.page() ? marketAddress.read().interval : "";
  }

  function everySecond() {
    if (!marketAddress.page() || document.hidden || tickdeck.isFrozen()) return;
    rows.everySecond();
    coins.everySecond();
    count();
  }

  document.addEventListener("tickdeck:past", () => rows.refresh(["spark", "signal"]));
  document.addEventListener("tickdeck:stars", () => {
    for (const table of [rows, coins]) table.refresh(["star"]);
    if (!marketAddress.page()) return;
    const asked = marketAddress.read();
    if (!asked.starred) return;
    tableOf(asked).filter(marketControls.passer(asked));
    count();
  });
  document.addEventListener("tickdeck:settings", () => [rows, coins].forEach((table) => table.resize()));
  window.setInterval(everySecond, 1000);
  window.dash_clientside = Object.assign({}, window.dash_clientside, { market: { draw } });
  tickdeck.market = { question, interval, venueOf };
})();
