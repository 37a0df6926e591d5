// Each test goes on where the one before ended: an empty service, an assistant, traffic, trouble.
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";
import { Stage, until } from "./stage.mjs";

const VIEWS = ["now", "devices", "topics", "calls", "sessions", "performance", "log", "connect"];
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const SCRIPT = "<script>window.pwned=1</script><img src=x onerror=window.pwned=1>";

let stage, browser, context, page, assistant, session, capture;
const faults = [];

/** A page whose every complaint is kept, and that may talk to the service only. */
async function watched(context, noise = () => false) {
  const page = await context.newPage();
  page.setDefaultTimeout(8000);
  page.on("pageerror", error => faults.push(`page: ${error}`));
  page.on("console", message => {
    if (message.type() === "error" && !noise(message.text())) faults.push(`console: ${message.text()}`);
  });
  page.on("request", request => {
    const url = request.url();
    if (!url.startsWith(stage.url) && !url.startsWith("data:")) faults.push(`request to ${url}`);
  });
  await page.addInitScript(() => document.addEventListener("securitypolicyviolation", event => { window.violated = event.violatedDirective; }));
  return page;
}

const text = selector => page.locator(selector).innerText();
const says = (selector, words, seconds) => until(`${selector} says ${words}`, async () => (await text(selector)).includes(words), seconds);
async function open(view) {
  await page.locator(`nav a[href="#${view}"]`).click();
  await page.locator(`#${view}`).waitFor({ state: "visible" });
}
async function shot(name) {
  if (process.env.SHOTS) await page.screenshot({ path: join(process.env.SHOTS, `${name}.png`), fullPage: true });
}
/** No finding of axe-core, and nothing wider than the window. Transitions of a state are over before. */
async function isFine(name) {
  // By the debugger, which the page's policy does not bind.
  await page.evaluate(AXE);
  const found = await page.evaluate(async () => {
    const { violations } = await window.axe.run(document, { resultTypes: ["violations"] });
    return violations.map(it => `${it.id}: ${it.nodes.map(node => node.html.slice(0, 120)).join(" | ")}`);
  });
  assert.deepEqual(found, [], name);
  const [wide, window] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  assert.ok(wide <= window, `${name} is ${wide} px wide in ${window}`);
}

before(async () => {
  stage = await Stage.open();
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox"] });
  context = await browser.newContext({ viewport: { width: 1280, height: 900 }, bypassCSP: false });
  page = await watched(context, words => /ERR_CONNECTION_REFUSED|WebSocket|status of 401|net::/.test(words));
});
after(async () => {
  await browser?.close();
  await stage?.close();
});

test("a wrong token opens nothing, the right one does, and it leaves the address", async () => {
  await page.goto(stage.url + "#key=wrong-token-of-nobody");
  await says("#say", "needs the token");
  assert.ok(!page.url().includes("wrong-token"), page.url());
  assert.equal(await page.locator("#now").isVisible(), false);
  await isFine("locked");
  await shot("locked");
  await page.fill("#token", stage.token);
  await page.click("#locked button");
  await says("#say", "Nothing is connected yet");
  assert.equal(await page.locator("#locked").isVisible(), false);
});

test("while nothing is connected, Connect comes first, and each view says what will fill it", async () => {
  assert.ok(await page.locator("#connect").isVisible());
  await isFine("empty");
  await shot("connect-empty");
  const lines = () => text("#panes .copy pre >> visible=true");
  assert.ok((await lines()).includes(`${stage.url}mcp`) && !(await lines()).includes(stage.token));
  await page.click("#reveal");
  assert.ok((await lines()).includes(stage.token));
  await page.click("#reveal");
  for (const host of ["Claude Desktop", "Cursor", "VS Code", "Others", "Claude Code"]) {
    await page.getByRole("button", { name: host, exact: true }).click();
    assert.ok((await lines()).includes(stage.url.slice(0, -1)), host);
  }
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await page.locator("#panes .copy button >> visible=true").click();
  assert.ok((await page.evaluate(() => navigator.clipboard.readText())).includes(stage.token));
  for (const view of ["devices", "topics", "calls", "sessions", "log"]) {
    await open(view);
    assert.ok(await page.locator(`#${view} .empty`).isVisible(), view);
  }
});

