// The clock of the bar, in UTC or in the reader's own zone; a change is told as `tickdeck:clock` on `document`.
// Charts stay in UTC and say so.
(function () {
  "use strict";
  const tickdeck = (window.tickdeck = window.tickdeck || {});
  const KEY = "tickdeck-clock";
  const BUTTON = "clock";
  let local = tickdeck.choices.recall(KEY) === "local";

  function isLocal() {
    return local;
  }

  function toggle() {
    local = !local;
    tickdeck.choices.remember(KEY, local ? "local" : null);
    document.dispatchEvent(new CustomEvent("tickdeck:clock", { detail: { local } }));
  }

  // Minutes by which the chosen zone is ahead of UTC at this moment.
  function offsetMinutes(time) {
    return local ? -new Date(time).getTimezoneOffset() : 0;
  }

  // {date, time, zone} of epoch ms: "2026-11-20", "21:04:05", "UTC" or "local +01:00".
  function parts(time) {
    const ahead = offsetMinutes(time);
    const text = new Date(time + ahead * 60000).toISOString();
    return { date: text.slice(0, 10), time: text.slice(11, 19), zone: zone(ahead) };
  }

  function zone(ahead) {
    if (!local) return "UTC";
    const [hours, minutes] = [Math.floor(Math.abs(ahead) / 60), Math.abs(ahead) % 60];
    const two = (number) => String(number).padStart(2, "0");
    return `local ${ahead < 0 ? "−" : "+"}${two(hours)}:${two(minutes)}`;
  }

  document.addEventListener("click", (event) => {
    if (event.target instanceof Element && event.target.closest("#" + BUTTON)) toggle();
  });
  tickdeck.clock = { isLocal, offsetMinutes, parts };
})();
