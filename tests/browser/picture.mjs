// The picture of the page in README: the demo's household as its service sees it, and an assistant at work.
import { spawn } from "node:child_process";
import { chromium } from "playwright-core";
import { Stage, until } from "./stage.mjs";

const demo = spawn(process.env.SERVER, ["demo", "--hold", "--page"], { stdio: ["ignore", "pipe", "inherit"] });
let said = "";
demo.stdout.on("data", text => { said += text; });
try {
  const [link, url, token] = await until("the address of the page", () => {
    if (demo.exitCode !== null) throw new Error(said);
    return /(http:\S+\/)#key=(\S+)/.exec(said);
  });
  const assistant = await Object.assign(new Stage(), { url, token }).assistant("claude-code", "2.1.34");
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox"] });
  const page = await browser.newPage({ viewport: { width: 1280, height: 860 }, colorScheme: "light" });
  await page.goto(link);
  // The household's faults take some messages each to be known.
  await until("what is wrong is told", async () => (await page.locator("#wrong li").count()) >= 4, 120);
  const calls = [
    ["list_devices", { since: "session" }],
    ["debug_device", { topic: "#", since: "session" }],
    ["publish_message", { topic: "zigbee2mqtt/living_room_lamp/set", payload: '{"state":"ON"}' }],
    ["get_topic_schema", { topic: "zigbee2mqtt/+", since: "session" }],
  ];
  for (const [tool, args] of calls) await assistant.call(tool, { session_id: "default", ...args });
  await until("the calls are told", async () => (await page.locator("#last-calls li").count()) >= calls.length);
  // New rows are marked for two seconds.
  await page.waitForFunction(() => !document.getAnimations().length);
  await page.screenshot({ path: process.env.PICTURE });
  await browser.close();
} finally {
  demo.kill();
}