test("what an assistant does is seen at once", async () => {
  assistant = await stage.assistant("weaver", "3.1");
  await stage.publish("attic/lamp_7/availability", "offline", "-r");
  await stage.publish("attic/lamp_7/state", '{"battery":3,"on":false}', "-r");
  const made = await assistant.call("establish_connection", { connection_string: `mqtt://127.0.0.1:${stage.brokerPort}`, watch: ["#"] });
  session = made.session_id;
  assert.ok(session, JSON.stringify(made));
  await open("now");
  await says("#assistants", "weaver 3.1", 5);
  await says("#brokers", "connected", 5);
  await says("#last-calls", "establish_connection", 5);
  await open("sessions");
  await says("#session-list", session.slice(0, 6), 5);
  await shot("sessions");
});

test("a message is seen within two seconds", async () => {
  const count = async () => Number((await text("#session-list tr td:nth-child(5)")).match(/([\d,]+) msg/)[1].replace(",", ""));
  const known = await count();
  const began = Date.now();
  await stage.publish("attic/fan/speed", "41");
  await until("the count grows", async () => (await count()) > known, 10);
  // The aim is two seconds; it is measured and told, because a loaded machine alone shall not fail it.
  console.log(`seen after ${Date.now() - began} ms`);
});

test("a payload that would be a script is text", async () => {
  await stage.publish("attic/fan/note", SCRIPT, "-r");
  await stage.publish("attic/fan/<b>bold</b>", "x\u202ey", "-r");
  await open("topics");
  const branch = name => page.locator("#topic-list summary", { hasText: name }).first();
  await branch("attic/").click();
  await branch("fan/").click();
  await says("#topic-list", SCRIPT, 8);
  await says("#topic-list", "<b>bold<", 8);
  await branch("note").click();
  await says("#topic-list pre", SCRIPT, 8);
  await page.getByRole("button", { name: "Hex" }).first().click();
  await says("#topic-list pre", "3c 73 63 72 69 70 74");
  assert.equal(await page.locator("#topic-list b b").count(), 0);
  const [pwned, violated] = await page.evaluate(() => [window.pwned, window.violated]);
  assert.deepEqual([pwned, violated], [undefined, undefined]);
  await shot("topics");
  await page.fill("#topic-filter", "+/fan/speed");
  await says("#topic-sum", "1 that fit", 8);
  await page.fill("#topic-filter", "");
});

test("an answer of a tool is shown as text, a publish is marked, an error is told", async () => {
  await assistant.call("publish_message", { session_id: session, topic: "attic/fan/set", payload: "on" });
  await assistant.call("subscribe_and_collect", { session_id: session, topic: "attic/fan/#", since: "session" });
  await assistant.call("list_topics", { session_id: "nobody" });
  await stage.ask("api/log-call", "POST", { tool: "notes.read", duration_ms: 3, success: false, client: "weaver", error: SCRIPT });
  await open("calls");
  await says("#call-list", "↑ published", 5);
  await says("#call-list", "reported", 5);
  await says("#call-list", SCRIPT, 5);
  const row = page.locator("#call-list details", { hasText: "subscribe_and_collect" });
  await row.locator("summary").click();
  await until("the result is shown", async () => (await row.locator("pre").last().innerText()).includes("received"), 8);
  await page.getByRole("button", { name: /^Publishes/ }).click();
  assert.equal(await page.locator("#call-list details >> visible=true").count(), 1);
  await page.getByRole("button", { name: /^Errors/ }).click();
  assert.ok((await text("#call-list")).includes("list_topics"));
  assert.ok(!(await text("#call-list")).includes("publish_message"));
  await page.locator("#call-seg button").first().click();
  assert.equal(await page.evaluate(() => window.pwned), undefined);
});

