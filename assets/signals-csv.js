// What the parts of the Signals page show, as CSV files; columns are named as in the API, times are epoch ms.
(function () {
  "use strict";
  const tickdeck = (window.tickdeck = window.tickdeck || {});
  const { format } = tickdeck;
  const { HORIZONS_S } = tickdeck.signalsColumns;
  const plainly = (names) => Object.fromEntries(names.split(" ").map((name) => [name, (row) => row[name]]));
  const SIGNALS = {
    ...plainly("id ts venue symbol interval rule side strength price spread_bps open_time inputs"),
    ...Object.fromEntries(
      HORIZONS_S.map((horizon_s, i) => [`net_bps_${horizon_s}`, (row) => row.outcomes[i] && row.outcomes[i][2]]),
    ),
  };
  const TRADES = plainly(
    "id venue symbol interval rule side entry_ts entry_price fee_bps exit_ts exit_price exit_reason gross_bps net_bps",
  );
  const OPEN = {
    ...plainly("id venue symbol interval rule side entry_ts entry_price fee_bps"),
    price_now: (row) => row.mark && row.mark[0],
    net_bps_now: (row) => row.mark && row.mark[1],
  };
  const EQUITY = {
    ...plainly("start end trades wins"),
    ...Object.fromEntries(
      ["gains", "losses", "fees", "net", "total"].map((name) => [`${name}_bps`, (row) => Number(row[name].toFixed(2))]),
    ),
  };

  function cell(value) {
    if (format.isMissing(value)) return "";
    const text =
      typeof value === "number" ? format.plain(value) : typeof value === "object" ? JSON.stringify(value) : String(value);
    return /[",\r\n]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
  }

  // A header row, then these rows. Columns: name -> what a row has there.
  function text(columns, rows) {
    const lines = [Object.keys(columns), ...rows.map((row) => Object.values(columns).map((of) => of(row)))];
    return lines.map((line) => line.map(cell).join(",") + "\r\n").join("");
  }

  // The scoreboard's columns are those that its rows came with.
  function scoreColumns(rows) {
    return plainly(Object.keys(rows[0] || { rule: 0, venue: 0, interval: 0, horizon_s: 0 }).join(" "));
  }

  function save(name, columns, rows) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text(columns, rows)], { type: "text/csv" }));
    link.download = `tickdeck-${name}.csv`;
    link.click();
    window.setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }

  tickdeck.signalsCsv = { SIGNALS, TRADES, OPEN, EQUITY, scoreColumns, text, save };
})();
