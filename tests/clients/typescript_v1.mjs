// The TypeScript SDK 1.x, which most hosts have built in.
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { ResourceUpdatedNotificationSchema } from "@modelcontextprotocol/sdk/types.js";
import { session, transport } from "./session.mjs";

const client = new Client({ name: "typescript-v1", version: "1.0.0" });
await client.connect(transport(StdioClientTransport, StreamableHTTPClientTransport));
await client.ping();
const follow = async (uri, told) => {
  client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => told(params.uri));
  await client.subscribeResource({ uri });
  return () => client.unsubscribeResource({ uri });
};
await session(
  client,
  (name, args, options) => client.callTool({ name, arguments: args }, undefined, options),
  follow,
);
await client.close();
