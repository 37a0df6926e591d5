// Lets the official conformance suite, which knows no token, talk to the service over HTTP.
//   node front.mjs SERVER [ARGUMENT...]     prints its URL; ends with its standard input
// Starts the service and hands on each request with the token added. Host stays what the suite makes of it, but where it
// names this front. A client that goes is gone for the service, too.
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

// Origins of this front, which has any port, become the one that is allowed.
const ALLOWED_PORT = "1";

const [command, ...args] = process.argv.slice(2);
const token = randomBytes(32).toString("hex");
const home = mkdtempSync(join(tmpdir(), "front-"));
const env = { ...process.env, HOME: home, XDG_RUNTIME_DIR: home, BITSPERITY_MQTT_TOKEN: token };
const child = spawn(command, args, { env, stdio: ["ignore", "ignore", "pipe"] });
const lines = createInterface({ input: child.stderr });
const address = await new Promise((resolve, reject) => {
  lines.on("line", (line) => {
    const found = /http:\/\/([0-9.]+):(\d+)/.exec(line);
    if (found) resolve({ host: found[1], port: Number(found[2]) });
    else console.error(line);
  });
  child.on("exit", () => reject(new Error("the service did not start")));
});

const front = createServer((asked, answer) => {
  const own = `${front.address().port}`;
  const headers = { ...asked.headers, authorization: `Bearer ${token}` };
  headers.host = headers.host?.endsWith(`:${own}`) ? headers.host.replace(own, address.port) : headers.host;
  if (headers.origin?.endsWith(`:${own}`)) headers.origin = headers.origin.replace(own, ALLOWED_PORT);
  const { method, url: path } = asked;
  const inner = request({ ...address, method, path, headers, setHost: false, agent: false }, (said) => {
    answer.writeHead(said.statusCode, said.headers);
    said.pipe(answer);
  });
  inner.on("error", () => answer.destroy());
  answer.on("close", () => inner.destroy());
  asked.pipe(inner);
});
front.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${front.address().port}/mcp`));

process.stdin.on("end", () => {
  child.kill();
  rmSync(home, { recursive: true, force: true });
  process.exit(0);
});
process.stdin.resume();
