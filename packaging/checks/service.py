"""The service of an installed binary, started as each package starts it: alone, by Home Assistant's script behind something
like its ingress, and with the environment of Umbrel's compose file."""

import contextlib
import http.client
import json
import os
import socket
import subprocess
import time

from parts import common
from parts.common import Skipped

from .client import PATIENCE
from .packages import clean

TOKEN = "0123456789abcdef0123456789abcdef"
_HELLO = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "packaging-check", "version": "1"},
    },
}


def need_commands(job, *names):
    for name in names:
        if subprocess.run([job.binary, name, "--help"], capture_output=True).returncode != 0:
            raise Skipped(f"this binary has no `{name}`")


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@contextlib.contextmanager
def running(command, environment, port):
    """A service on this port of 127.0.0.1, until the block ends; then it must end, and well."""
    # To a file, which does not block a server that writes much.
    log = open(os.path.join(environment["HOME"], "log"), "w+b")
    child = subprocess.Popen(command, env=environment, stderr=log, stdout=subprocess.DEVNULL)

    def said():
        log.seek(0)
        return log.read().decode()

    try:
        deadline = time.monotonic() + PATIENCE
        while True:
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port), timeout=5).close()
                break
            assert child.poll() is None, f"serve ended: {said()}"
            assert time.monotonic() < deadline, "serve does not listen"
            time.sleep(0.05)
        yield
        child.terminate()
        assert child.wait(PATIENCE) == 0, f"serve ended with {child.returncode}: {said()}"
        assert TOKEN not in said(), "the token is in the log"
    finally:
        child.kill()
        child.wait()
        log.close()


def ask(port, path, host=None, token=None, body=None, **headers):
    """Status and body of an answer."""
    headers |= {"Host": host or f"127.0.0.1:{port}", "Accept": "application/json, text/event-stream"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    if body is not None:
        headers["Content-Type"] = "application/json"
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    with contextlib.closing(connection):
        connection.request("GET" if body is None else "POST", path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()


def mcp(port, token, host=None):
    return ask(port, "/mcp", host, token, json.dumps(_HELLO))[0]


def serve(job):
    need_commands(job, "serve", "health")
    state, port = clean(job.place / "service"), free_port()
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(state),
        "BITSPERITY_MQTT_LISTEN": f"127.0.0.1:{port}",
        "BITSPERITY_MQTT_TOKEN": TOKEN,
        "BITSPERITY_MQTT_URL": job.broker,
    }
    url = f"http://127.0.0.1:{port}"
    with running([job.binary, "serve"], environment, port):
        common.run(job.binary, "health", url)
        status, body = ask(port, "/health")
        assert status == 200 and json.loads(body)["status"] in ("healthy", "degraded"), body
        assert mcp(port, None) == 401, "/mcp is open without a token"
        assert mcp(port, TOKEN) == 200
    gone = subprocess.run([job.binary, "health", url], capture_output=True)
    assert gone.returncode != 0, "`health` calls healthy what does not run"
    # In a container it listens for all, and HEALTHCHECK names no address.
    environment["BITSPERITY_MQTT_LISTEN"] = f"0.0.0.0:{port}"
    with running([job.binary, "serve"], environment, port):
        common.run(job.binary, "health", env=environment)
    return "health, token, /mcp, end"


def ingress(job):
    """Home Assistant's script with the server itself. What its Supervisor tells is the broker of this check; 127.0.0.1 stands
    for the ingress, which hands on the user's Host, a path without its prefix, and headers that say who asks."""
    from . import stores

    need_commands(job, "serve")
    common.need("curl", "jq")
    data, port = clean(job.place / "ingress"), free_port()
    (data / "options.json").write_text(json.dumps({"read_only": True, "log_level": "info", "token": TOKEN}))
    host, broker_port = job.broker.removeprefix("mqtt://").rsplit(":", 1)
    told = {"host": host, "port": int(broker_port), "ssl": False, "username": "", "password": ""}
    with stores.supervisor(told) as supervisor:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(data),
            "DATA": str(data),
            "SUPERVISOR": supervisor,
            "SUPERVISOR_TOKEN": "of-the-test",
            "SERVER": str(job.binary),
            "PORT": str(port),
            "INGRESS": "127.0.0.1",
        }
        script = common.ROOT / "packaging/homeassistant/bitsperity-mqtt-mcp/run"
        with running([script], environment, port):
            through = {"X-Ingress-Path": "/api/hassio_ingress/abc", "X-Remote-User-Name": "me"}
            status, page = ask(port, "/", "homeassistant.local:8123", **through)
            assert status not in (401, 403, 421), f"the ingress gets {status}"
            assert mcp(port, None, "homeassistant.local:8123") == 401, "/mcp is open to the ingress"
            assert mcp(port, TOKEN, "homeassistant.local:8090") == 200
            if status != 200:
                raise Skipped("this binary has no page")
            for absolute in (b'src="/', b'href="/', b"<base "):
                assert absolute not in page, f"the page holds {absolute.decode()}, which leaves the ingress"
    return "page and /mcp as the ingress and an assistant reach them"


def umbrel(job):
    """The server with the environment of Umbrel's compose file."""
    from .stores import yaml_of

    need_commands(job, "serve")
    service = yaml_of("packaging/umbrel/docker-compose.yml")["services"]["server"]
    data, port = clean(job.place / "umbrel"), free_port()
    filled = {"${APP_PASSWORD}": TOKEN * 2, "${DEVICE_DOMAIN_NAME}": "casa.local", "${APP_PROXY_HOSTNAME}": "localhost", "/data": str(data)}
    environment = {"PATH": os.environ["PATH"], "HOME": str(data)}
    for name, value in service["environment"].items():
        for placeholder, given in filled.items():
            value = value.replace(placeholder, given)
        environment[name] = value
    environment["BITSPERITY_MQTT_LISTEN"] = f"0.0.0.0:{port}"
    with running([job.binary, *service["command"].split()], environment, port):
        for host in ("umbrel.local:8737", "casa.local:8737"):
            assert mcp(port, TOKEN * 2, host) == 200, host
        assert mcp(port, None, "umbrel.local:8737") == 401
        assert ask(port, "/api/sessions", "umbrel.local:8737")[0] == 200, "the page asks for a token behind app_proxy"
    environment["BITSPERITY_MQTT_TRUSTED_PROXY"] = "elsewhere.invalid"
    with running([job.binary, *service["command"].split()], environment, port):
        assert mcp(port, TOKEN * 2, "evil.example:8737") == 421, "any name is taken for its own"
        assert ask(port, "/api/sessions", "umbrel.local:8737")[0] == 401, "the API is open to anybody"
    return "token, names, page"
