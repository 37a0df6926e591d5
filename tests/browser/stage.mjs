// What the page needs around it: a broker, the service, an assistant.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const free = () => new Promise(resolve => {
  const probe = createServer().listen(0, "127.0.0.1", () => { const { port } = probe.address(); probe.close(() => resolve(port)); });
});
const pause = ms => new Promise(resolve => setTimeout(resolve, ms));

/** Asks until the answer is true, or throws after `seconds`. */
export async function until(what, ask, seconds = 20) {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const answer = await Promise.resolve().then(ask).catch(() => false);
    if (answer) return answer;
    if (Date.now() > end) throw new Error(`not within ${seconds} s: ${what}`);
    await pause(50);
  }
}

async function ended(child) {
  if (child.exitCode === null && child.signalCode === null) { child.kill(); await once(child, "exit"); }
}

export class Stage {
  static async open() {
    const stage = new Stage();
    stage.folder = mkdtempSync(join(tmpdir(), "browser-"));
    [stage.brokerPort, stage.port] = [await free(), await free()];
    stage.url = `http://127.0.0.1:${stage.port}/`;
    writeFileSync(join(stage.folder, "mosquitto.conf"), `listener ${stage.brokerPort} 127.0.0.1\nallow_anonymous true\npersistence false\n`);
    await stage.startBroker();
    await stage.startService();
    return stage;
  }

  async startBroker() {
    this.broker = spawn("mosquitto", ["-c", join(this.folder, "mosquitto.conf")], { stdio: "ignore" });
    await until("mosquitto answers", () => this.publish("stage/begun", "1"));
  }
  stopBroker() { return ended(this.broker); }

  async startService() {
    const settings = [`listen=127.0.0.1:${this.port}`, `state_dir=${this.folder}`, `socket=${join(this.folder, "s")}`, "call_limit=2"];
    const flags = settings.flatMap(it => ["--set", it]);
    const clean = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("BITSPERITY_")));
    this.service = spawn(process.env.SERVER, ["serve", ...flags], { stdio: ["ignore", "ignore", "pipe"], env: { ...clean, XDG_CONFIG_HOME: this.folder, HOME: this.folder } });
    this.service.said = "";
    this.service.stderr.on("data", text => { this.service.said += text; });
    await until("the service answers", async () => {
      if (this.service.exitCode !== null) throw new Error(this.service.said);
      return (await fetch(this.url + "health")).ok;
    });
    this.token = readFileSync(join(this.folder, "token"), "utf8").trim();
  }
  stopService() { return ended(this.service); }

  async close() {
    await this.stopService();
    await this.stopBroker();
    rmSync(this.folder, { recursive: true });
  }

  /** Publishes; whether that went well. */
  async publish(topic, payload, ...flags) {
    const child = spawn("mosquitto_pub", ["-h", "127.0.0.1", "-p", String(this.brokerPort), "-t", topic, "-m", payload, ...flags], { stdio: "ignore" });
    const [code] = await once(child, "exit");
    return code === 0;
  }

  ask(path, method = "GET", body) {
    const headers = { Authorization: `Bearer ${this.token}`, ...(body ? { "Content-Type": "application/json" } : {}) };
    return fetch(this.url + path, { method, headers, body: body && JSON.stringify(body) });
  }

  /** An assistant over HTTP; `call` gives what a tool answers. */
  async assistant(name, version) {
    const headers = { "Content-Type": "application/json", Accept: "application/json, text/event-stream", Authorization: `Bearer ${this.token}` };
    let id = 0;
    const post = async (method, params) => {
      const answer = await fetch(this.url + "mcp", { method: "POST", headers, body: JSON.stringify({ jsonrpc: "2.0", id: ++id, method, params }) });
      const session = answer.headers.get("mcp-session-id");
      if (session) headers["Mcp-Session-Id"] = session;
      const text = await answer.text();
      const data = text.startsWith("{") ? [text] : text.split("\n").filter(line => line.startsWith("data:")).map(line => line.slice(5));
      const reply = data.map(it => JSON.parse(it)).find(it => it.id === id);
      if (!reply || reply.error) throw new Error(text);
      return reply.result;
    };
    await post("initialize", { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name, version } });
    headers["MCP-Protocol-Version"] = "2025-11-25";
    await fetch(this.url + "mcp", { method: "POST", headers, body: JSON.stringify({ jsonrpc: "2.0", method: "notifications/initialized" }) });
    return { call: async (tool, args) => (await post("tools/call", { name: tool, arguments: args })).structuredContent };
  }
}
