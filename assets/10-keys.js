// Single keys that do something anywhere on a page, and moving to another page without loading anew.
(function () {
  "use strict";
  const tickdeck = (window.tickdeck = window.tickdeck || {});
  const FIELDS = "input, textarea, select, [contenteditable]";
  const actions = new Map();

  // Let a key run an action, except where keys are off, while somebody types or holds a modifier, and while a dialog
  // is open. Shift is part of some characters.
  function on(key, action) {
    actions.set(key, action);
  }

  // A field of a dialog that was just closed has the focus until the next frame.
  function isTyping(target) {
    const field = target instanceof Element ? target.closest(FIELDS) : null;
    return field !== null && field.closest("dialog:not([open])") === null;
  }

  document.addEventListener("keydown", (event) => {
    const held = event.ctrlKey || event.metaKey || event.altKey;
    if (held || event.repeat || event.isComposing || event.defaultPrevented || isTyping(event.target)) return;
    const action = actions.get(event.key);
    if (!action || tickdeck.settings.get("shortcuts") === "off" || document.querySelector("dialog[open]")) return;
    event.preventDefault(); // or the character would be typed into what the action opens
    action();
  });

  // Show another page, as a click on one of Dash's links does; with `replace` nothing to go back to is left.
  function go(path, { replace = false } = {}) {
    window.history[replace ? "replaceState" : "pushState"]({}, "", path);
    window.dispatchEvent(new CustomEvent("_dashprivate_pushstate"));
  }

  // What the browser keeps of the reader's choices; null where storage is forbidden.
  function recall(name) {
    try {
      return window.localStorage.getItem(name);
    } catch {
      return null;
    }
  }

  function remember(name, value) {
    try {
      if (value === null) window.localStorage.removeItem(name);
      else window.localStorage.setItem(name, value);
    } catch {
      return; // the choice holds until the page is left
    }
  }

  tickdeck.keys = { on };
  tickdeck.go = go;
  tickdeck.choices = { recall, remember };
})();
