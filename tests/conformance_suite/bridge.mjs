// Lets the official conformance suite, which speaks HTTP only, talk to a server on standard input and output.
//   node bridge.mjs SERVER [ARGUMENT...]     prints its URL; ends with its standard input
// A session of the 2025 revisions (initialize, then an Mcp-Session-Id) is one process; a request of 2026-07-28 has no
// session, so each is a process of its own. Nothing is changed on the way, but an error's code becomes an HTTP status.
// What HTTP alone demands (headers, Host, Origin, GET streams) is not done here: see expected.tsv.
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { createInterface } from "node:readline";

const command = process.argv.slice(2);
const sessions = new Map();

// One process. `waiting`: what to call with each message, by the id of the request in flight.
function start() {
  const child = spawn(command[0], command.slice(1), { stdio: ["pipe", "pipe", "inherit"] });
  const server = { child, waiting: new Map() };
  child.stdin.on("error", () => {}); // It went; whoever waits hears of it by "exit".
  createInterface({ input: child.stdout }).on("line", (line) => {
    const message = JSON.parse(line);
    // A notification belongs to every request in flight: all of them are of one client.
    const to = "method" in message ? [...server.waiting.values()] : [server.waiting.get(message.id)];
    for (const take of to) take?.(message);
  });
  child.on("exit", () => {
    for (const take of server.waiting.values()) take(undefined);
  });
  return server;
}

const stop = (server) => server.child.stdin.end();

function status(message, modern) {
  if (!modern || !message.error) return 200;
  return message.error.code === -32601 ? 404 : 400;
}

// Writes messages to one POST: a lone answer as JSON, else everything as a stream of events.
function answerOn(response, modern, ended) {
  return (message) => {
    if (message === undefined) return void response.destroy();
    const answers = !("method" in message);
    if (answers && !response.headersSent) {
      response.writeHead(status(message, modern), { "content-type": "application/json" });
      response.end(JSON.stringify(message));
    } else {
      if (!response.headersSent) response.writeHead(200, { "content-type": "text/event-stream" });
      response.write(`event: message\ndata: ${JSON.stringify(message)}\n\n`);
      if (answers) response.end();
    }
    if (answers) ended();
  };
}

function post(request, response, text) {
  const message = JSON.parse(text);
  let id = request.headers["mcp-session-id"];
  const opens = message.method === "initialize" && !message.params?._meta;
  const modern = id === undefined && !opens;
  if (opens) {
    id = randomUUID();
    sessions.set(id, start());
    response.setHeader("mcp-session-id", id);
  }
  const server = modern ? start() : sessions.get(id);
  if (!server) return void response.writeHead(404).end();
  server.child.stdin.write(`${JSON.stringify(message)}\n`);
  if (message.id === undefined || message.id === null) {
    if (modern) stop(server);
    return void response.writeHead(202).end();
  }
  const ended = () => {
    server.waiting.delete(message.id);
    if (modern) stop(server);
  };
  server.waiting.set(message.id, answerOn(response, modern, ended));
  response.on("close", ended);
}

const http = createServer((request, response) => {
  if (request.method === "DELETE") {
    const id = request.headers["mcp-session-id"];
    if (sessions.has(id)) stop(sessions.get(id));
    sessions.delete(id);
    return void response.writeHead(200).end();
  }
  if (request.method !== "POST") return void response.writeHead(405).end();
  let text = "";
  request.setEncoding("utf8");
  request.on("data", (more) => (text += more));
  request.on("end", () => post(request, response, text));
});

http.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${http.address().port}/mcp`));
process.stdin.on("end", () => process.exit(0)).resume();
