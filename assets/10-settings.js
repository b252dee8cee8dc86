// The reader's settings, kept in this browser. A change is told as `tickdeck:settings` on `document`. Colours are
// set before the first paint by the page's inline script, from the same keys.
(function () {
  "use strict";
  const tickdeck = (window.tickdeck = window.tickdeck || {});
  const ROOT = document.documentElement;
  const INTERVAL = "refresh-interval";
  const ROWS = { compact: 28, comfortable: 34, touch: 44 };
  // Name -> what may be chosen; the first is what is without a choice, and is not kept.
  const CHOICES = {
    palette: ["default", "blueorange", "classic"],
    swap: ["off", "on"],
    density: ["auto", "compact", "comfortable", "touch"],
    refresh: ["auto", "1000", "2000", "5000", "10000"],
    shortcuts: ["on", "off"],
  };
  const coarse = window.matchMedia("(pointer: coarse)");

  function keyOf(name) {
    return `tickdeck-${name}`;
  }

  const chosen = Object.fromEntries(
    Object.entries(CHOICES).map(([name, allowed]) => {
      const kept = tickdeck.choices.recall(keyOf(name));
      return [name, allowed.includes(kept) ? kept : allowed[0]];
    }),
  );

  function get(name) {
    return chosen[name];
  }

  function set(name, value) {
    if (!CHOICES[name].includes(value) || chosen[name] === value) return;
    chosen[name] = value;
    tickdeck.choices.remember(keyOf(name), value === CHOICES[name][0] ? null : value);
    apply();
    document.dispatchEvent(new CustomEvent("tickdeck:settings", { detail: { name, value } }));
  }

  function apply() {
    const palette = [chosen.palette, chosen.swap === "on" ? "swap" : ""].join(" ").trim();
    if (ROOT.getAttribute("data-palette") !== palette) ROOT.setAttribute("data-palette", palette);
    ROOT.style.setProperty("--row", `${rowHeight()}px`);
    pace();
  }

  // Height of a table's rows, px.
  function rowHeight() {
    if (chosen.density !== "auto") return ROWS[chosen.density];
    return coarse.matches ? ROWS.touch : ROWS.compact;
  }

  function ownMs() {
    const shell = document.querySelector("[data-refresh]");
    return shell ? Number(shell.dataset.refresh) : 1000;
  }

  // How often the server is asked, ms: the reader's choice or the server's own.
  function refreshMs() {
    return chosen.refresh === "auto" ? ownMs() : Number(chosen.refresh);
  }

  // What is expected of live data, in seconds: every instrument says something about once a second, and nothing
  // comes more often than it is asked for.
  function cadenceS() {
    return Math.max(1, refreshMs() / 1000);
  }

  let paced = null;
  function pace() {
    const isThere = window.dash_clientside && window.dash_clientside.set_props && document.getElementById("clock");
    if (!isThere || (paced === null && chosen.refresh === "auto")) return;
    if (paced === refreshMs()) return;
    paced = refreshMs();
    window.dash_clientside.set_props(INTERVAL, { interval: paced });
  }

  apply();
  coarse.addEventListener("change", apply);
  const waiting = window.setInterval(() => {
    if (!document.getElementById("clock")) return;
    pace();
    window.clearInterval(waiting);
  }, 200);
  tickdeck.settings = { get, set, rowHeight, refreshMs, cadenceS, CHOICES };
})();
