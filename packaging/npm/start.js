#!/usr/bin/env node
// Starts the binary that npm installed for this platform, with the same arguments, input and output, and ends as it does.
"use strict";

const { spawn } = require("node:child_process");
const { constants } = require("node:os");

const name = `@bitsperity/mqtt-mcp-${process.platform}-${process.arch}`;
const file = process.platform === "win32" ? "bitsperity-mqtt-mcp.exe" : "bitsperity-mqtt-mcp";

let binary;
try {
  binary = require.resolve(`${name}/bin/${file}`);
} catch {
  console.error(
    `bitsperity-mqtt-mcp: the package ${name} is not installed. Either there is no binary for this platform, or npm ` +
      "was told to leave optional dependencies out (--omit=optional). Other ways to install: " +
      "https://github.com/bitsperity/bitsperity-mqtt-mcp",
  );
  process.exit(1);
}

const server = spawn(binary, process.argv.slice(2), { stdio: "inherit" });
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(signal, () => server.kill(signal));
}
server.on("error", (error) => {
  console.error(`bitsperity-mqtt-mcp: ${error.message}`);
  process.exit(1);
});
server.on("exit", (code, signal) => {
  process.exit(signal ? 128 + constants.signals[signal] : code);
});
