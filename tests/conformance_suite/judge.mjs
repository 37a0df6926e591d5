// Runs the suite over HTTP and compares each check that is not a success with expected.tsv: one that is not
// listed there fails the run, and so does a listed one that succeeds, or does not come at all.
//   node judge.mjs FIXTURES SERVER     the program that serves the suite's fixtures, and the real server
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const [fixtures, server] = process.argv.slice(2);
const here = import.meta.dirname;
const SUITE = join(here, "node_modules/@modelcontextprotocol/conformance/dist/index.js");
const SUITE_OF_2025 = join(here, "node_modules/conformance-of-2025/dist/index.js");

// Of the real server, what needs no fixture.
const BARE = {
  "2025-11-25": ["server-initialize", "ping", "tools-list", "resources-list", "prompts-list"],
  "2026-07-28": ["tools-list", "resources-list", "prompts-list", "caching", "sep-2164-resource-not-found"],
};

const expected = new Map();
for (const line of readFileSync(join(here, "expected.tsv"), "utf8").split("\n")) {
  if (line === "" || line.startsWith("#")) continue;
  const [run, scenario, checks, reason] = line.split("\t");
  if (!reason) throw new Error(`expected.tsv: no reason in: ${line}`);
  for (const check of checks.split(" ")) expected.set(`${run} ${scenario} ${check}`, reason);
}

async function front(program, ...args) {
  const child = spawn(process.execPath, [join(here, "front.mjs"), program, ...args], { stdio: ["pipe", "pipe", "inherit"] });
  for await (const url of createInterface({ input: child.stdout })) return { url, stop: () => child.stdin.end() };
  throw new Error("the service did not start");
}

function suite(script, args) {
  const child = spawn(process.execPath, [script, "server", ...args], { stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  child.stdout.on("data", (text) => (said += text));
  child.stderr.on("data", (text) => (said += text));
  return new Promise((resolve) => child.on("close", () => resolve(said)));
}

// One run of the suite; gives the number of scenarios and of good checks, and `scenario check` of all the others.
async function run(script, args) {
  const out = mkdtempSync(join(tmpdir(), "conformance-"));
  const said = await suite(script, [...args, "-o", out]);
  const seen = { scenarios: 0, good: 0, others: new Set(), said };
  for (const folder of readdirSync(out)) {
    const scenario = /^server-(.*)-\d{4}-\d\d-\d\dT/.exec(folder)[1];
    seen.scenarios += 1;
    for (const check of JSON.parse(readFileSync(join(out, folder, "checks.json"), "utf8"))) {
      if (check.status === "SUCCESS") seen.good += 1;
      else if (check.status !== "INFO") seen.others.add(`${scenario} ${check.id}`);
    }
  }
  rmSync(out, { recursive: true });
  return seen;
}

let failed = false;
function complain(text) {
  console.error(`!!! ${text}`);
  failed = true;
}

function judge(name, seen, atLeast) {
  const listed = [...expected.keys()].filter((key) => key.startsWith(`${name} `));
  const others = new Set([...seen.others].map((other) => `${name} ${other}`));
  for (const other of others) if (!expected.has(other)) complain(`not a success: ${other}`);
  for (const key of listed) if (!others.has(key)) complain(`a success, or not run: ${key}; take it off expected.tsv`);
  if (seen.scenarios < atLeast) complain(`${name}: ${seen.scenarios} scenarios were run, not ${atLeast}\n${seen.said}`);
  console.log(`${name}: ${seen.scenarios} scenarios, ${seen.good} checks good, ${others.size} do not apply`);
}

const of = await front(fixtures);
judge("2026-07-28", await run(SUITE, ["--url", of.url, "--requirements", "2026-07-28"]), 50);
judge("2025-11-25", await run(SUITE, ["--url", of.url, "--requirements", "2025-11-25"]), 33);
judge("0.1.16", await run(SUITE_OF_2025, ["--url", of.url, "--suite", "all"]), 32);
of.stop();

const real = await front(server, "serve", "--set", "listen=127.0.0.1:0", "--set", "allowed_origins=http://localhost:1,http://127.0.0.1:1");
for (const [revision, scenarios] of Object.entries(BARE)) {
  const all = { scenarios: 0, good: 0, others: new Set(), said: "" };
  for (const scenario of scenarios) {
    const seen = await run(SUITE, ["--url", real.url, "--spec-version", revision, "--scenario", scenario]);
    for (const other of seen.others) all.others.add(other);
    for (const sum of ["scenarios", "good", "said"]) all[sum] += seen[sum];
  }
  judge(`server ${revision}`, all, scenarios.length);
}
real.stop();
process.exitCode = failed ? 1 : 0;
