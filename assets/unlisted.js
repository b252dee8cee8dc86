// What SYMBOLS asks for and a venue does not list by that name, in the words of the pages.
(function () {
  "use strict";
  const tickdeck = (window.tickdeck = window.tickdeck || {});

  // The sentence about an instrument; "" where its venue lists it, or nothing is known of that.
  function sentence(feeds, venue, symbol) {
    const feed = (feeds || []).find((one) => one.venue === venue);
    const listed = feed?.unlisted?.[symbol];
    if (listed === undefined) return "";
    const words = `${venue} does not trade ${symbol}, which SYMBOLS asks for`;
    return listed ? `${words}; it is collected as ${listed}` : words;
  }

  tickdeck.unlisted = { sentence };
})();
