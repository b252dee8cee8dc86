// What the Status page says of the parts in one word each, and of Redis and Postgres in numbers.
(function () {
  "use strict";
  const tickdeck = (window.tickdeck = window.tickdeck || {});
  const { dom, format, readings: words } = tickdeck;
  const FULL = 0.9; // of what a store may use
  const ACTED = "Guard last acted"; // a sentence

  function drawParts(container, parts) {
    dom.each(container, parts, {
      key: (part) => part.name,
      make: (part) => {
        const made = dom.make("div", "", dom.make("span", "shape"), dom.make("b", "", part.name), dom.make("span", "word"), dom.make("small", ""));
        made.setAttribute("role", "listitem");
        return made;
      },
      fill: (made, part) => {
        made.className = `part level-${part.level}`;
        const [shape, , word, detail] = made.children;
        dom.write(shape, words.SHAPES[part.level]);
        dom.write(word, part.word);
        dom.write(detail, partDetail(part));
        made.title = partDetail(part);
      },
    });
  }

  function partDetail({ detail, since }) {
    return format.isMissing(since) ? detail : `${detail} ${words.since(since)} ago`.trim();
  }

  function draw(container, redis, history) {
    const stores = [
      { name: "Redis", facts: redisFacts(redis) },
      { name: "Postgres", facts: postgresFacts(history) },
    ];
    dom.each(container, stores, {
      key: (store) => store.name,
      make: (store) => dom.make("article", "store", dom.make("h3", "", store.name), dom.make("dl", "store-facts")),
      fill: (made, store) =>
        dom.each(made.children[1], store.facts, { key: ([name]) => name, make: makeFact, fill: fillFact }),
    });
  }

  function makeFact([name]) {
    return dom.make("div", name === ACTED ? "is-long" : "", dom.make("dt", "", name), dom.make("dd", "", dom.make("span", ""), dom.make("i", "meter")));
  }

  // [name, text, share of what is allowed or null]
  function fillFact(made, [, text, share]) {
    const [said, meter] = made.children[1].children;
    dom.write(said, text);
    meter.hidden = format.isMissing(share);
    if (meter.hidden) return;
    meter.className = share > FULL ? "meter meter-full" : "meter";
    meter.style.setProperty("--share", `${Math.min(100, 100 * share)}%`);
  }

  function used(value, limit) {
    if (!limit || format.isMissing(value)) return [words.bytes(value), null];
    return [`${words.bytes(value)} of ${words.bytes(limit)}`, value / limit];
  }

  function redisFacts(redis) {
    const found = redis || {};
    return [
      ["Memory", ...used(found.used_bytes, found.max_bytes)],
      ["Connections", words.whole(found.clients)],
      ["Version", found.version || format.MISSING],
    ];
  }

  function postgresFacts({ database, limits }) {
    const { sizes, oldest_tick: oldest, shortened, schema, server } = database || {};
    const found = sizes || {};
    const max = limits.history_max_mb * 1e6;
    // Postgres counts rows only now and then: 0 is "not yet".
    const rows = (bytes, count) => [bytes, count ? `about ${format.compact(count)} rows` : ""].filter(Boolean).join(", ") || format.MISSING;
    return [
      ["Size", ...used(found.database_bytes, max)],
      ["Ticks", rows(words.bytes(found.tick_bytes), found.tick_rows)],
      ["Candles", rows("", found.kline_rows)],
      ["Oldest tick", format.isMissing(oldest) ? format.MISSING : `${words.moment(oldest)} ${tickdeck.clock.zone()}, ${words.since(oldest)} ago`],
      ["Ticks are kept", limits.retention_days ? `${limits.retention_days} days` : "for ever"],
      ["Guard", max ? `the oldest ticks go at ${words.bytes(max)}` : "off: HISTORY_MAX_MB is 0"],
      ["Spool", `at most ${words.bytes(limits.spool_max_mb * 1e6)} a worker`],
      ["Schema", schema || format.MISSING],
      ["Version", server || format.MISSING],
      [ACTED, shortened ? `${words.moment(shortened.time)} ${tickdeck.clock.zone()}: ${shortened.detail}` : "never that is known"],
    ];
  }

  tickdeck.statusStores = { drawParts, draw };
})();
