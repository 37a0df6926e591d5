"""One session through tools, resources, prompts and completion with the Python SDK; the argument is its mode: auto, legacy or a revision.

SERVER and SERVER_ARGS are a command; with URL and TOKEN in their place it goes over HTTP."""

import json
import os
import sys
import time

import anyio
import httpx2
from mcp import Client, MCPError, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp_types import ResourceTemplateReference

TOOLS = {
    "ping",
    "establish_connection",
    "list_active_connections",
    "close_connection",
    "test_connection",
    "list_topics",
    "subscribe_and_collect",
    "publish_message",
}


async def call(client, name, arguments, **more):
    result = await client.call_tool(name, arguments, **more)
    assert not result.is_error, f"{name}: {result.content[0].text}"
    assert result.structured_content is not None, f"{name} has no structured content"
    return result.structured_content


async def refused(client, name, arguments, word):
    result = await client.call_tool(name, arguments)
    text = result.content[0].text
    assert result.is_error, f"{name} took {arguments}"
    assert word in text, f"{name} does not say {word}: {text}"


async def collect(client, session):
    seen = []

    async def progress(done, total, message):
        seen.append((done, total, message))

    got = await call(
        client,
        "subscribe_and_collect",
        {"session_id": session, "topic": "clients/#", "duration": 5, "max_messages": 1000, "target_size": 10},
        progress_callback=progress,
    )
    assert got["stop_reason"] == "duration" and got["status"] == "complete", got
    assert got["summary"]["received"] >= 50, got["summary"]
    assert got["summary"]["errors"] >= 3, got["summary"]
    assert 0 < len(got["messages"]) <= 10, len(got["messages"])
    assert seen, "no progress was told"
    assert all(a[0] < b[0] for a, b in zip(seen, seen[1:])), f"progress does not increase: {seen}"
    assert seen[0][2], "progress without a message"


async def cancel(client, session):
    """Cancelled at the first progress; the server frees the subscription and goes on answering."""
    told = anyio.Event()

    async def progress(done, total, message):
        told.set()

    began = time.monotonic()
    async with anyio.create_task_group() as group:

        async def listen():
            await client.call_tool(
                "subscribe_and_collect",
                {"session_id": session, "topic": "clients/#", "duration": 60, "max_messages": 10000},
                progress_callback=progress,
            )
            raise AssertionError("the cancelled call returned")

        group.start_soon(listen)
        await told.wait()
        group.cancel_scope.cancel()
    assert time.monotonic() - began < 10
    with anyio.fail_after(5):
        while True:
            listed = await call(client, "list_active_connections", {})
            if listed["sessions"][0]["subscriptions"] == 0:
                return
            await anyio.sleep(0.05)


async def read(client, uri):
    result = await client.read_resource(uri)
    return json.loads(result.contents[0].text)


async def beside(client, session, modern):
    """What there is beside the tools."""
    listed = await client.list_resources()
    assert "mqtt://sessions" in [str(resource.uri) for resource in listed.resources], listed
    templates = await client.list_resource_templates()
    assert len(templates.resource_templates) == 3, templates
    sessions = await read(client, "mqtt://sessions")
    assert sessions["sessions"][0]["session_id"] == session, sessions
    value = await read(client, f"mqtt://{session}/topic/clients/retained")
    assert value["payload"] == {"retained": True}, value
    try:
        await client.read_resource("mqtt://nothing")
        raise AssertionError("a resource that is not there was read")
    except MCPError as error:
        assert error.error.code == (-32602 if modern else -32002), error

    prompts = await client.list_prompts()
    assert len(prompts.prompts) == 4, prompts
    prompt = await client.get_prompt("diagnose_device", {"device": "clients/sensor"})
    assert "clients/sensor" in prompt.messages[0].content.text, prompt
    completed = await client.complete(
        ResourceTemplateReference(uri="mqtt://{session}/topic/{+topic}"),
        {"name": "topic", "value": "clients/re"},
        {"session": session},
    )
    assert completed.completion.values == ["clients/retained"], completed
    if modern:
        uri = f"mqtt://{session}/topic/clients/sensor"
        with anyio.fail_after(10):
            async with client.listen(resource_subscriptions=[uri]) as subscription:
                assert subscription.honored.resource_subscriptions == [uri], subscription.honored
                async for event in subscription:
                    assert event.uri == uri, event
                    break


async def main(mode):
    if url := os.environ.get("URL"):
        headers = {"Authorization": f"Bearer {os.environ['TOKEN']}"}
        async with httpx2.AsyncClient(headers=headers, timeout=30) as http:
            await session(mode, streamable_http_client(url, http_client=http))
    else:
        arguments = os.environ.get("SERVER_ARGS", "").split()
        await session(mode, StdioServerParameters(command=os.environ["SERVER"], args=arguments, env=dict(os.environ)))


async def session(mode, server):
    async with Client(server, mode=mode) as client:
        listed = await client.list_tools()
        names = {tool.name for tool in listed.tools}
        assert TOOLS <= names, f"missing: {TOOLS - names}"
        modern = mode != "legacy"
        assert (client.protocol_version == "2026-07-28") == modern, client.protocol_version

        await call(client, "ping", {})
        made = await call(client, "establish_connection", {"connection_string": os.environ["BROKER"]})
        session = made["session_id"]
        topics = await call(client, "list_topics", {"session_id": session, "topic": "clients/#", "duration": 1})
        assert "clients/sensor" in [topic["topic"] for topic in topics["topics"]], topics
        await beside(client, session, modern)
        await collect(client, session)
        await cancel(client, session)
        published = await call(
            client,
            "publish_message",
            {
                "session_id": session,
                "topic": "clients/echo",
                "payload": '{"state":"ON"}',
                "qos": 2,
                "retain": True,
            },
        )
        assert published["delivered"], published
        place = {"session_id": session, "topic": "clients/echo", "duration": 0.5}
        heard = await call(client, "subscribe_and_collect", place)
        assert heard["messages"][0]["payload"] == {"state": "ON"}, heard
        await refused(client, "list_topics", {"session_id": session, "topic": "a/#/b", "duration": 1}, "#")
        await refused(client, "ping", {"loudly": True}, "loudly")
        await call(client, "close_connection", {"session_id": session})
        await refused(client, "close_connection", {"session_id": session}, "closed")


anyio.run(main, sys.argv[1])
