// The other venue is one key away (v), as other candles are (help.js). The address keeps what else it says.
(function () {
  "use strict";
  const tickdeck = (window.tickdeck = window.tickdeck || {});

  // Follow a link of the Symbol page, for its interval or its venue alone.
  function follow(link) {
    if (!link) return;
    const target = new URL(link.href);
    const changes = Object.fromEntries(target.searchParams);
    tickdeck.go(tickdeck.symbolShown.address(changes, target.pathname));
  }

  function links(selector) {
    return document.querySelectorAll(`#symbol-page ${selector}`);
  }

  tickdeck.keys.on("v", () => follow(links(".twin")[0]));

  // Before Dash's link does it, which knows nothing of the rest of the address.
  document.addEventListener(
    "click",
    (event) => {
      const link = event.target instanceof Element && event.target.closest("#symbol-page .tf, #symbol-page .twin");
      if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
      event.preventDefault();
      event.stopPropagation();
      follow(link);
    },
    true,
  );
})();
