// Small DOM that is made once and then kept: only what changed is written.
(function () {
  "use strict";
  const tickdeck = (window.tickdeck = window.tickdeck || {});
  const SVG = "http://www.w3.org/2000/svg";

  function make(tag, className, ...children) {
    const element = document.createElement(tag);
    if (className) element.className = className;
    element.append(...children);
    return element;
  }

  function makeSvg(tag, attributes, ...children) {
    const element = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children);
    return element;
  }

  function write(element, text, className) {
    if (element.textContent !== text) element.textContent = text;
    if (className !== undefined && element.className !== className) element.className = className;
  }

  // One child for each item, in their order: made by `make(item)`, filled by `fill(child, item)`, known by key.
  function each(container, items, { key, make: makeChild, fill }) {
    const held = new Map([...container.children].map((child) => [child.dataset.key, child]));
    items.forEach((item, i) => {
      const name = key(item);
      const child = held.get(name) || makeChild(item);
      held.delete(name);
      child.dataset.key = name;
      if (container.children[i] !== child) container.insertBefore(child, container.children[i] || null);
      fill(child, item);
    });
    held.forEach((child) => child.remove());
  }

  // So many children of a container, made at the first call and whenever the page was made anew.
  function rows(container, count, fill) {
    if (container.childElementCount !== count) {
      container.replaceChildren();
      for (let i = 0; i < count; i += 1) {
        const child = container.appendChild(make("div"));
        fill(child, i);
      }
    }
    return container.children;
  }

  tickdeck.dom = { make, makeSvg, write, each, rows };
})();
