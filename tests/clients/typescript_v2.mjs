// The TypeScript SDK 2.x; the argument is its mode: legacy, auto or a revision.
import assert from "node:assert/strict";
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { session } from "./session.mjs";

const wanted = process.argv[2];
const mode = ["legacy", "auto"].includes(wanted) ? wanted : { pin: wanted };
const client = new Client({ name: "typescript-v2", version: "1.0.0" }, { versionNegotiation: { mode } });
await client.connect(new StdioClientTransport({ command: process.env.SERVER }));
assert.equal(client.getNegotiatedProtocolVersion() === "2026-07-28", wanted !== "legacy");
const { tools } = await client.listTools();
await session(tools, (name, args, options) => client.callTool({ name, arguments: args }, options));
await client.close();
