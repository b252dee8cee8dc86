// The drawer where the reader chooses, behind the button in the bar.
(function () {
  "use strict";
  const tickdeck = (window.tickdeck = window.tickdeck || {});
  const BUTTON = "settings-open";
  const PARTS = [
    ["palette", "Colours of up and down", { default: "Default", blueorange: "Blue and orange", classic: "Classic" }],
    ["swap", "Swap up and down", { off: "Off", on: "On: the colours change places" }],
    ["density", "Rows", { auto: "As the screen", compact: "Compact", comfortable: "Comfortable", touch: "Touch" }],
    ["refresh", "Refresh", { auto: "As the server", 1000: "1 s", 2000: "2 s", 5000: "5 s", 10000: "10 s" }],
    ["shortcuts", "Keys", { on: "On", off: "Off" }],
  ];
  let drawer = null;

  const make = (...given) => tickdeck.dom.make(...given);

  function option(name, value, words) {
    const radio = make("input");
    Object.assign(radio, { type: "radio", name: `setting-${name}`, value });
    radio.addEventListener("change", () => tickdeck.settings.set(name, value));
    const parts = [radio, make("span", "", words)];
    if (name === "palette") parts.push(sample(value));
    return make("label", "setting-option", ...parts);
  }

  // What the colours look like, with the shapes that say the same.
  function sample(palette) {
    const shown = make("span", "palette-sample num", make("span", "up", "▲ +1.24"), make("span", "down", "▼ −0.87"));
    shown.dataset.sample = palette;
    shown.setAttribute("aria-hidden", "true");
    return shown;
  }

  function part([name, head, words]) {
    const options = tickdeck.settings.CHOICES[name].map((value) => option(name, value, words[value]));
    const field = make("fieldset", `setting setting-${name}`, make("legend", "", head), ...options);
    return field;
  }

  function build() {
    const close = make("button", "icon-button", "✕");
    close.setAttribute("aria-label", "Close");
    close.addEventListener("click", () => drawer.close());
    const keys = make("button", "button", "Show the keys");
    keys.addEventListener("click", () => {
      drawer.close();
      tickdeck.help.open();
    });
    const title = make("h2", "", "Settings");
    title.id = "settings-title";
    drawer = make("dialog", "drawer", make("header", "", title, close), ...PARTS.map(part), keys);
    drawer.append(make("p", "drawer-note", "Kept in this browser. Theme, freeze and clock are in the bar."));
    drawer.setAttribute("aria-labelledby", title.id);
    drawer.addEventListener("click", (event) => event.target === drawer && drawer.close()); // beside it
    document.body.append(drawer);
  }

  function open() {
    if (!drawer) build();
    if (drawer.open) return;
    for (const radio of drawer.querySelectorAll("input")) {
      radio.checked = tickdeck.settings.get(radio.name.replace("setting-", "")) === radio.value;
    }
    drawer.showModal();
  }

  document.addEventListener("click", (event) => {
    if (event.target instanceof Element && event.target.closest("#" + BUTTON)) open();
  });
  tickdeck.drawer = { open };
})();
