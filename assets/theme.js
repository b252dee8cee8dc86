// Dark, light, or as the system has it. The first paint is set by the page's inline script; this keeps the choice.
(function () {
  "use strict";
  const tickdeck = (window.tickdeck = window.tickdeck || {});
  const KEY = "tickdeck-theme";
  const BUTTON = "theme-toggle";
  const ROOT = document.documentElement;
  const GLYPHS = { system: "◐", dark: "☾", light: "☀" };
  const preference = window.matchMedia("(prefers-color-scheme: light)");
  let chosen = tickdeck.choices.recall(KEY);

  function system() {
    return preference.matches ? "light" : "dark";
  }

  // system, dark or light
  function choice() {
    return chosen === "light" || chosen === "dark" ? chosen : "system";
  }

  function apply() {
    const theme = choice() === "system" ? system() : choice();
    if (ROOT.getAttribute("data-bs-theme") === theme) return;
    ROOT.setAttribute("data-bs-theme", theme);
    document.dispatchEvent(new CustomEvent("tickdeck:theme", { detail: { theme } }));
  }

  // The first click away from the system's theme must be seen, so it leads to the other one.
  function next() {
    const order = system() === "dark" ? ["system", "light", "dark"] : ["system", "dark", "light"];
    return order[(order.indexOf(choice()) + 1) % order.length];
  }

  // The button's glyph is the choice, its name says it in words.
  function toggle(clicks) {
    if (clicks) {
      chosen = next();
      tickdeck.choices.remember(KEY, chosen === "system" ? null : chosen);
      apply();
    }
    const words = `Theme: ${choice()}`;
    const button = document.getElementById(BUTTON);
    if (button) {
      button.setAttribute("aria-label", words);
      button.title = words;
    }
    return GLYPHS[choice()];
  }

  preference.addEventListener("change", apply);

  window.dash_clientside = Object.assign({}, window.dash_clientside, { theme: { toggle } });
})();
