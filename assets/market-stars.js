// Starred rows, kept in this browser. A change is told as `tickdeck:stars` on `document`.
(function () {
  "use strict";
  const tickdeck = (window.tickdeck = window.tickdeck || {});
  const KEY = "tickdeck-stars";
  let stars = load();

  function load() {
    try {
      const held = JSON.parse(tickdeck.choices.recall(KEY) || "[]");
      return new Set(Array.isArray(held) ? held.filter((id) => typeof id === "string") : []);
    } catch {
      return new Set(); // somebody else wrote there
    }
  }

  // Whether any of these rows is starred; a pair has two.
  function has(ids) {
    return ids.some((id) => stars.has(id));
  }

  function toggle(ids) {
    const isOn = !has(ids);
    for (const id of ids) {
      if (isOn) stars.add(id);
      else stars.delete(id);
    }
    tickdeck.choices.remember(KEY, stars.size ? JSON.stringify([...stars]) : null);
    tell();
  }

  function tell() {
    document.dispatchEvent(new CustomEvent("tickdeck:stars"));
  }

  // Another tab changed them.
  window.addEventListener("storage", (event) => {
    if (event.key !== KEY) return;
    stars = load();
    tell();
  });
  tickdeck.stars = { has, toggle };
})();
