// What keys do: `?` tells it, and `1` to `6` and `t`, which belong to no part of their own, do it.
(function () {
  "use strict";
  const tickdeck = (window.tickdeck = window.tickdeck || {});
  const INTERVALS = '[aria-label="Candle interval"] .tf';
  const KEYS = [
    ["/", "find an instrument"],
    ["1 – 6", "interval of candles and indicators"],
    ["v", "on a market's page: the same coin on the other venue"],
    ["f", "freeze the page, and go on"],
    ["t", "theme: system, dark, light"],
    ["?", "this list"],
    ["← ↑ ↓ →", "move in a table"],
    ["Enter", "open the row's market"],
    ["Space", "on a star: set it, and take it away"],
    ["Esc", "close what is open"],
  ];
  let dialog = null;

  function build() {
    const { make } = tickdeck.dom;
    const rows = KEYS.map(([key, words]) => make("div", "", make("dt", "", make("kbd", "", key)), make("dd", "", words)));
    const close = make("button", "icon-button", "✕");
    close.setAttribute("aria-label", "Close");
    close.addEventListener("click", () => dialog.close());
    const title = make("h2", "", "Keys");
    title.id = "help-title";
    const note = make("p", "drawer-note", "Not where text is typed. They can be switched off in the settings.");
    dialog = make("dialog", "help", make("header", "", title, close), make("dl", "help-keys", ...rows), note);
    dialog.setAttribute("aria-labelledby", title.id);
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
    document.body.append(dialog);
  }

  function open() {
    if (!dialog) build();
    if (!dialog.open) dialog.showModal();
  }

  // What the layout has not brought yet cannot be pressed.
  function press(button) {
    if (button) button.click();
  }

  function chooseInterval(place) {
    press(document.querySelectorAll(INTERVALS)[place]);
  }

  tickdeck.keys.on("?", open);
  tickdeck.keys.on("t", () => press(document.getElementById("theme-toggle")));
  for (let place = 0; place < 6; place += 1) tickdeck.keys.on(String(place + 1), () => chooseInterval(place));
  tickdeck.help = { open };
})();
