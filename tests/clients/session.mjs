// One session through tools, resources, prompts and completion, the same for both TypeScript SDKs. Theirs are
// `call(name, arguments, options)` and `follow(uri, told)`, which gives what ends it.
import assert from "node:assert/strict";

const TOOLS = [
  "ping",
  "establish_connection",
  "list_active_connections",
  "close_connection",
  "test_connection",
  "list_topics",
  "subscribe_and_collect",
  "publish_message",
];

// SERVER and SERVER_ARGS are a command; with URL and TOKEN in their place it goes over HTTP.
export function transport(Stdio, Http) {
  const { URL: url, TOKEN: token, SERVER: command, SERVER_ARGS: more } = process.env;
  const args = (more ?? "").split(" ").filter(Boolean);
  if (!url) return new Stdio({ command, args, env: { ...process.env } });
  return new Http(new URL(url), { requestInit: { headers: { Authorization: `Bearer ${token}` } } });
}

export async function session(client, call, follow) {
  const { tools } = await client.listTools();
  const names = tools.map((tool) => tool.name);
  for (const name of TOOLS) assert.ok(names.includes(name), `${name} is not listed`);

  const good = async (name, args, options) => {
    const result = await call(name, args, options);
    assert.ok(!result.isError, `${name}: ${result.content[0].text}`);
    assert.equal(typeof result.structuredContent, "object", `${name} has no structured content`);
    return result.structuredContent;
  };
  const refused = async (name, args, word) => {
    const result = await call(name, args);
    assert.ok(result.isError, `${name} took ${JSON.stringify(args)}`);
    assert.ok(result.content[0].text.includes(word), `${name} does not say ${word}: ${result.content[0].text}`);
  };

  await good("ping", {});
  const { session_id } = await good("establish_connection", { connection_string: process.env.BROKER });
  const listed = await good("list_topics", { session_id, pattern: "clients/#", duration: 1 });
  assert.ok(listed.topics.some((topic) => topic.topic === "clients/sensor"), "clients/sensor was not seen");

  const progress = [];
  const collected = await good(
    "subscribe_and_collect",
    { session_id, topic: "clients/#", duration: 5, max_messages: 1000, target_size: 10 },
    { onprogress: (tick) => progress.push(tick) },
  );
  assert.equal(collected.stop_reason, "duration");
  assert.ok(collected.summary.received >= 50, JSON.stringify(collected.summary));
  assert.ok(collected.messages.length > 0 && collected.messages.length <= 10);
  assert.ok(progress.length > 0, "no progress was told");
  for (let i = 1; i < progress.length; i++) assert.ok(progress[i - 1].progress < progress[i].progress);

  await beside(client, session_id, follow);
  await cancelled(call, good, session_id);

  const published = await good("publish_message", {
    session_id,
    topic: "clients/echo",
    payload: '{"state":"ON"}',
    qos: 2,
    retain: true,
  });
  assert.ok(published.delivered, JSON.stringify(published));
  const heard = await good("subscribe_and_collect", { session_id, topic: "clients/echo", duration: 0.5 });
  assert.deepEqual(heard.messages[0].payload, { state: "ON" });
  await refused("list_topics", { session_id, pattern: "a/#/b", duration: 1 }, "#");
  await refused("ping", { loudly: true }, "loudly");
  await good("close_connection", { session_id });
  await refused("close_connection", { session_id }, "closed");
}

// Cancelled at the first progress; the server frees the subscription and goes on answering.
async function cancelled(call, good, session_id) {
  const abort = new AbortController();
  const listening = call(
    "subscribe_and_collect",
    { session_id, topic: "clients/#", duration: 50 },
    { signal: abort.signal, onprogress: () => abort.abort("enough") },
  );
  await assert.rejects(listening);
  const deadline = Date.now() + 5000;
  for (;;) {
    const { sessions } = await good("list_active_connections", {});
    if (sessions[0].subscriptions === 0) return;
    assert.ok(Date.now() < deadline, "the subscription outlived its cancelled call");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

// What there is beside the tools.
async function beside(client, session_id, follow) {
  const read = async (uri) => JSON.parse((await client.readResource({ uri })).contents[0].text);
  const { resources } = await client.listResources();
  assert.ok(resources.some((resource) => resource.uri === "mqtt://sessions"));
  const { resourceTemplates } = await client.listResourceTemplates();
  assert.equal(resourceTemplates.length, 3);
  assert.equal((await read("mqtt://sessions")).sessions[0].session_id, session_id);
  assert.deepEqual((await read(`mqtt://${session_id}/topic/clients/retained`)).payload, { retained: true });
  await assert.rejects(client.readResource({ uri: "mqtt://nothing" }));

  const { prompts } = await client.listPrompts();
  assert.equal(prompts.length, 4);
  const prompt = await client.getPrompt({ name: "diagnose_device", arguments: { device: "clients/sensor" } });
  assert.ok(prompt.messages[0].content.text.includes("clients/sensor"));
  const completed = await client.complete({
    ref: { type: "ref/resource", uri: "mqtt://{session}/topic/{+topic}" },
    argument: { name: "topic", value: "clients/re" },
    context: { arguments: { session: session_id } },
  });
  assert.deepEqual(completed.completion.values, ["clients/retained"]);

  const uri = `mqtt://${session_id}/topic/clients/sensor`;
  let end;
  const told = new Promise((resolve) => {
    end = follow(uri, resolve);
  });
  assert.equal(await told, uri);
  await (await end)();
}
