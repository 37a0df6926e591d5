// The TypeScript SDK 2.x; the argument is its mode: legacy, auto or a revision.
import assert from "node:assert/strict";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { session, transport } from "./session.mjs";

const wanted = process.argv[2];
const mode = ["legacy", "auto"].includes(wanted) ? wanted : { pin: wanted };
const client = new Client({ name: "typescript-v2", version: "1.0.0" }, { versionNegotiation: { mode } });
await client.connect(transport(StdioClientTransport, StreamableHTTPClientTransport));
assert.equal(client.getNegotiatedProtocolVersion() === "2026-07-28", wanted !== "legacy");
const follow = async (uri, told) => {
  client.setNotificationHandler("notifications/resources/updated", ({ params }) => told(params.uri));
  if (wanted === "legacy") {
    await client.subscribeResource({ uri });
    return () => client.unsubscribeResource({ uri });
  }
  const subscription = await client.listen({ resourceSubscriptions: [uri] });
  assert.deepEqual(subscription.honoredFilter, { resourceSubscriptions: [uri] });
  return () => subscription.close();
};
await session(client, (name, args, options) => client.callTool({ name, arguments: args }, options), follow);
await client.close();
