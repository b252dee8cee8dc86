// Ladder and depth curve. The rows are made once; afterwards only what changed is written.
(function () {
  "use strict";
  const tickdeck = (window.tickdeck = window.tickdeck || {});
  const format = tickdeck.format;
  const ROWS = 12;
  const MOST_CHARACTERS = 7; // of a size: 930,800 has room beside a price of seven decimals on a phone
  const DEPTH_HEIGHT = 100;
  const DEPTH_WIDTH = 200;
  const { make, makeSvg, write } = tickdeck.dom;

  // Bids left, asks right, best on top; the bars are the sizes summed from the best level on. `step`: prices that lie
  // within one are one row; null for every level by itself.
  function ladder(container, book, places, step) {
    const [head, ...rows] = tickdeck.dom.rows(container, ROWS + 1, ladderRow);
    ["Sum", "Size", "Bid", "Ask", "Size", "Sum"].forEach((text, i) => write(head.children[i], text));
    const { grouped } = tickdeck.symbolGroups;
    const bids = summed(book ? grouped(book.bids, step, true) : []);
    const asks = summed(book ? grouped(book.asks, step, false) : []);
    const levels = [...bids, ...asks];
    const most = Math.max(...levels.map((level) => level.sum), 0) || 1;
    const sizeText = isLong(container, levels, places.size) ? sumText : format.fixed;
    rows.forEach((row, i) => {
      side(row, bids[i], [2, 1, 0], places, sizeText);
      side(row, asks[i], [3, 4, 5], places, sizeText);
      row.style.setProperty("--bid-bar", bids[i] ? `${(50 * bids[i].sum) / most}%` : "0%");
      row.style.setProperty("--ask-bar", asks[i] ? `${(50 * asks[i].sum) / most}%` : "0%");
    });
  }

  function ladderRow(row, i) {
    row.className = i ? "ladder-row" : "ladder-row ladder-head";
    ["sum", "size", "price bid", "price ask", "size", "sum"].forEach((name) => row.append(make("span", name)));
  }

  // The sum of what stands beside it, in the same digits while these are few.
  function sumText(sum, places) {
    return sum < 100 ? format.fixed(sum, places) : format.compact(sum);
  }

  // Whether a size has no room in all of its digits: then all are written as sums are. They stay so until the largest
  // is a digit shorter, or a size that comes and goes would rewrite the ladder each time.
  function isLong(container, levels, places) {
    const longest = format.fixed(Math.max(...levels.map((level) => level.size), 0), places).length;
    const was = container.dataset.sizes === "short";
    const is = longest > (was ? MOST_CHARACTERS - 1 : MOST_CHARACTERS);
    container.dataset.sizes = is ? "short" : "whole";
    return is;
  }

  // What is cut may be more, and so may what it is a part of.
  function side(row, level, [price, size, sum], places, sizeText) {
    const least = level && level.isCut ? "≥" : "";
    const texts = level
      ? [
          format.fixed(level.price, places.price),
          least + sizeText(level.size, places.size),
          least + sumText(level.sum, places.size),
        ]
      : ["", "", ""];
    [price, size, sum].forEach((place, i) => write(row.children[place], texts[i]));
  }

  function summed(levels, count = ROWS) {
    let sum = 0;
    return levels.slice(0, count).map(([price, size, isCut]) => ({ price, size, isCut, sum: (sum += size) }));
  }

  // Sizes summed outward from the middle, as two stepped areas over the price.
  function depth(container, book, places) {
    if (!container.firstElementChild) depthFrame(container);
    const [svg, labels] = container.children;
    const bids = summed(book ? book.bids : [], Infinity);
    const asks = summed(book ? book.asks : [], Infinity);
    const both = bids.length && asks.length;
    const middle = both ? (bids[0].price + asks[0].price) / 2 : 0;
    const reach = both ? Math.max(middle - bids.at(-1).price, asks.at(-1).price - middle) || 1 : 1;
    const most = Math.max(...[...bids, ...asks].map((level) => level.sum), 0) || 1;
    const place = (price) => (DEPTH_WIDTH / 2) * (1 + (price - middle) / reach);
    const [bidArea, askArea] = svg.children;
    bidArea.setAttribute("d", both ? area(bids, place, most) : "");
    askArea.setAttribute("d", both ? area(asks, place, most) : "");
    const ends = [middle - reach, middle, middle + reach];
    const digits = [places.price, places.price + 1, places.price]; // the middle may lie between two ticks
    ends.forEach((price, i) => write(labels.children[i], both ? format.fixed(price, digits[i]) : format.MISSING));
    write(container.children[2], both ? `max ${format.compact(most)}` : "");
  }

  function depthFrame(container) {
    const label = "Depth: sizes summed from the best price outward, bids left, asks right";
    const svg = makeSvg(
      "svg",
      { viewBox: `0 0 ${DEPTH_WIDTH} ${DEPTH_HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": label },
      makeSvg("path", { class: "depth-bid" }),
      makeSvg("path", { class: "depth-ask" }),
    );
    const labels = make("div", "depth-labels", make("span"), make("span"), make("span"));
    container.append(svg, labels, make("span", "depth-most"));
  }

  function area(levels, place, most) {
    const height = (level) => DEPTH_HEIGHT * (1 - (0.92 * level.sum) / most);
    const start = place(levels[0].price);
    let path = `M${start} ${DEPTH_HEIGHT}`;
    for (const level of levels) path += `H${place(level.price)}V${height(level)}`;
    const edge = levels[0].price < levels.at(-1).price ? DEPTH_WIDTH : 0;
    return `${path}H${edge}V${DEPTH_HEIGHT}Z`;
  }

  tickdeck.symbolBook = { ladder, depth, summed, sumText };
})();
