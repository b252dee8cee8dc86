// The bar and the lines below it: feeds, notices, clock, age, and whether the server still answers.
(function () {
  "use strict";
  const tickdeck = (window.tickdeck = window.tickdeck || {});
  const SILENT = 5; // times the cadence
  let drawn = null;
  let notices = null; // until the first view those stay that came with the page
  let shown = {};

  // A Dash component, as a callback's output.
  function element(type, props) {
    return { namespace: "dash_html_components", type, props };
  }

  function draw(reply) {
    const view = tickdeck.live.accept(reply);
    const no_update = window.dash_clientside.no_update;
    if (!view) return no_update;
    notices = view.notices;
    writeNotices();
    const words = JSON.stringify(view.feeds);
    if (words === drawn) return no_update;
    drawn = words;
    return view.feeds.map(badge);
  }

  function badge(feed) {
    return element("Span", {
      children: [element("B", { children: feed.venue }), " " + (feed.state || "–")],
      className: "feed feed-" + (feed.state || "unknown"),
      title: feed.reason || "",
    });
  }

  function noticeText(found) {
    if (!found.since) return found.text;
    const age = Math.floor(tickdeck.live.seconds(found.since));
    return `${found.text} · data ${tickdeck.format.duration(age)} old`;
  }

  function writeNotices() {
    if (!notices) return;
    const children = notices.map((found) =>
      element("Div", { children: noticeText(found), className: "notice notice-" + found.kind }),
    );
    write("notices", children, "notices");
  }

  // Change a component only when its text does: each set_props runs through Dash's store.
  function write(id, children, className) {
    const key = JSON.stringify(children) + "|" + className;
    if (shown[id] === key || !document.getElementById(id)) return;
    shown[id] = key;
    window.dash_clientside.set_props(id, { children, className });
  }

  function clockText() {
    const { date, time } = tickdeck.clock.parts(tickdeck.live.now());
    const zone = tickdeck.clock.zone();
    return [element("Span", { children: date + " ", className: "clock-date" }), `${time} ${zone}`];
  }

  function connectionText() {
    const silent = Math.floor(tickdeck.server.silence());
    if (document.hidden || (silent < SILENT * tickdeck.settings.cadenceS() && !tickdeck.server.isLost())) return "";
    const wait = Math.ceil(tickdeck.server.retryIn());
    return `No data for ${silent} s, retrying ${wait > 0 ? `in ${wait} s` : "now"}`;
  }

  // The classes of the tab that leads to `href`, while the page at `path` is shown.
  function tab(path, href) {
    return "tab" + (path === href ? " tab-selected" : "");
  }

  // Feeds and notices came with a page's own reply, and `live` has heard of them: draw them anew.
  function redraw(now) {
    const data = { now, version: tickdeck.live.version(), payload: null };
    window.dash_clientside.set_props("live-market", { data });
  }

  function everySecond() {
    if (!document.getElementById("clock") || !window.dash_clientside.set_props) return;
    window.dash_clientside.set_props("clock", { children: clockText() });
    const text = connectionText();
    write("connection", text, text ? "connection connection-lost" : "connection");
    writeNotices();
    const age = tickdeck.live.seconds(tickdeck.live.newest());
    const level = tickdeck.live.level(age);
    const words = age === null ? "no data yet" : "data " + tickdeck.format.age(age, level);
    write("age-badge", words, "age num age-" + level);
  }

  window.setInterval(everySecond, 1000);
  document.addEventListener("tickdeck:clock", everySecond);
  window.dash_clientside = Object.assign({}, window.dash_clientside, { shell: { draw, tab } });
  tickdeck.shell = { element, redraw };
})();
