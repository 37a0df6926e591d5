// Topics are asked for while they are looked at: a level at a time.
const rates = new Map();
let topicTimer = 0;
async function loadLevel(list, under) {
  const query = new URLSearchParams({limit: list.limit || 200});
  // A `+` of a Topic Filter stays a plus.
  const part = (name, value) => value ? "&" + name + "=" + encodeURIComponent(value) : "";
  const [status, level] = await ask("api/topics?" + query + part("under", under) + part("filter", $("topic-filter").value.trim()) + part("session", $("topic-session").value));
  if (status !== 200) {
    if (!under) { set($("topic-sum"), level?.error?.message || "not known now"); if (status === 404) fill($("topic-session")); }
    return;
  }
  if (!under) topicHead(level);
  keep(list, level.rows, it => it.path, it => makeTopic(it, under), writeTopic);
  list.more?.remove();
  if (level.more) {
    list.more = h("p.row", null, h("button", {type: "button"}, "Show " + num(Math.min(200, level.more)) + " more of " + num(level.more)));
    list.more.firstChild.onclick = () => { list.limit = Math.min(2000, (list.limit || 200) + 200); loadLevel(list, under); };
    list.after(list.more);
  }
}
function topicHead(level) {
  const select = $("topic-session"), many = level.sources.length > 1;
  hide(select, !many);
  if (select.was !== JSON.stringify(level.sources)) {
    const before = select.value;
    select.was = JSON.stringify(level.sources);
    fill(select, ...level.sources.map(it => h("option", {value: it.session_id}, brokerName(it.broker) + ": " + it.filters.join(", "))));
    if (level.sources.some(it => it.session_id === before)) select.value = before;
  }
  const source = level.sources.find(it => it.session_id === level.session_id), filtered = $("topic-filter").value.trim();
  set($("topic-sum"), source ? (level.estimated ? "≈ " : "") + num(level.topics) + (filtered ? " that fit" : " on " + brokerName(source.broker)) : "");
  full("topic", level.rows.length > 0);
  set($("no-topics"), source ? (filtered ? "No topic fits the filter." : "Nothing was heard yet.") : "Topics appear when a broker is watched.");
}
function makeTopic(it, under) {
  const branch = it.path.endsWith("/") && it.value == null;
  const name = h("span.m.cut", {title: it.path}, branch ? h("b", null, it.path.slice(under.length)) : it.path.slice(under.length) || "(empty level)", it.retained ? " " : "", it.retained ? h("span.tag", null, "retained") : null);
  const sparkline = svg("svg.sp", {viewBox: "0 0 100 20", preserveAspectRatio: "none", role: "img"});
  sparkline.append(svg("path"));
  const row = h("details", null, h("summary.row.top3", null, name, h("span.dim.cut"), sparkline, h("span.r"), h("span.r.dim", null, h("time"))), h(branch ? "div.tree" : "div.more"));
  row.branch = branch;
  row.path = it.path;
  row.addEventListener("toggle", () => { if (row.open) refreshTopic(row); });
  return row;
}
function refreshTopic(row) { return row.branch ? loadLevel(row.lastChild, row.path) : loadValue(row); }
function writeTopic(row, it) {
  const [, value, sparkline, rate, age] = row.firstChild.children;
  set(value, row.branch ? plural(it.topics, "topic") : it.value);
  set(rate, num(it.messages_per_s));
  time(it.last, "age", age.firstChild);
  const past = rates.get(it.path) || {counts: [], last: it.messages};
  past.counts.push(Math.max(0, it.messages - past.last));
  past.last = it.messages;
  if (past.counts.length > 60) past.counts.shift();
  rates.delete(it.path); rates.set(it.path, past);
  if (rates.size > 2000) rates.delete(rates.keys().next().value);
  attr(sparkline.firstChild, "d", line(past.counts, 100, 20, Math.max(1, ...past.counts)));
  attr(sparkline, "aria-label", past.counts.length < 2 ? "just begun" : "messages in each 2 seconds, highest " + Math.max(...past.counts));
}
async function loadValue(row) {
  const session = $("topic-session").value;
  const [status, level] = await ask("api/topics?topic=" + encodeURIComponent(row.path) + (session ? "&session=" + encodeURIComponent(session) : ""));
  const it = status === 200 ? level.value : null, more = row.lastChild;
  if (!it) return fill(more, h("p.dim", null, "The last message of this topic found no room in memory."));
  if (!more.pre) {
    more.pre = h("pre", {tabindex: "0"}); more.facts = h("p.dim"); more.seg = h("span.seg", {role: "group", "aria-label": "Show payload as"});
    for (const kind of ["JSON", "Text", "Hex"]) {
      const button = h("button", {type: "button"}, kind);
      button.onclick = () => { more.kind = kind; writeValue(more); };
      more.seg.append(button);
    }
    fill(more, more.seg, more.pre, more.facts);
  }
  more.value = it;
  writeValue(more);
}
function writeValue(more) {
  const it = more.value, all = {JSON: it.json === undefined ? null : JSON.stringify(it.json, null, 2), Text: it.text ?? null, Hex: it.hex};
  const kind = all[more.kind] != null ? more.kind : all.JSON != null ? "JSON" : all.Text != null ? "Text" : "Hex";
  for (const button of more.seg.children) { button.disabled = all[button.textContent] == null; button.setAttribute("aria-pressed", String(button.textContent === kind)); }
  set(more.pre, all[kind] || "(empty)");
  set(more.facts, bytes(it.bytes) + (it.shown_bytes ? ", the first " + bytes(it.shown_bytes) + " shown" : "") + " · QoS " + it.qos + (it.retained ? " · retained" : "") + " · " + absolute(new Date(it.at)));
}
function restartTopics() { const list = $("topic-list"); list.kept = null; list.drawn = false; list.replaceChildren(); loadTopics(); }
async function loadTopics() {
  clearTimeout(topicTimer);
  if (view === "topics" && !document.hidden && !paused && !locked) {
    await loadLevel($("topic-list"), "");
    const open = [...$("topic-list").querySelectorAll("details[open]")].filter(row => row.offsetParent).slice(0, 20);
    await Promise.all(open.map(refreshTopic));
  }
  clearTimeout(topicTimer);
  topicTimer = setTimeout(loadTopics, 2000);
}
$("topic-filter").oninput = () => { clearTimeout(topicTimer); topicTimer = setTimeout(restartTopics, 300); };
$("topic-session").onchange = restartTopics;

