// The views: each writes what is known (`S`) into its section.
const S = {service: null, brokers: [], assistants: [], sessions: [], captures: [], log: [], metrics: null, devices: new Map(), order: [], calls: []};
const WELL = {offline: ["bad", "Offline"], error: ["bad", "Error"], warning: ["warn", "Warning"], unknown: ["none", "Unknown"], well: ["ok", "Well"]};
const devices = () => S.order.map(key => S.devices.get(key)).filter(Boolean);
const isSick = device => ["offline", "error", "warning"].includes(device.state);
const brokerName = url => S.brokers.find(it => it.url === url)?.name ?? url;
const hostOf = url => url.replace(/^\w+:\/\//, "");
const since = iso => S.service && Date.parse(iso) - Date.parse(S.service.started) < 60000;

// Now
function drawNow() {
  const sick = devices().filter(isSick), away = S.brokers.filter(it => it.state === "away");
  const wrong = [...away.map(it => ({key: it.url, kind: "bad", word: "Away", name: "Broker " + it.name, what: it.last_error || "the connection is lost", at: it.since, to: "#sessions"})),
    ...sick.map(it => ({key: it.broker + " " + it.id, kind: WELL[it.state][0], word: WELL[it.state][1], name: it.name, what: it.findings[0]?.what, at: it.since, to: "#devices"}))];
  hide($("wrong-card"), !wrong.length);
  set($("all-devices"), S.order.length ? "All " + plural(S.order.length, "device") : "");
  keep($("wrong"), wrong.slice(0, 8), it => it.key, it => h("li", null, h("a.row.wrong", {href: it.to}, h("span"), h("b.cut"), h("span.dim"), h("span.r.dim"))), (li, it) => {
    const [kind, name, what, lasting] = li.firstChild.children;
    if (kind.textContent !== it.word) fill(kind, state(it.kind, it.word));
    set(name, it.name); set(what, it.what);
    if (it.at) { if (!lasting.firstChild) lasting.append(h("time")); time(it.at, "lasting", lasting.firstChild); }
  });
  drawBrokers(); drawAssistants(); drawService();
  const last = S.calls.slice(-5).reverse();
  hide($("no-last-calls"), last.length > 0);
  set($("all-calls"), last.length ? "All " + num(S.service?.calls ?? last.length) : "");
  keep($("last-calls"), last, it => it.number, it => h("li", null, h("a.row.act", {href: "#calls"}, h("span.dim", null, time(it.at, "age")),
    h("div", null, h("b", null, it.tool), " ", it.published ? h("span.tag.pub", null, "↑ published") : null, " ", h("small", null, it.who), h("p.dim", null, it.verdict || it.outcome)))), () => {});
}
function drawBrokers() {
  hide($("no-brokers"), S.brokers.length > 0);
  keep($("brokers"), S.brokers, it => it.url, () => h("li.row.brk", null, h("div", null, h("span"), h("small"), h("small")), strip(null, "", ""), h("div.r", null, h("span"), " ", h("small", null, "msg/s"))), (li, it) => {
    const [text, bars, rate] = li.children, [head, where, error] = text.children;
    const [kind, word] = {connected: ["ok", "connected"], away: ["bad", "away"], unused: ["none", "not used now"]}[it.state];
    if (head.was !== it.state + it.name) { head.was = it.state + it.name; fill(head, state(kind, h("b.nm", null, it.name), word)); }
    const users = it.recorded ? "watched from the start" : it.sessions ? (it.watched ? "watched" : "not watched") : "";
    const facts = [hostOf(it.url), it.tls, it.protocol && "MQTT " + it.protocol, users, it.allows && !it.allows.publish ? "read only" : ""].filter(Boolean).join(" · ");
    if (it.since) { if (!where.lastElementChild) fill(where, h("span"), h("time")); set(where.firstChild, facts + " · "); time(it.since, "lasting", where.lastChild); }
    else if (where.textContent !== facts) fill(where, facts);
    if (it.last_error) { if (!error.firstElementChild) fill(error, "Last error ", h("time"), h("span")); time(it.last_error_at, "ago", error.children[0]); set(error.children[1], ": " + it.last_error); }
    else set(error, it.state === "unused" ? "" : "No error");
    const broken = [...it.minutes].filter(c => c === "b").length, on = [...it.minutes].filter(c => c === "w").length;
    strip(bars, it.minutes, it.name + ", last 60 minutes: connected in " + on + ", a break in " + broken + ", not used in " + (60 - on - broken));
    set(rate.firstChild, it.state === "connected" ? num(it.messages_per_s) : "–");
  });
}
const WAY = {stdio: "stdio", socket: "socket", relay: "relay", http: "HTTP"};
function drawAssistants() {
  const here = S.assistants.filter(it => it.here);
  hide($("no-assistants"), here.length > 0);
  keep($("assistants"), here, it => it.client, it => h("li.row.who", null, h("span", null, h("b"), " ", h("span.tag", null, WAY[it.transport])), h("span.r.dim"), h("p.dim", null, "Since ", time(it.since, "clock"), h("span"), h("span"))), (li, it) => {
    const [name, last, text] = li.children;
    set(name.firstChild, it.who);
    if (it.last_call) { if (!last.firstElementChild) fill(last, "last call ", h("time")); time(it.last_call, "ago", last.lastChild); } else set(last, "no call yet");
    set(text.children[1], " · " + plural(it.calls, "call") + ", " + (it.errors ? plural(it.errors, "error") : "no error") + ", " + (it.publishes ? "" : "no publish"));
    text.children[2].className = it.publishes ? "tag pub" : "";
    set(text.children[2], it.publishes ? "↑ " + plural(it.publishes, "publish").replace("publishs", "publishes") : "");
  });
}
function drawService() {
  const it = S.service;
  if (!it) return;
  const facts = [["Service up for", span(it.uptime_s)], ["Memory", it.memory_bytes ? bytes(it.memory_bytes) : "–"], ["Processor", num(it.processor_percent) + " % of one core"], ["Messages", num(it.messages_per_s) + " msg/s, " + num(it.messages) + " in all"]];
  keep($("service"), facts, fact => fact[0], fact => h("div", null, h("dt", null, fact[0]), h("dd")), (div, fact) => { div.classList.remove("new"); set(div.lastChild, fact[1]); });
}

// Devices
const countDevices = segment("device-seg", [["", "All"], ["look", "Need a look"], ["ok", "Well"], ["none", "Unknown"]], () => drawDevices());
const kindOf = device => isSick(device) ? "look" : device.state === "well" ? "ok" : "none";
function drawDevices() {
  const all = devices(), wanted = $("device-seg").value;
  const count = kind => all.filter(it => kindOf(it) === kind).length;
  countDevices({"": all.length, look: count("look"), ok: count("ok"), none: count("none")});
  full("device", all.length > 0);
  keep($("device-list"), all, it => it.broker + " " + it.id, makeDevice, (row, it) => { hide(row, Boolean(wanted) && kindOf(it) !== wanted); writeDevice(row, it); });
}
function makeDevice() {
  const row = h("details", null, h("summary.row.dev", null, h("span"), h("div.cut", null, h("b"), h("br"), h("small")), h("div", null, h("span"), " ", h("small")), strip(null, "", ""), h("span.r"), h("span.r.dim")), h("div.more"));
  row.addEventListener("toggle", () => row.open && moreOfDevice(row, row.device));
  return row;
}
function writeDevice(row, it) {
  const [kind, name, finding, bars, score, heard] = row.firstChild.children;
  const [shape, word] = WELL[it.state];
  if (kind.was !== it.state) { kind.was = it.state; fill(kind, icon(shape), word); kind.className = "st " + shape; }
  set(name.firstChild, it.name); set(name.lastChild, it.dialect);
  set(finding.firstChild, it.findings[0]?.what ?? (it.state === "unknown" ? "not enough heard to judge: " + plural(it.messages, "message") : "nothing wrong was seen"));
  const lasting = finding.lastChild;
  if (it.since && it.findings.length) {
    if (!lasting.firstElementChild) fill(lasting, h("span"), h("time"));
    set(lasting.firstChild, since(it.since) ? "at least " : ""); time(it.since, "lasting", lasting.lastChild);
  } else set(lasting, "");
  const bar = letter => [...it.hours].filter(c => c === letter).length;
  strip(bars, it.hours || ".".repeat(24), "last 24 hours: well in " + bar("w") + ", warning in " + bar("l") + ", error in " + bar("b"));
  set(score, it.score ?? "–"); attr(score, "aria-label", it.score == null ? "no score" : "score " + it.score + " of 100");
  if (it.heard) { if (!heard.firstElementChild) heard.append(h("time")); time(it.heard, "age", heard.firstChild); } else set(heard, "–");
  row.device = it;
  if (row.open) moreOfDevice(row, it);
}
function moreOfDevice(row, it) {
  const text = JSON.stringify([it.findings, it.readings, it.connection, it.topics, it.restarts]);
  if (row.told === text) return;
  row.told = text;
  const facts = [["Messages", num(it.messages)], ["Restarts seen", num(it.restarts)], ...(it.uptime_s ? [["Runs for", span(it.uptime_s)]] : []),
    ...(it.connection ? [["Connection", it.connection.state + (it.connection.topic ? " (" + it.connection.topic + ")" : "")]] : []), ...it.readings.map(r => [r.name.replace(/_/g, " "), num(r.last)])];
  const topics = h("p", null, "Its topics: ", ...it.topics.flatMap((topic, at) => [at ? ", " : "", h("code", null, topic)]), it.topic_count > it.topics.length ? " and " + (it.topic_count - it.topics.length) + " more" : "");
  fill(row.lastChild, it.findings.length ? h("ol", null, ...it.findings.map((f, at) => h("li", null, at + 1 + ". ", h("b", null, f.what), " ", h("span.dim", null, "(−" + f.points + ") " + f.check)))) : h("p.dim", null, "No finding."),
    h("dl.facts", null, ...facts.map(([name, value]) => h("div", null, h("dt", null, name), h("dd", null, value)))), topics);
}

// Calls
const countCalls = segment("call-seg", [["", "All"], ["pub", "Publishes"], ["err", "Errors"]], () => filterCalls());
function options(select, values) {
  for (const value of values) if (![...select.options].some(it => it.value === value)) select.append(h("option", {value}, value));
}
function drawCalls() {
  set($("call-sum"), S.service ? num(S.service.calls) + " since the start" : "");
  full("call", S.calls.length > 0);
  const list = $("call-list"), busy = list.drawn && (list.matches(":hover") || list.contains(document.activeElement));
  const known = list.last || 0, fresh = S.calls.filter(it => it.number > known);
  if (busy && fresh.length) {
    hide($("new-calls"), false);
    set($("new-calls").firstChild, plural(fresh.length, "new call"));
    return;
  }
  hide($("new-calls"), true);
  list.last = S.calls.at(-1)?.number || 0;
  keep(list, S.calls.slice().reverse(), it => it.number, makeCall, () => {});
  options($("call-who"), new Set(S.calls.map(it => it.who))); options($("call-tool"), new Set(S.calls.map(it => it.tool)));
  countCalls({"": S.calls.length, pub: S.calls.filter(it => it.published).length, err: S.calls.filter(it => it.failed).length});
  filterCalls();
}
$("new-calls").firstChild.onclick = () => { document.activeElement.blur(); $("call-list").drawn = false; drawCalls(); $("call-list").querySelector("summary")?.focus(); };
$("call-who").onchange = $("call-tool").onchange = () => filterCalls();
function filterCalls() {
  const [who, tool, kind] = [$("call-who").value, $("call-tool").value, $("call-seg").value];
  for (const row of $("call-list").children) {
    const it = row.call;
    hide(row, Boolean(who && it.who !== who || tool && it.tool !== tool || kind === "pub" && !it.published || kind === "err" && !it.failed));
  }
}
function makeCall(it) {
  const outcome = it.failed ? h("p", null, state("bad", it.outcome), " ", it.verdict) : h("p", null, it.verdict || (it.outcome === "ok" ? "" : it.outcome));
  const row = h(it.published ? "details.pubd" : "details", null, h("summary.row.call", null, h("span.dim", null, time(it.at, "clock")), h("span.dim.cut", {title: it.who}, it.who),
    h("div", null, h("span", null, h("b", null, it.tool), it.published ? h("span.tag.pub", null, "↑ published") : null, it.reported ? h("span.tag", null, "reported") : null, h("span.dim.m.cut", null, it.arguments)), outcome),
    h("span.r", null, took(it.duration_ms)), h("span.r.dim", null, it.tokens ? "≈ " + num(it.tokens) : "–")), h("div.more"));
  row.call = it;
  row.addEventListener("toggle", () => row.open && !row.lastChild.firstChild && moreOfCall(row, it));
  return row;
}
async function moreOfCall(row, it) {
  const at = h("p.dim", null, absolute(new Date(it.at)) + " · own time " + took(it.own_ms) + (it.session_id ? " · session " + it.session_id.slice(0, 6) + "…" : ""));
  const result = h("pre", {tabindex: "0"}, "…");
  fill(row.lastChild, at, h("h3", null, "Arguments"), h("pre", {tabindex: "0"}, it.arguments || "none"), h("h3", null, "Result ", h("small", null, bytes(it.bytes) + ", about " + num(it.tokens) + " tokens")), result);
  const [status, calls] = await ask("api/calls?limit=1&before=" + (it.number + 1));
  const text = status === 200 && calls[0]?.number === it.number ? calls[0].result : "";
  set(result, text ? pretty(text) : it.verdict || "Nothing is kept of it.");
}
function pretty(text) { try { return JSON.stringify(JSON.parse(text), null, 2); } catch { return text; } }

// Sessions
const STATES = {connected: ["ok", "connected"], reconnecting: ["bad", "away"], lost: ["bad", "lost"], closed: ["none", "closed"]};
function drawSessions() {
  set($("session-sum"), S.sessions.length ? plural(S.sessions.length, "connection") + " to brokers" : "");
  full("session", S.sessions.length > 0);
  keep($("session-list"), S.sessions, it => it.session_id, it => {
    const cell = (label, kind) => h("td" + (kind || ""), {"data-l": label}, h("span"));
    const button = it.recorded ? null : ender("Close", "session " + it.session_id.slice(0, 6) + " of " + it.who, "api/sessions/" + it.session_id);
    return h("tr", null, h("th", {scope: "row"}, it.who), cell("Broker"), h("td", {"data-l": "Session"}, h("code", {title: it.session_id}, it.session_id.slice(0, 6) + "…")), cell("Filters"), cell("In", ".n"), cell("Out", ".n"),
      h("td.n", {"data-l": "Last used"}, h("time")), h("td.n", {"data-l": "Expires"}, h("time")), h("td.n", null, button));
  }, (row, it) => {
    const [, broker, , filters, incoming, outgoing, used, expires] = row.children, [kind, word] = STATES[it.state];
    if (broker.was !== it.state) { broker.was = it.state; fill(broker.firstChild, brokerName(it.broker), it.state === "connected" ? "" : " ", it.state === "connected" ? null : state(kind, word)); }
    set(filters.firstChild, it.watch ? it.watch.filters.join(", ") + " watched" : it.subscriptions ? plural(it.subscriptions, "filter") : "none now");
    set(incoming.firstChild, num(it.messages_in) + " msg, " + bytes(it.bytes_in)); set(outgoing.firstChild, num(it.messages_out) + " msg, " + bytes(it.bytes_out));
    time(it.last_used, "ago", used.firstChild);
    if (it.recorded) set(expires, "with the service"); else time(it.expires_at, "in", expires.firstChild);
  });
  hide($("capture-card"), !S.captures.length);
  keep($("capture-list"), S.captures, it => it.capture_id, it => h("tr", null, h("th", {scope: "row"}, it.who), h("td", {"data-l": "Tool"}, it.tool), h("td", {"data-l": "Filters"}, it.filters.join(", ")), h("td.n", {"data-l": "Messages"}, h("span")), h("td.n", {"data-l": "Over"}, time(it.ends, "in")),
    h("td.n", null, ender("End", "capture of " + it.who, "api/captures/" + it.capture_id))), (row, it) => set(row.children[3].firstChild, num(it.messages)));
}
// A button that asks once more, in place, before it ends something.
function ender(word, what, path) {
  const button = h("button", {type: "button", "aria-label": word + " " + what}, word);
  button.onclick = async () => {
    if (!button.sure) {
      button.sure = setTimeout(() => { button.sure = 0; set(button, word); }, 4000);
      return set(button, word + " it?");
    }
    clearTimeout(button.sure); button.sure = 0; button.disabled = true; set(button, "…");
    const row = button.closest("tr"), next = (row.nextElementSibling || row.previousElementSibling)?.querySelector("button");
    const [status] = await ask(path, "DELETE");
    if (status === 204 || status === 404) {
      S.sessions = S.sessions.filter(it => !path.endsWith(it.session_id));
      S.captures = S.captures.filter(it => !path.endsWith(it.capture_id));
      (next || $("main")).focus();
      drawSessions();
    } else { button.disabled = false; set(button, "Failed"); }
  };
  return button;
}

// Performance
const CHARTS = [["Messages", "per second"], ["Own time of a call", "ms, half are faster"], ["Memory", "MB"], ["Processor", "% of one core"]];
function drawPerformance() {
  const it = S.metrics;
  if (!it) return;
  const minutes = Array(60).fill(null), slow = Array(60).fill(null);
  for (const m of it.latency) { minutes[59 - m.minutes_ago] = m.p50_ms; slow[59 - m.minutes_ago] = m.p95_ms; }
  const lines = [[it.messages_per_s], [minutes, slow], [it.memory_bytes.map(b => b == null ? null : b / 1e6)], [it.processor_percent]];
  const until = new Date(it.until);
  keep($("charts"), CHARTS.map((chart, at) => [chart, lines[at]]), it => it[0][0], ([[title]]) => h("div.card", null, h("h3", null, title), h("p", null, h("b"), " ", h("span"), " ", h("small")), h("small"),
    svg("svg.plot", {viewBox: "0 0 300 72", preserveAspectRatio: "none", role: "img"}), h("p.axis", null, h("small"), h("small"), h("small"))), (card, [[title, unit], values]) => {
    card.classList.remove("new");
    const known = values[0].filter(v => v != null), top = Math.max(0, ...values.flat().filter(v => v != null)), now = known.at(-1);
    const mean = known.reduce((sum, v) => sum + v, 0) / (known.length || 1);
    const [, head, most, plot, axis] = card.children;
    set(head.children[0], now == null ? "–" : num(now)); set(head.children[1], unit);
    const more = values[1] ? "dashed: 95 of 100 are faster; listening not counted" : known.length ? "mean " + num(+mean.toPrecision(3)) + ", highest " + num(+top.toPrecision(3)) : "";
    set(head.children[2], more); set(most, num(+top.toPrecision(3)));
    const gaps = values[1] ? "" : line(values[0].map((v, at) => v == null && at && values[0].slice(0, at).some(it => it != null) ? 0 : null), 300, 72, 1);
    plot.replaceChildren(svg("path", {d: line(values[0], 300, 72, top)}), ...(values[1] ? [svg("path.two", {d: line(values[1], 300, 72, top)})] : []), ...(gaps ? [svg("path.gap", {d: gaps})] : []));
    attr(plot, "aria-label", title + " in the last hour: now " + (now == null ? "unknown" : num(now)) + " " + unit + ", highest " + num(+top.toPrecision(3)));
    [3600, 1800, 0].forEach((ago, at) => set(axis.children[at], clock(new Date(until - ago * 1000)).slice(0, 5)));
  });
  full("tool", it.tools.length > 0);
  keep($("tool-list"), it.tools, tool => tool.tool, tool => h("tr", null, h("th", {scope: "row"}, tool.tool), ...["Calls", "Errors", "Half under", "95 of 100 under", "Tokens a call"].map(l => h("td.n", {"data-l": l}, h("span"))), h("td.n", {"data-l": "Last"}, h("time"))), (row, tool) => {
    [num(tool.calls), num(tool.errors), "≈ " + took(tool.p50_ms), "≈ " + took(tool.p95_ms), "≈ " + num(Math.round(tool.tokens / tool.calls))].forEach((text, at) => set(row.children[at + 1].firstChild, text));
    if (tool.last) time(tool.last, "ago", row.lastChild.firstChild);
  });
}

// Log
const countLog = segment("log-seg", [["", "All"], ["error", "Errors"]], () => drawLog());
function drawLog() {
  const wanted = $("log-seg").value;
  countLog({"": S.log.length, error: S.log.filter(it => it.level === "error").length});
  full("log", S.log.length > 0);
  keep($("log-list"), S.log, it => it.origin + it.level + it.first, it => h("tr", null, h("td.dim", null, h("time")), h("td", null, it.level === "error" ? state("bad", "Error") : state("warn", "Warning")), h("td", {"data-l": "Where"}, h("span", null, it.origin.replaceAll("::", " "))), h("td", null, h("div", null, h("p"), h("small"))), h("td.n", {"data-l": "Times"}, h("span"))), (row, it) => {
    hide(row, Boolean(wanted) && it.level !== wanted);
    time(it.last, "ago", row.children[0].firstChild);
    const [text, first] = row.children[3].firstChild.children;
    set(text, it.text); set(first, it.count > 1 ? "First at " + absolute(new Date(it.first)) : "");
    set(row.children[4].firstChild, num(it.count));
  });
}
