// The clock of the bar and the zone of every time that is shown: UTC, or the reader's own; a change is told as
// `tickdeck:clock` on `document`.
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

  // Epoch ms of the same clock face in UTC: bounds of autorange are numbers, which plotly takes as they are.
  function shifted(time) {
    return time + offsetMinutes(time) * 60000;
  }

  // "2026-11-20 21:04:05.000", as clocks of the chosen zone show it. So plotly, which knows no zones, is told of times;
  // a number it would take for one of the browser's.
  function wall(time) {
    return new Date(shifted(time)).toISOString().replace("T", " ").replace("Z", "");
  }

  // The time of what `wall` gave, or of a beginning of it that has the day; `inLocal`: in which zone it was given.
  function parse(text, inLocal = local) {
    const whole = text.length > 10 ? text : `${text} 00:00`;
    return Date.parse(whole + (inLocal ? "" : "Z"));
  }

  // "2026-11-20 21:04:05"
  function text(time) {
    return wall(time).slice(0, 19);
  }

  // {date, time, zone} of epoch ms: "2026-11-20", "21:04:05", "UTC" or "local +01:00".
  function parts(time) {
    const [date, clock] = text(time).split(" ");
    return { date, time: clock, zone: zone(offsetMinutes(time)) };
  }

  // "UTC" or "local": beside times that may have different offsets.
  function word() {
    return local ? "local" : "UTC";
  }

  function zone(ahead) {
    if (!local) return word();
    const [hours, minutes] = [Math.floor(Math.abs(ahead) / 60), Math.abs(ahead) % 60];
    const two = (number) => String(number).padStart(2, "0");
    return `${word()} ${ahead < 0 ? "−" : "+"}${two(hours)}:${two(minutes)}`;
  }

  document.addEventListener("click", (event) => {
    if (event.target instanceof Element && event.target.closest("#" + BUTTON)) toggle();
  });
  tickdeck.clock = { isLocal, shifted, wall, parse, text, parts, word };
})();