test("a device that is unwell is named first", async () => {
  await stage.publish("attic/lamp_7/availability", "offline", "-r");
  await open("devices");
  await until("devices are shown", async () => (await page.locator("#device-list details").count()) > 0, 15);
  const first = page.locator("#device-list details").first();
  await until("the lamp is first", async () => (await first.innerText()).includes("lamp_7"), 15);
  await first.locator("summary").click();
  await until("findings are told", async () => (await first.locator("li").count()) > 0);
  await open("now");
  await says("#wrong", "lamp_7", 8);
  await says("#say", "a look", 8);
  assert.ok((await page.title()).startsWith("▲"), await page.title());
});

test("listening that goes on after its call is shown", async () => {
  capture = await assistant.call("subscribe_and_collect", { session_id: session, topic: "attic/#", duration: 250 });
  assert.equal(capture.status, "running");
  await open("sessions");
  await says("#capture-list", "subscribe_and_collect", 5);
});

test("every view is fine at 1280 and 390 and 360 px, light and dark, and by keyboard", async () => {
  for (const [width, scheme] of [[1280, "light"], [1280, "dark"], [390, "light"], [390, "dark"], [360, "light"]]) {
    await page.setViewportSize({ width, height: 900 });
    await page.emulateMedia({ colorScheme: scheme });
    for (const view of VIEWS) {
      await open(view);
      await page.mouse.move(0, 0);
      await isFine(`${view} at ${width} px, ${scheme}`);
      await shot(`${view}-${width}-${scheme}`);
    }
  }
  await page.setViewportSize({ width: 1280, height: 900 });
  await page.emulateMedia({ colorScheme: "light" });
  await open("calls");
  const summary = page.locator("#call-list summary").first();
  await summary.focus();
  const before = await summary.evaluate(node => node.parentNode.open);
  await page.keyboard.press("Enter");
  assert.equal(await summary.evaluate(node => node.parentNode.open), !before);
});

test("news do not close what is open, and a pause freezes the picture", async () => {
  const first = page.locator("#call-list details[open]").first();
  await first.waitFor();
  await page.locator("#pause").click();
  await says("#live", "Paused");
  const shown = await page.locator("#call-list details").count();
  await assistant.call("ping", {});
  await until("the service knows the call", async () => (await (await stage.ask("api/calls?tool=ping")).json()).length > 0);
  await page.waitForFunction(() => S.calls.at(-1)?.tool === "ping");
  assert.equal(await page.locator("#call-list details").count(), shown);
  await page.locator("#pause").click();
  await page.mouse.move(0, 0);
  await page.evaluate(() => document.activeElement.blur());
  await until("it goes on", async () => (await page.locator("#call-list details").count()) === shown + 1, 8);
  assert.ok(await first.evaluate(node => node.open));
});

test("a capture is ended from the page, and what it heard is not lost", async () => {
  await open("sessions");
  const button = page.locator("#capture-list button");
  await button.click();
  assert.equal(await button.innerText(), "End it?");
  await button.click();
  await until("it is gone", async () => !(await page.locator("#capture-card").isVisible()), 8);
  const ended = await assistant.call("subscribe_and_collect", { capture_id: capture.capture_id });
  assert.deepEqual([ended.status, ended.stop_reason], ["complete", "cancelled"]);
});

