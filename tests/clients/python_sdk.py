"""One session through the tools with the Python SDK; the argument is its mode: auto, legacy or a revision."""

import os
import sys
import time

import anyio
from mcp import Client, StdioServerParameters

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


async def main(mode):
    server = StdioServerParameters(command=os.environ["SERVER"])
    async with Client(server, mode=mode) as client:
        listed = await client.list_tools()
        names = {tool.name for tool in listed.tools}
        assert TOOLS <= names, f"missing: {TOOLS - names}"
        modern = mode != "legacy"
        assert (client.protocol_version == "2026-07-28") == modern, client.protocol_version

        await call(client, "ping", {})
        made = await call(client, "establish_connection", {"connection_string": os.environ["BROKER"]})
        session = made["session_id"]
        topics = await call(client, "list_topics", {"session_id": session, "pattern": "clients/#", "duration": 1})
        assert "clients/sensor" in [topic["topic"] for topic in topics["topics"]], topics
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
                "expect": {"topic": "clients/echo", "seconds": 5, "answers": 1},
            },
        )
        assert published["delivered"] and published["answered"], published
        assert published["answers"][0]["payload"] == {"state": "ON"}, published
        await refused(client, "list_topics", {"session_id": session, "pattern": "a/#/b", "duration": 1}, "#")
        await refused(client, "ping", {"loudly": True}, "loudly")
        await call(client, "close_connection", {"session_id": session})
        await refused(client, "close_connection", {"session_id": session}, "closed")


anyio.run(main, sys.argv[1])
