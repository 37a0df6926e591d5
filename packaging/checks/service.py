"""The service of an installed binary: `serve` in a folder of its own, asked by `health`, by HTTP and by MCP."""

import contextlib
import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request

from parts import common
from parts.common import Skipped

from .client import PATIENCE
from .packages import clean

TOKEN = "0123456789abcdef0123456789abcdef"


@contextlib.contextmanager
def running(job, binary, environment):
    """`serve` on a free port; gives its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    state = clean(job.place / "service")
    own = {
        "PATH": os.environ["PATH"],
        "HOME": str(state),
        "BITSPERITY_MQTT_LISTEN": address,
        "BITSPERITY_MQTT_STATE_DIR": str(state),
        "BITSPERITY_MQTT_SOCKET": str(state / "socket"),
        "BITSPERITY_MQTT_TOKEN": TOKEN,
        **environment,
    }
    child = subprocess.Popen([binary, "serve"], env=own, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                urllib.request.urlopen(f"http://{address}/health", timeout=5).close()
                break
            except OSError:
                assert child.poll() is None, f"serve ended: {child.stderr.read().decode()}"
                assert time.monotonic() < deadline, "serve does not answer"
                time.sleep(0.05)
        yield f"http://{address}"
    finally:
        child.terminate()
        child.wait(PATIENCE)


def serve(job):
    known = subprocess.run([job.binary, "serve", "--help"], capture_output=True)
    if known.returncode != 0:
        raise Skipped("this binary has no `serve`")
    with running(job, job.binary, {"BITSPERITY_MQTT_URL": job.broker}) as url:
        # As the HEALTHCHECK of the image.
        common.run(job.binary, "health", url)
        health = json.load(urllib.request.urlopen(f"{url}/health"))
        assert health["status"] in ("healthy", "degraded"), health
        assert mcp(url, None) == 401, "/mcp is open without a token"
        assert mcp(url, TOKEN) == 200
    gone = subprocess.run([job.binary, "health", url], capture_output=True)
    assert gone.returncode != 0, "`health` calls healthy what does not run"
    return "health, token, /mcp"


def mcp(url, token):
    """The status of an initialize."""
    params = {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "packaging-check", "version": "1"},
    }
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}).encode()
    headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    try:
        return urllib.request.urlopen(urllib.request.Request(f"{url}/mcp", body, headers)).status
    except urllib.error.HTTPError as refused:
        return refused.code
