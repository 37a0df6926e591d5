"""A small MCP client over the pipes of a child process, and a broker for it: what a package is tried with."""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import threading
import time

from parts.common import Skipped

# A loaded machine may take this long for what takes milliseconds elsewhere.
PATIENCE = 60


class Client:
    def __init__(self, command, environment=None, folder=None):
        clean = {k: v for k, v in os.environ.items() if not k.startswith("BITSPERITY_MQTT_")}
        clean |= environment or {}
        self.child = subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=clean,
            cwd=folder,
            text=True,
        )
        self.next_id = 0
        # A server that does not answer ends, so that the reader does.
        self.watchdog = threading.Timer(PATIENCE, self.child.kill)
        self.watchdog.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.watchdog.cancel()
        self.child.kill()
        self.child.wait()

    def ask(self, method, params):
        self.next_id += 1
        request = {"jsonrpc": "2.0", "id": self.next_id, "method": method, "params": params}
        try:
            self.child.stdin.write(json.dumps(request) + "\n")
            self.child.stdin.flush()
        except BrokenPipeError:
            pass
        for line in self.child.stdout:
            message = json.loads(line)
            if message.get("id") == self.next_id:
                assert "error" not in message, message["error"]
                return message["result"]
        raise AssertionError(f"the server ended: {self.child.stderr.read()}")

    def hello(self):
        about = {"name": "packaging-check", "version": "1"}
        result = self.ask(
            "initialize", {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": about}
        )
        self.child.stdin.write('{"jsonrpc":"2.0","method":"notifications/initialized"}\n')
        return result

    def tool(self, name, arguments):
        result = self.ask("tools/call", {"name": name, "arguments": arguments})
        assert not result.get("isError"), f"{name}: {result['content'][0]['text']}"
        return result["structuredContent"]

    def end(self):
        """Closes standard input, as a host does; the server must end by itself and well."""
        self.child.stdin.close()
        code = self.child.wait(PATIENCE)
        assert code == 0, f"the server ended with {code}: {self.child.stderr.read()}"


@contextlib.contextmanager
def broker():
    """A mosquitto on a port of its own, reachable; none if it is not installed."""
    program = shutil.which("mosquitto", path=os.environ.get("PATH", "") + ":/usr/sbin")
    if not program:
        raise Skipped("mosquitto is not installed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\n"
    child = subprocess.Popen(
        [program, "-c", "/dev/stdin"], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    child.stdin.write(config.encode())
    child.stdin.close()
    try:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                assert child.poll() is None and time.monotonic() < deadline, "mosquitto does not start"
                time.sleep(0.05)
        yield f"mqtt://127.0.0.1:{port}"
    finally:
        child.kill()
        child.wait()


def session(command, version, broker_url, environment=None, folder=None):
    """What a user does first: the tools are listed, a broker connected, a message published and seen."""
    with Client(command, environment, folder) as client:
        hello = client.hello()
        assert hello["serverInfo"]["version"] == version, hello["serverInfo"]
        tools = {tool["name"] for tool in client.ask("tools/list", {})["tools"]}
        assert {"ping", "establish_connection", "publish_message"} <= tools, tools
        opened = client.tool("establish_connection", {"connection_string": broker_url})
        place = {"session_id": opened["session_id"], "topic": "packaging/echo"}
        message = {"payload": '{"installed":true}', "qos": 1, "retain": True}
        published = client.tool("publish_message", place | message)
        assert published["delivered"], published
        heard = client.tool("subscribe_and_collect", place | {"duration": 0.5})
        assert heard["messages"][0]["payload"] == {"installed": True}, heard
        client.tool("close_connection", {"session_id": opened["session_id"]})
        client.end()
