// MCP Inspector's command line; the argument is the era. `--strict` fails on schemas that some host would refuse.
// SERVER is a command; with URL and TOKEN in its place it goes over HTTP.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";

const era = process.argv[2];
const { URL: url, TOKEN: token, SERVER: command } = process.env;
const place = url ? ["--transport", "http", "--server-url", url] : [command];
const begin = ["--cli", ...(url ? ["--header", `Authorization: Bearer ${token}`] : []), "--protocol-era", era];
const inspect = (...args) =>
  execFileSync("mcp-inspector", [...begin, "--quiet", "--format", "json", ...args, ...place], {
    encoding: "utf8",
    timeout: 60_000,
  });

const strict = spawnSync("mcp-inspector", [...begin, "--method", "tools/list", "--strict", ...place], {
  encoding: "utf8",
  timeout: 60_000,
});
assert.equal(strict.status, 0, strict.stderr);

const listed = JSON.parse(inspect("--method", "tools/list"));
const tools = (listed.result ?? listed).tools;
assert.ok(tools.length >= 8, `${tools.length} tools`);

const answer = JSON.parse(inspect("--method", "tools/call", "--tool-name", "ping"));
assert.equal(typeof (answer.result ?? answer).structuredContent.version, "string");

const read = JSON.parse(inspect("--method", "resources/read", "--uri", "mqtt://sessions"));
const { sessions } = JSON.parse((read.result ?? read).contents[0].text);
// Over HTTP those of 2026-07-28 with one token are one assistant.
assert.ok(url ? Array.isArray(sessions) : sessions.length === 0, JSON.stringify(sessions));
const got = JSON.parse(
  // Arguments are a list that would go on over the server's own command: another option ends it.
  inspect("--prompt-args", "broker=home", "--prompt-name", "explore_broker", "--method", "prompts/get"),
);
assert.ok((got.result ?? got).messages[0].content.text.includes("home"));

// A process of its own for every call: the connection is made, and goes with the process.
const made = JSON.parse(
  inspect(
    "--method",
    "tools/call",
    "--tool-name",
    "establish_connection",
    "--tool-args-json",
    JSON.stringify({ connection_string: process.env.BROKER }),
  ),
);
assert.match((made.result ?? made).structuredContent.session_id, /^[0-9a-f-]{36}$/);
