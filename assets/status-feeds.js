// The feeds of the Status page: state, delays and faults of each venue, and 24 hours of each of its streams.
(function () {
  "use strict";
  const tickdeck = (window.tickdeck = window.tickdeck || {});
  const { dom, format, readings: words } = tickdeck;
  const HEIGHT = 12;
  // Height and class of a cell: what is not repaired stands highest.
  const LEVELS = { yes: [4, "repaired"], partly: [8, "partly"], no: [12, "lost"], open: [12, "open"], event: [6, "event"] };
  const REPAIRED = { yes: "repaired", partly: "partly repaired", no: "not repaired", open: "lasts" };
  const QUARTERS_OF_DAY = 4;

  const FACTS = [
    ["Messages /s", "Over the last ten seconds", (feed) => format.fixed(feed.message_rate, 1)],
    ["Last message", "Time since the last market datum came in", (feed) => words.age(feed.last_message_time)],
    ["Lag ms", "From the venue's time to ours: p50 · p99", (f) => words.delays(f.lag_p50_ms, f.lag_p99_ms)],
    ["→ Redis ms", "From reception until books were in Redis: p50 · p99", (f) =>
      words.delays(f.lag_redis_p50_ms, f.lag_redis_p99_ms)],
    ["→ Postgres ms", "From reception until ticks were committed: p50 · p99", (f) =>
      words.delays(f.lag_postgres_p50_ms, f.lag_postgres_p99_ms)],
    ["Sequence gaps", "Missing updates that a sequence showed, since the start; below is all of the ledger", (feed) =>
      words.whole(feed.gaps)],
    ["Resyncs", "Books that were begun anew, since the start", (feed) => words.whole(feed.resyncs)],
    ["Reconnects", "Connections that were opened again, since the start", (feed) => words.whole(feed.reconnects)],
    ["Lasting gaps", "Gaps of the ledger that last", (feed) => words.whole(feed.open_gaps)],
    ["Silent topics", "Topics that are dead for sure", (feed) => words.whole(feed.silent_topics)],
    ["Book audits", "Books compared with the venue's own by REST, and those that differed", auditText],
    ["Clock skew ms", "How far the venue's clock is ahead of ours", (feed) => format.signed(feed.clock_skew_ms, 0)],
  ];

  function auditText(feed) {
    return format.isMissing(feed.audits) ? format.MISSING : `${words.whole(feed.audits)} · ${words.whole(feed.audit_mismatches)}`;
  }

  // `strips` is null before Postgres told.
  function draw(container, feeds, strips) {
    dom.each(container, feeds, { key: (feed) => feed.venue, make, fill: (card, feed) => fill(card, feed, strips) });
  }

  function make(feed) {
    const facts = FACTS.map(([name, title]) => {
      const fact = dom.make("div", "fact", dom.make("dt", "", name), dom.make("dd", ""));
      fact.title = title;
      return fact;
    });
    const head = dom.make("h3", "feed-head", dom.make("b", "", feed.venue), dom.make("span", "state"));
    head.append(dom.make("span", "reason"), dom.make("span", "unlisted"));
    return dom.make("article", "feed-card", head, dom.make("dl", "facts", ...facts), dom.make("div", "lanes"));
  }

  function fill(card, feed, strips) {
    const [head, facts, lanes] = card.children;
    const level = words.LEVELS[feed.state] || "unknown";
    dom.write(head.children[1], `${words.SHAPES[level]} ${feed.state || "not known"}`, `state level-${level}`);
    dom.write(head.children[2], feed.reason || "");
    dom.write(head.children[3], feed.unlisted ? `not traded: ${feed.unlisted}` : "");
    fillFacts(facts, feed);
    const found = strips ? strips.lanes[feed.venue] || [] : [];
    dom.each(lanes, found, { key: (lane) => lane.name, make: makeLane, fill: (row, lane) => fillLane(row, lane, strips) });
    fillAxis(lanes, found.length ? strips : null);
  }

  function fillFacts(facts, feed) {
    FACTS.forEach(([name, , text], i) => {
      const isAge = name === "Last message";
      dom.write(facts.children[i].children[1], text(feed), isAge ? `age-${words.ageLevel(feed.last_message_time)}` : "");
    });
  }

  function makeLane(lane) {
    const strip = dom.makeSvg("svg", { class: "strip", preserveAspectRatio: "none", role: "img" });
    return dom.make("div", "lane", dom.make("span", "lane-name", lane.name), strip, dom.make("span", "lane-words"));
  }

  function fillLane(row, lane, strips) {
    const [, strip, said] = row.children;
    const text = lane.events ? eventsText(lane.events) : gapsText(lane);
    dom.write(said, text);
    said.title = text;
    const drawn = JSON.stringify([lane.cells, strips.start, tickdeck.clock.ahead()]);
    if (strip.dataset.drawn === drawn) return;
    strip.dataset.drawn = drawn;
    strip.setAttribute("viewBox", `0 0 ${strips.length} ${HEIGHT}`);
    strip.setAttribute("aria-label", `${lane.name}, last 24 hours: ${text}`);
    strip.replaceChildren(...lane.cells.map((cell) => cellOf(lane, cell, strips)));
  }

  function cellOf(lane, [at, level, number, said], strips) {
    const [height, name] = LEVELS[level];
    const bar = dom.makeSvg("rect", { x: at + 0.08, y: HEIGHT - height, width: 0.84, height, class: `cell cell-${name}` });
    const title = dom.makeSvg("title", {});
    const from = strips.start + at * strips.step_ms;
    const times = `${words.moment(from)} – ${words.moment(from + strips.step_ms)} ${tickdeck.clock.zone()}`;
    const what = lane.events ? said : `${words.count(number, "instrument")} · ${said} · ${REPAIRED[level]}`;
    title.textContent = `${times} · ${what}`;
    bar.append(title);
    return bar;
  }

  function gapsText(lane) {
    if (!lane.gaps) return "no gap";
    const parts = [words.count(lane.gaps, "gap"), `${words.whole(lane.whole)} repaired`];
    if (lane.open) parts.push(`${words.whole(lane.open)} lasting`);
    return parts.join(", ");
  }

  function eventsText(events) {
    const told = Object.entries(events).sort(([, a], [, b]) => b - a);
    return told.length ? told.map(([name, times]) => `${words.whole(times)} × ${name}`).join(", ") : "nothing happened";
  }

  // The hours under the strips, where the last lane ends.
  function fillAxis(lanes, strips) {
    let axis = lanes.nextElementSibling;
    if (!axis) {
      axis = dom.make("div", "lane lane-axis", dom.make("span", ""), dom.make("div", "hours"), dom.make("span", ""));
      for (let i = 0; i <= QUARTERS_OF_DAY; i += 1) axis.children[1].append(dom.make("span", ""));
      lanes.after(axis);
    }
    axis.hidden = !strips;
    if (!strips) return;
    const length = strips.length * strips.step_ms;
    [...axis.children[1].children].forEach((label, i) => {
      const time = strips.start + (length * i) / QUARTERS_OF_DAY;
      dom.write(label, i === QUARTERS_OF_DAY ? "now" : tickdeck.clock.parts(time).time.slice(0, 5));
    });
    dom.write(axis.children[2], tickdeck.clock.zone());
  }

  tickdeck.statusFeeds = { draw };
})();
