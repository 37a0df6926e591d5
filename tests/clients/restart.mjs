// Clients whose service is started anew in the middle of their sessions: they go on, and connect to their broker again.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { Client as Second, StreamableHTTPClientTransport as SecondHttp } from "@modelcontextprotocol/client";
import { Client as First } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport as FirstHttp } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

const { URL: url, TOKEN: token, SERVER: command, BROKER: broker, RESTART: restart } = process.env;
const over = Http => new Http(new URL(url), { requestInit: { headers: { Authorization: `Bearer ${token}` } } });
const info = name => ({ name, version: "1.0.0" });
const started = (command, ...args) => new StdioClientTransport({ command, args, env: { ...process.env }, stderr: "ignore" });
const second = mode => new Second(info(`typescript-v2-${JSON.stringify(mode)}`), { versionNegotiation: { mode } });
const clients = [
  [new First(info("typescript-v1")), over(FirstHttp)],
  [second("legacy"), over(SecondHttp)],
  [second({ pin: "2026-07-28" }), over(SecondHttp)],
  [new First(info("relayed")), started(command, "--connect")],
  [new First(info("mcp-remote")), started("mcp-remote", url, "--allow-http", "--header", `Authorization: Bearer ${token}`)],
];
const call = async (client, name, args = {}) => {
  const wanted = { name, arguments: args };
  const result = await client.callTool(wanted);
  assert.ok(!result.isError, `${name}: ${result.content[0].text}`);
  return result.structuredContent;
};
for (const [client, transport] of clients) {
  await client.connect(transport);
  await call(client, "establish_connection", { connection_string: broker });
}
// Not in one go: the clients must be able to hear that their connections end.
await promisify(execFile)(restart);
for (const [client] of clients) {
  const { sessions } = await call(client, "list_active_connections");
  assert.deepEqual(sessions, []);
  await call(client, "establish_connection", { connection_string: broker });
  await call(client, "list_topics", { topic: "clients/#", duration: 1 });
  await client.close();
}
