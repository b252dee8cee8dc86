// Whether the server still answers. A server that is lost is asked for a sign of life, ever less often, and the
// event `tickdeck:server-back` on `document` says that pages may ask again.
(function () {
  "use strict";
  const tickdeck = (window.tickdeck = window.tickdeck || {});
  const SILENT = 3; // times the cadence
  const FIRST_WAIT_MS = 1000;
  const MOST_WAIT_MS = 10000;
  const PATIENCE_MS = 4000;
  const CALLBACKS = "/_dash-update-component";
  let repliedAt = performance.now();
  let wait = FIRST_WAIT_MS;
  let tryAt = null; // when the next sign of life is asked for; null while none is missing
  let isLost = false;
  let isAsking = false;
  let isBroken = false; // a request failed: its reply will not come

  // A page got a reply.
  function replied() {
    repliedAt = performance.now();
    isBroken = false;
    tryAt = null;
    if (isLost) back();
  }

  function back() {
    if (isLost) repliedAt = performance.now();
    isLost = isBroken = false;
    tryAt = null;
    wait = FIRST_WAIT_MS;
    document.dispatchEvent(new CustomEvent("tickdeck:server-back"));
  }

  async function ask() {
    isAsking = true;
    try {
      const reply = await fetch("/healthz", { cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS) });
      if (!reply.ok) throw new Error(reply.statusText);
      // Otherwise it is only slow: the reply that is under way may still come.
      if (isLost || isBroken) back();
      else tryAt = performance.now() + MOST_WAIT_MS;
    } catch {
      isLost = true;
      wait = Math.min(MOST_WAIT_MS, tryAt === null ? FIRST_WAIT_MS : wait * 1.5);
      tryAt = performance.now() + wait;
    } finally {
      isAsking = false;
    }
  }

  function watch() {
    const now = performance.now();
    if (document.hidden || isAsking || (silence() < SILENT * tickdeck.settings.cadenceS() && !isBroken)) return;
    if (tryAt === null || now >= tryAt) ask();
  }

  // Dash tells nobody that a callback's request failed, so we listen to the requests themselves.
  const send = window.fetch.bind(window);
  window.fetch = (...request) => {
    const reply = send(...request);
    if (String(request[0]).includes(CALLBACKS)) reply.catch(() => (isBroken = true));
    return reply;
  };

  // Seconds since the server last answered; time spent hidden does not count, nothing was asked then.
  function silence() {
    return (performance.now() - repliedAt) / 1000;
  }

  // Seconds until it is asked again; 0 while it is being asked or when it is not lost.
  function retryIn() {
    return isAsking || tryAt === null ? 0 : Math.max(0, (tryAt - performance.now()) / 1000);
  }

  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) repliedAt = Math.max(repliedAt, performance.now());
  });
  window.setInterval(watch, 250);
  tickdeck.server = { replied, silence, retryIn, isLost: () => isLost };
})();
