// Where pages stand.
(function () {
  "use strict";
  const tickdeck = (window.tickdeck = window.tickdeck || {});

  tickdeck.symbolPath = (venue, symbol) => `/s/${encodeURIComponent(venue)}/${encodeURIComponent(symbol)}`;
})();
