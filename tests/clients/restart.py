"""The same as restart.mjs, with the Python SDK; the argument is its mode."""

import os
import subprocess
import sys

import anyio
import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client


async def main(mode):
    headers = {"Authorization": f"Bearer {os.environ['TOKEN']}"}
    async with httpx2.AsyncClient(headers=headers, timeout=30) as http:
        async with Client(streamable_http_client(os.environ["URL"], http_client=http), mode=mode) as client:
            connect = ("establish_connection", {"connection_string": os.environ["BROKER"]})
            assert not (await client.call_tool(*connect)).is_error
            subprocess.run([os.environ["RESTART"]], check=True)
            open_now = await client.call_tool("list_active_connections", {})
            assert open_now.structured_content["sessions"] == [], open_now
            assert not (await client.call_tool(*connect)).is_error


anyio.run(main, sys.argv[1])