// The token: from the link's fragment, which is wiped, or typed; it stays in this tab.
let token = sessionStorage.getItem("token") || "", locked = false, paused = 0, view = "now", socket = null, heardAt = 0, every = 1, tries = 0, retryAt = 0, busy = false;
const given = location.hash.match(/^#key=(.+)$/);
if (given) { token = decodeURIComponent(given[1]); sessionStorage.setItem("token", token); history.replaceState(null, "", location.pathname); }
async function ask(path, method = "GET") {
  try {
    const answer = await fetch(path, {method, headers: token ? {Authorization: "Bearer " + token} : {}, cache: "no-store"});
    const body = (answer.headers.get("content-type") || "").includes("json") ? await answer.json() : null;
    if (answer.status === 401 && path !== "api/ticket") lock(body);
    return [answer.status, body];
  } catch { return [0, null]; }
}
function lock(body) {
  locked = true;
  set($("token-wrong"), token ? body?.error?.message || "This token is wrong." : "");
  socket?.close();
  draw();
}
$("locked").onsubmit = event => {
  event.preventDefault();
  token = $("token").value.trim();
  if (!token) return;
  sessionStorage.setItem("token", token);
  $("token").value = "";
  locked = false;
  tries = 0;
  reveal(false);
  open();
};

// The news.
let opening = 0;
async function open() {
  clearTimeout(opening);
  const [status, answer] = await ask("api/ticket", "POST");
  if (status === 401 || status === 403 || status === 429) return lock(answer);
  if (status !== 200) return again();
  locked = false;
  const mine = socket = new WebSocket(new URL("api/live", location.href).href.replace(/^http/, "ws"));
  mine.onopen = () => mine.send(JSON.stringify({ticket: answer.ticket}));
  mine.onmessage = event => { tries = 0; take(JSON.parse(event.data)); };
  mine.onclose = () => { if (mine === socket && !locked) again(); };
}
function again() {
  const wait = Math.min(15, 2 ** tries++);
  retryAt = Date.now() + wait * 1000;
  opening = setTimeout(open, wait * 1000);
  draw();
}
function take(message) {
  if (message.type === "snapshot") { S.devices.clear(); S.order = []; S.calls = []; $("call-list").last = 0; }
  heardAt = Date.now(); every = message.every_s; busy = every > 1;
  for (const part of ["service", "brokers", "assistants", "sessions", "captures", "log", "metrics"]) if (part in message) S[part] = message[part];
  for (const device of message.devices || []) S.devices.set(device.broker + " " + device.id, device);
  if (message.device_keys) { S.order = message.device_keys; const kept = new Set(S.order); for (const key of S.devices.keys()) if (!kept.has(key)) S.devices.delete(key); }
  if (message.calls) S.calls = S.calls.concat(message.calls).slice(-300);
  if (!paused) { news = message.at; draw(); }
}

// One sentence on top: the worst thing wins.
function sentence() {
  if (locked) return ["locked", "none", "This page needs the token.", "Open the link that bitsperity-mqtt-mcp printed, or paste the token here.", "○ Token"];
  const next = "Trying again" + (retryAt > Date.now() ? " in " + span((retryAt - Date.now()) / 1000) : "") + ".";
  if (!heardAt) return ["waiting", "none", "Waiting for the first news.", tries ? "The service does not answer. " + next : "", "○ Waiting"];
  const silent = (Date.now() - heardAt) / 1000;
  if (silent > Math.max(5, every * 2.5)) return ["stale", "none", "No news from the service for " + span(silent) + ".", "What you see is from " + clock(new Date(news)) + " and may be wrong by now. " + next, "○ Stale"];
  const away = S.brokers.filter(it => it.state === "away"), sick = devices().filter(isSick), here = S.assistants.filter(it => it.here);
  const of = sick.length + " of " + plural(S.order.length, "device") + (sick.length === 1 ? " needs a look" : " need a look");
  if (away.length) return ["broken", "bad", "Broker " + away[0].name + (away.length > 1 ? " and " + (away.length - 1) + " more are away." : " is away."), (away[0].last_error ? away[0].last_error.replace(/\.?$/, ". ") : "") + "The service is trying again" + (away[0].since ? "; what you see of it is from " + clock(new Date(away[0].since)) : "") + ".", "■ Broker " + away[0].name + " is away"];
  if (busy) return ["busy", "warn", "Very busy: " + num(S.service.messages_per_s) + " messages a second.", "This page now shows one change in " + every + " s" + (sick.length ? "; " + of : "") + ".", "▲ Very busy"];
  if (sick.length) return ["findings", "warn", of + ".", sick.slice(0, 2).map(it => it.name + ": " + (it.findings[0]?.what || it.state)).join("; ") + ". " + (S.brokers.some(it => it.state === "connected") ? "Brokers are connected." : ""), "▲ " + sick.length + " need a look"];
  if (!here.length && !S.sessions.length) return ["empty", "none", "Nothing is connected yet.", S.service?.alone ? "Ask the assistant to connect to a broker." : "Give an assistant the lines below, then name a broker. It takes two minutes.", "○ Nothing connected"];
  const connected = S.brokers.filter(it => it.state === "connected").length;
  if (!connected) return ["idle", "none", "No broker is connected.", plural(here.length, "assistant") + " here.", "○ No broker"];
  return ["well", "ok", "All is well.", plural(connected, "broker") + " connected, " + plural(S.order.length, "device") + " watched, " + plural(here.length, "assistant") + " here.", "● All is well"];
}
const DRAW = {now: drawNow, devices: drawDevices, topics: () => {}, calls: drawCalls, sessions: drawSessions, performance: drawPerformance, log: drawLog, connect: () => {}};
function draw() {
  const [name, kind, first, second, title] = sentence();
  document.title = title + " · MQTT monitor";
  if (document.hidden) return;
  const say = $("say"), before = root.dataset.state;
  root.dataset.state = name;
  if (before !== name) {
    fill(say, icon(kind), h("p", null, h("b"), " ", h("span")));
    fill($("shape"), icon(kind));
  }
  const size = ["empty", "locked"].includes(name) || view === "now" ? " big" : "";
  if (say.className !== kind + size) say.className = kind + size;
  set(say.lastChild.children[0], first); set(say.lastChild.children[1], second);
  const [shape, word] = locked ? ["none", "Locked"] : paused ? ["none", "Paused at " + clock(new Date(paused))] : name === "stale" ? ["none", "Stale"] : name === "waiting" ? ["none", "Waiting"] : ["ok", busy ? "Live, every " + every + " s" : "Live"];
  $("live").className = "live " + shape; set($("live").lastChild, word);
  hide($("locked"), !locked);
  if (before !== name && (name === "empty" || before === "empty" || before === "begin" || before === "waiting" || locked || before === "locked")) go();
  if (locked) return;
  const sick = devices().filter(isSick).length;
  set($("n-devices"), sick || ""); set($("n-sessions"), S.sessions.length || ""); set($("n-log"), S.log.length || "");
  if (!paused && heardAt) DRAW[view]();
  if (!paused) goOn();
}

// Views, theme, pause.
const VIEWS = Object.keys(DRAW);
function go() {
  const wanted = location.hash.slice(1);
  view = VIEWS.includes(wanted) ? wanted : root.dataset.state === "empty" ? "connect" : "now";
  root.dataset.view = view;
  for (const name of VIEWS) hide($(name), name !== view || locked);
  for (const a of document.querySelectorAll("nav a")) a.hash === "#" + view ? a.setAttribute("aria-current", "page") : a.removeAttribute("aria-current");
  if (heardAt && !locked) DRAW[view]();
  const alone = Boolean(S.service?.alone);
  // Without a token this page came by a proxy that knows its user.
  hide($("join"), alone); hide($("reveal"), alone || !token); hide($("of-token"), !token); hide($("of-proxy"), Boolean(token));
  if (view === "topics") loadTopics();
}
addEventListener("hashchange", () => { if (VIEWS.includes(location.hash.slice(1))) { go(); scrollTo(0, 0); } });
$("pause").onclick = () => {
  paused = paused ? 0 : Date.now();
  $("pause").setAttribute("aria-pressed", String(Boolean(paused)));
  set($("pause"), paused ? "Resume" : "Pause");
  if (!paused && heardAt) news = Date.now();
  draw();
};
const THEMES = {auto: ["light", "◐", "Auto"], light: ["dark", "○", "Light"], dark: ["auto", "●", "Dark"]};
function theme(name) {
  root.dataset.theme = name;
  const [, shape, word] = THEMES[name];
  set($("theme").firstChild, shape); set($("theme").lastElementChild, word);
  $("theme").setAttribute("aria-label", word + " theme");
}
$("theme").onclick = () => theme(THEMES[root.dataset.theme][0]);
theme("auto");
document.addEventListener("visibilitychange", () => { draw(); if (view === "topics") loadTopics(); });

// Lines to paste.
const base = new URL(".", location.href).href, HIDDEN = "•".repeat(16), T = "\u0000";
const HOSTS = [
  ["Claude Code", "Run once in a terminal:", "claude mcp add --transport http mqtt " + base + "mcp \\\n  --header \"Authorization: Bearer " + T + "\""],
  ["Claude Desktop", "It starts programs only, so a small relay goes between. In claude_desktop_config.json:", "{ \"mcpServers\": { \"mqtt\": {\n  \"command\": \"bitsperity-mqtt-mcp\",\n  \"args\": [\"--connect\", \"" + base.replace(/\/$/, "") + "\"],\n  \"env\": { \"BITSPERITY_MQTT_TOKEN\": \"" + T + "\" } } } }"],
  ["Cursor", "In ~/.cursor/mcp.json:", "{ \"mcpServers\": { \"mqtt\": {\n  \"url\": \"" + base + "mcp\",\n  \"headers\": { \"Authorization\": \"Bearer " + T + "\" } } } }"],
  ["VS Code", "In .vscode/mcp.json; it asks for the token itself:", "{ \"servers\": { \"mqtt\": { \"type\": \"http\", \"url\": \"" + base + "mcp\",\n    \"headers\": { \"Authorization\": \"Bearer ${input:mqtt}\" } } },\n  \"inputs\": [{ \"id\": \"mqtt\", \"type\": \"promptString\", \"password\": true,\n    \"description\": \"Token of bitsperity-mqtt-mcp\" }] }"],
  ["Others", "With Streamable HTTP: the address and the header. With programs only: the relay.", "URL     " + base + "mcp\nHeader  Authorization: Bearer " + T + "\nRelay   bitsperity-mqtt-mcp --connect " + base.replace(/\/$/, "") + " --token-file FILE"],
];
const written = [];
function lines(text, what) {
  const pre = h("pre", {tabindex: "0"}), button = h("button", {type: "button", "aria-label": "Copy the lines for " + what}, "Copy");
  written.push([pre, text]);
  button.onclick = () => copy(button, pre, text.replaceAll(T, token || "TOKEN"));
  return h("div.copy", null, pre, button);
}
function writeLines(real) { for (const [pre, text] of written) set(pre, text.replaceAll(T, token ? real ? token : HIDDEN : "TOKEN")); }
async function copy(button, pre, text) {
  let done = true;
  try { await navigator.clipboard.writeText(text); } catch {
    const area = h("textarea.vh");
    area.value = text;
    document.body.append(area);
    area.select();
    done = document.execCommand("copy");
    area.remove();
    button.focus();
  }
  if (!done) { reveal(true); getSelection().selectAllChildren(pre); }
  set(button, done ? "Copied" : "Press Ctrl+C");
  setTimeout(() => set(button, "Copy"), 2000);
}
function reveal(real) { $("reveal").setAttribute("aria-pressed", String(real)); set($("reveal"), real ? "Hide token" : "Show token"); writeLines(real); }
$("reveal").onclick = () => reveal($("reveal").getAttribute("aria-pressed") !== "true");
segment("host-seg", HOSTS.map(([name]) => [name, name]), name => { for (const pane of $("panes").children) hide(pane, pane.dataset.h !== name); });
for (const [name, how, text] of HOSTS) {
  const pane = h("div.pane", {"data-h": name}, h("p", null, how), lines(text, name));
  pane.hidden = name !== HOSTS[0][0];
  $("panes").append(pane);
}
$("lines-broker").append(lines("[brokers.home]\nurl = \"mqtt://192.168.1.10\"\nuser = \"me\"\npassword_file = \"~/.mqtt-password\"\n\n# watched from the start, for all assistants and this page\n[[record]]\nbroker = \"home\"\nfilters = [\"#\"]", "a broker"));
$("lines-ask").append(lines("What is wrong in my house?", "the question"));
set($("host"), location.host);
reveal(false);
go();
draw();
open();
loadTopics();
setInterval(draw, 1000);
