// The clock of the bar and the zone of every time that is shown: UTC, or the reader's own; a change is told as
// `tickdeck:clock` on `document`.
(function () {
  "use strict";
  const tickdeck = (window.tickdeck = window.tickdeck || {});
  const KEY = "tickdeck-clock";
  const BUTTON = "clock";
  let local = tickdeck.choices.recall(KEY) === "local";

  function toggle() {
    local = !local;
    tickdeck.choices.remember(KEY, local ? "local" : null);
    document.dispatchEvent(new CustomEvent("tickdeck:clock", { detail: { local } }));
  }

  // Ms by which the chosen zone is ahead of UTC now. Times of another season are shown with the same: so no hour of a
  // day on which clocks are put back is there twice, and what the zone says holds for all that stands under it.
  function ahead() {
    return local ? -60000 * new Date().getTimezoneOffset() : 0;
  }

  // Epoch ms of the same clock face in UTC: bounds of autorange are numbers, which plotly takes as they are.
  function shifted(time) {
    return time + ahead();
  }

  // "2026-11-20 21:04:05.000", as a clock of the chosen zone shows it. So plotly, which knows no zones, is told of times;
  // a number it would take for one of the browser's.
  function wall(time) {
    return new Date(shifted(time)).toISOString().replace("T", " ").replace("Z", "");
  }

  // The time of what `wall` gave, or of a beginning of it that has the day, when the zone was so far ahead.
  function parse(text, wasAhead = ahead()) {
    const [date, clock = "00:00"] = text.split(" ");
    return Date.parse(`${date}T${clock}Z`) - wasAhead;
  }

  // "2026-11-20 21:04:05"
  function text(time) {
    return wall(time).slice(0, 19);
  }

  // {date, time} of epoch ms: "2026-11-20", "21:04:05".
  function parts(time) {
    const [date, clock] = text(time).split(" ");
    return { date, time: clock };
  }

  // "UTC" or "local", where there is no room for more.
  function word() {
    return local ? "local" : "UTC";
  }

  // "UTC" or "+01:00"
  function offset() {
    if (!local) return word();
    const minutes = Math.abs(ahead()) / 60000;
    const two = (number) => String(number).padStart(2, "0");
    return `${ahead() < 0 ? "−" : "+"}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
  }

  // "UTC" or "local +01:00"
  function zone() {
    return local ? `${word()} ${offset()}` : word();
  }

  document.addEventListener("click", (event) => {
    if (event.target instanceof Element && event.target.closest("#" + BUTTON)) toggle();
  });
  tickdeck.clock = { ahead, shifted, wall, parse, text, parts, word, offset, zone };
})();
