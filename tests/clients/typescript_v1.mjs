// The TypeScript SDK 1.x, which most hosts have built in.
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { session } from "./session.mjs";

const client = new Client({ name: "typescript-v1", version: "1.0.0" });
await client.connect(new StdioClientTransport({ command: process.env.SERVER }));
await client.ping();
const { tools } = await client.listTools();
await session(tools, (name, args, options) => client.callTool({ name, arguments: args }, undefined, options));
await client.close();