test("a foreign page in the same browser reaches nothing, even if it knew the token", async () => {
  const server = createServer((_, answer) => { answer.setHeader("Content-Type", "text/html"); answer.end("<title>foreign</title>"); });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const foreign = await context.newPage();
  const calls = async () => (await (await stage.ask("api/calls")).json())[0].number;
  const before = await calls();
  for (const host of ["127.0.0.1", "localhost"]) {
    await foreign.goto(`http://${host}:${server.address().port}/`);
    const reached = await foreign.evaluate(async ([url, token]) => {
      const headers = { Authorization: `Bearer ${token}` }, report = JSON.stringify({ tool: "foreign", duration_ms: 1, success: true });
      const frame = () => new Promise((done, failed) => {
        const frame = document.createElement("iframe");
        frame.onload = () => { try { frame.contentDocument.title ? done() : failed(); } catch (error) { failed(error); } };
        frame.src = url;
        document.body.append(frame);
      });
      const live = () => new Promise((done, failed) => { const socket = new WebSocket(url.replace("http", "ws") + "api/live"); socket.onopen = done; socket.onerror = failed; });
      const tries = {
        read: () => fetch(url + "api/sessions").then(it => it.text()),
        token: () => fetch(url + "api/sessions", { headers }).then(it => it.text()),
        health: () => fetch(url + "health").then(it => it.text()),
        ticket: () => fetch(url + "api/ticket", { method: "POST", headers }).then(it => it.text()),
        end: () => fetch(url + "api/sessions/x", { method: "DELETE", headers }).then(it => it.text()),
        mcp: () => fetch(url + "mcp", { method: "POST", headers, body: "{}" }).then(it => it.text()),
        live, frame,
      };
      // What a page may send without asking changes nothing.
      await fetch(url + "api/log-call", { method: "POST", mode: "no-cors", body: report }).catch(() => 0);
      const outcomes = await Promise.all(Object.entries(tries).map(([name, ask]) => ask().then(() => name, () => null)));
      return outcomes.filter(Boolean);
    }, [stage.url, stage.token]);
    assert.deepEqual(reached, [], host);
  }
  assert.equal(await calls(), before);
  await foreign.close();
  server.close();
});

test("a broker that goes and comes back is told in words", async () => {
  await open("now");
  await stage.stopBroker();
  await says("#say", "is away", 15);
  assert.ok((await page.title()).startsWith("■"), await page.title());
  await says("#brokers", "away");
  await isFine("broken");
  await shot("broken");
  await stage.startBroker();
  await until("it is back", async () => !(await text("#say")).includes("is away"), 30);
  await says("#brokers", "connected");
});

test("a session is closed from the page, after one more question", async () => {
  await open("sessions");
  const button = page.locator("#session-list button").first();
  await button.click();
  assert.equal(await button.innerText(), "Close it?");
  await button.click();
  await until("it is gone", async () => (await page.locator("#session-list tr").count()) === 0, 8);
  assert.deepEqual(await (await stage.ask("api/sessions")).json(), []);
  await says("#say", "No broker is connected", 8);
});

test("a service that is gone leaves the picture, says so, and is found again", async () => {
  await open("calls");
  await stage.stopService();
  await says("#say", "No news from the service", 15);
  assert.ok((await page.title()).startsWith("○"), await page.title());
  assert.ok((await page.locator("#call-list details").count()) > 0);
  await isFine("stale");
  await shot("stale");
  await stage.startService();
  await until("it is found again", async () => (await text("#live")).startsWith("Live"), 40);
});

test("without JavaScript there are the numbers, for who may see them", async () => {
  await stage.ask("api/log-call", "POST", { tool: "notes.read", duration_ms: 3, success: true });
  const plain = await browser.newContext({ javaScriptEnabled: false, extraHTTPHeaders: { Authorization: `Bearer ${stage.token}` } });
  const page = await plain.newPage();
  await page.goto(stage.url);
  assert.ok((await page.locator("h2", { hasText: "Brokers" }).count()) > 0);
  assert.ok(!(await page.content()).includes(stage.token));
  const closed = await (await fetch(stage.url)).text();
  assert.ok(!closed.includes("<h2>Service</h2>"));
  await plain.close();
});

test("the browser had nothing to complain of", () => {
  assert.deepEqual(faults, []);
});
