"use strict";
// Small helpers. Text from outside becomes text nodes and nothing else.
const $ = id => document.getElementById(id);
const root = document.documentElement;

// What is invisible or turns the direction of text is shown as its number.
const show = text => String(text ?? "").replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g,
  c => "⟨U+" + c.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0") + "⟩");

// An element: h("p.dim", {title: "…"}, "text", node, …)
function h(name, attributes, ...children) {
  const [tag, ...classes] = name.split(".");
  const node = document.createElement(tag);
  if (classes.length) node.className = classes.join(" ");
  for (const [key, value] of Object.entries(attributes || {})) if (value != null) node.setAttribute(key, value);
  node.append(...children.filter(it => it != null).map(it => it.nodeType ? it : show(it)));
  return node;
}
function svg(name, attributes) {
  const [tag, kind] = name.split(".");
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  if (kind) node.setAttribute("class", kind);
  for (const [key, value] of Object.entries(attributes || {})) node.setAttribute(key, value);
  return node;
}
function icon(kind) {
  const node = svg("svg", {class: "i " + kind, "aria-hidden": "true"});
  node.append(svg("use", {href: "#" + kind}));
  return node;
}
const state = (kind, ...words) => h("span.st." + kind, null, icon(kind), ...words);

// Writes only what is different, so that selections and the cursor of a screen reader stay.
function set(node, text) { text = show(text); if (node.textContent !== text) node.textContent = text; }
function fill(node, ...children) { node.replaceChildren(...children.filter(it => it != null).map(it => it.nodeType ? it : show(it))); }
function attr(node, name, value) { if (node.getAttribute(name) !== value) node.setAttribute(name, value); }
function hide(node, hidden) { if (node.hidden !== hidden) node.hidden = hidden; }

// A view's card if there is something, else the sentence that says what will fill it.
function full(name, is) { hide($("no-" + name + "s"), is); hide($(name + "-card"), !is); }

// Numbers and times as people write them.
const num = n => Math.abs(n) >= 100 || Number.isInteger(n) ? Math.round(n).toLocaleString("en-US") : String(+n.toPrecision(Math.abs(n) < 1 ? 2 : 3)).replace("-", "−");
const plural = (n, word) => num(n) + " " + word + (n === 1 ? "" : "s");
function bytes(n) {
  for (const unit of ["B", "KB", "MB", "GB"]) { if (n < 1000) return num(+n.toPrecision(3)) + " " + unit; n /= 1000; }
  return num(n) + " TB";
}
const took = ms => ms == null ? "–" : ms < 1000 ? num(ms < 10 ? +ms.toFixed(1) : Math.round(ms)) + " ms" : num(+(ms / 1000).toPrecision(3)) + " s";
function span(seconds, most = 2) {
  seconds = Math.max(0, Math.round(seconds));
  const units = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]], parts = [];
  for (const [unit, size] of units) {
    const count = Math.floor(seconds / size);
    if (count || (unit === "s" && !parts.length)) { parts.push(count + " " + unit); seconds -= count * size; }
    else if (parts.length) break;
    if (parts.length === most) break;
  }
  return parts.join(" ");
}
const two = n => String(n).padStart(2, "0");
const clock = date => two(date.getHours()) + ":" + two(date.getMinutes()) + ":" + two(date.getSeconds());
function absolute(date) {
  const zone = -date.getTimezoneOffset(), sign = zone < 0 ? "−" : "+", z = Math.abs(zone);
  return date.getFullYear() + "-" + two(date.getMonth() + 1) + "-" + two(date.getDate()) + " " + clock(date) + " " + sign + two(Math.floor(z / 60)) + ":" + two(z % 60);
}

// Times that go on by themselves. `news` is the service's own time of the last message, so a stale page stops.
let news = Date.now();
const WORDS = {
  ago: s => s < 1 ? "now" : span(s, 1) + " ago", age: s => s < 1 ? "now" : span(s, 1),
  lasting: s => "for " + span(s), in: s => s > 1 ? "now" : "in " + span(-s, 1),
};
function tell(node) {
  const date = new Date(node.dateTime);
  set(node, node.dataset.as === "clock" ? clock(date) : WORDS[node.dataset.as]((news - date) / 1000));
}
function time(iso, as, node = h("time")) {
  if (node.dateTime !== iso || node.dataset.as !== as) { node.dateTime = iso; node.dataset.as = as; node.title = absolute(new Date(iso)); }
  tell(node);
  return node;
}
const goOn = () => document.querySelectorAll("main time").forEach(tell);

// Keeps one node for each item. What is there stays; order changes only while nobody points at the list.
function keep(list, items, key, make, write) {
  const kept = list.kept || (list.kept = new Map());
  const busy = kept.size && (list.matches(":hover") || list.contains(document.activeElement));
  const wanted = new Set(), first = !list.drawn;
  for (const item of items) {
    const name = key(item);
    wanted.add(name);
    let node = kept.get(name);
    if (!node) {
      node = make(item);
      kept.set(name, node);
      list.append(node);
      if (!first) node.classList.add("new");
    }
    write(node, item);
  }
  list.drawn = true;
  for (const [name, node] of kept) if (!wanted.has(name)) { node.remove(); kept.delete(name); }
  if (busy) return;
  let at = list.firstElementChild;
  for (const name of wanted) {
    const node = kept.get(name);
    if (node === at) at = at.nextElementSibling; else list.insertBefore(node, at);
  }
}

// A row of buttons of which one is pressed.
function segment(id, options, choose) {
  const seg = $(id);
  for (const [value, label] of options) {
    const button = h("button", {type: "button", "aria-pressed": String(value === options[0][0])}, label + " ", h("small"));
    button.dataset.v = value;
    button.onclick = () => {
      for (const other of seg.children) other.setAttribute("aria-pressed", String(other === button));
      seg.value = value;
      choose(value);
    };
    seg.append(button);
  }
  seg.value = options[0][0];
  return counts => { for (const button of seg.children) set(button.lastChild, counts[button.dataset.v] ?? ""); };
}

// A strip of bars: `letters` has one a bar; runs of equal bars are one stroke.
const HEIGHT = {w: 10.5, l: 13.5, b: 16, ".": 19};
function strip(node, letters, words) {
  if (!node) node = svg("svg.strip", {preserveAspectRatio: "none", role: "img"});
  node.setAttribute("class", "strip");
  if (letters && node.letters !== letters) {
    node.letters = letters;
    const paths = {};
    for (let at = 0; at < letters.length;) {
      const letter = letters[at];
      let end = at;
      while (letters[end] === letter) end++;
      paths[letter] = (paths[letter] || "") + "M" + at * 5 + " " + HEIGHT[letter] + "h" + ((end - at) * 5 - 2);
      at = end;
    }
    node.setAttribute("viewBox", "0 0 " + (letters.length * 5 - 2) + " 20");
    node.replaceChildren(...Object.entries(paths).map(([letter, d]) => svg("path." + (letter === "." ? "off" : letter), {d})));
  }
  attr(node, "aria-label", words);
  return node;
}

// A line through values; where one is null, there is a gap.
function line(values, width, height, top) {
  let d = "", up = true;
  values.forEach((value, at) => {
    if (value == null) { up = true; return; }
    const x = +(at * width / Math.max(1, values.length - 1)).toFixed(1), y = +(height - 1.5 - value / (top || 1) * (height - 3)).toFixed(1);
    // A value alone between two gaps is a short stroke.
    d += (up ? "M" : "L") + x + " " + y + (up && values[at + 1] == null ? "h1" : "");
    up = false;
  });
  return d;
}
