#!/usr/bin/env python3
"""Every tool against one broker, in each version of MQTT that it knows: matrix.py SERVER BROKER PLACE.

Starts the broker on a free port (RabbitMQ on its own port: it binds everywhere, so `run` puts it into a network
namespace), speaks MCP with SERVER over its pipes, prints a row a version: `ok`, or `FAILED` with what came instead.
PLACE holds what `run` has installed. Needs the standard library only. Exit status 77: the broker did not start.
"""

import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import threading
import time

PATIENCE = 60  # seconds for anything that should happen at once; a loaded machine starts RabbitMQ in 30
LISTEN = 1.5  # seconds of each listening tool
TOPIC = "matrix/pump/state"
PAYLOAD = '{"level":21.5,"state":"marked"}'


class Server:
    """One MCP client over pipes: calls may be under way side by side."""

    def __init__(self, binary, arguments):
        self.process = subprocess.Popen(
            [binary, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.answers = {}
        self.arrived = threading.Condition()
        self.ids = 0
        self.log = []
        threading.Thread(target=self._read, daemon=True).start()
        threading.Thread(target=lambda: self.log.extend(self.process.stderr), daemon=True).start()
        client = {"name": "matrix", "version": "1"}
        params = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client}
        self.wait(self.begin("initialize", params))
        self._write({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def _read(self):
        for line in self.process.stdout:
            message = json.loads(line)
            with self.arrived:
                if "method" not in message:
                    self.answers[message.get("id")] = message
                    self.arrived.notify_all()

    def _write(self, message):
        self.process.stdin.write(json.dumps(message) + "\n")
        self.process.stdin.flush()

    def begin(self, method, params):
        self.ids += 1
        self._write({"jsonrpc": "2.0", "id": self.ids, "method": method, "params": params})
        return self.ids

    def wait(self, number):
        with self.arrived:
            if not self.arrived.wait_for(lambda: number in self.answers, PATIENCE):
                raise AssertionError(f"no answer within {PATIENCE} s")
            return self.answers.pop(number)

    def start(self, tool, **arguments):
        return self.begin("tools/call", {"name": tool, "arguments": arguments})

    def result(self, number):
        """The structured result; an AssertionError with the error's words."""
        answer = self.wait(number)
        result = answer.get("result", {})
        if "error" in answer or result.get("isError"):
            raise AssertionError(json.dumps(answer.get("error") or result["content"][0]["text"]))
        return result["structuredContent"]

    def call(self, tool, **arguments):
        return self.result(self.start(tool, **arguments))

    def end(self):
        self.process.stdin.close()
        self.process.wait(PATIENCE)
        assert not any("panic" in line for line in self.log), "".join(self.log)


def free_port():
    with socket.socket() as it:
        it.bind(("127.0.0.1", 0))
        return it.getsockname()[1]


def holds(text):
    """A check that this text stands somewhere in the result."""

    def check(result):
        assert text in json.dumps(result), f"no {text} in {json.dumps(result)[:300]}"

    return check


def row(server, url, version, more):
    """Each tool's name with `ok` or what is wrong."""
    cells = {}

    def cell(tool, number, check=lambda _: None):
        try:
            result = server.result(number)
            check(result)
            cells[tool] = "ok"
            return result
        except AssertionError as error:
            cells[tool] = f"FAILED {error}"
            return {}

    connected = server.start("establish_connection", connection_string=url, protocol=version, **more)
    session = cell("establish_connection", connected).get("session_id")
    if session is None:
        return cells
    publish = {"session_id": session, "topic": TOPIC, "payload": PAYLOAD, "qos": 1}
    cell("publish_message", server.start("publish_message", retain=True, **publish))
    # All that listen do so at once, while messages come.
    of = {"session_id": session, "duration": LISTEN}
    listening = [
        ("list_topics", {"pattern": "matrix/#"}, holds(TOPIC)),
        ("subscribe_and_collect", {"topic": "matrix/#"}, holds("marked")),
        ("get_topic_schema", {"topic": "matrix/#"}, holds("level")),
        ("debug_device", {"device_pattern": "pump"}, holds("pump")),
        ("monitor_performance", {"topics": ["matrix/#"]}, holds("matrix/#")),
    ]
    begun = [(tool, server.start(tool, **of, **arguments), check) for tool, arguments, check in listening]
    until = time.monotonic() + LISTEN
    while time.monotonic() < until:
        server.call("publish_message", **publish)
        time.sleep(0.1)
    for tool, number, check in begun:
        cell(tool, number, check)
    cell("test_connection", server.start("test_connection", session_id=session))
    cell("list_active_connections", server.start("list_active_connections"), holds(session))
    cell("ping", server.start("ping"))
    cell("close_connection", server.start("close_connection", session_id=session))
    return cells


class Broker:
    """A running broker: its process, where it is, what else connecting needs."""

    def __init__(self, command, port, url=None, more=None, arguments=(), env=None, after=None):
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, env={**os.environ, **(env or {})}
        )
        self.port, self.url = port, url or f"mqtt://127.0.0.1:{port}"
        self.more, self.arguments = more or {}, list(arguments)
        self.after = after  # a command, once it takes connections

    def await_start(self):
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                if self.after:
                    subprocess.run(self.after, check=True, capture_output=True, timeout=PATIENCE)
                return True
            except (OSError, subprocess.SubprocessError):  # it may listen before it takes commands
                time.sleep(0.05)
        self.log.seek(0)
        print(self.log.read().decode(errors="replace")[-2000:], file=sys.stderr)
        return False

    def end(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def mosquitto(work, lines=(), listener=(), **more):
    port = free_port()
    config = [*lines, f"listener {port} 127.0.0.1", *listener]
    if not any(line.startswith("allow_anonymous") for line in lines):
        config.append("allow_anonymous true")
    (work / "mosquitto.conf").write_text("\n".join(["user root", *config, ""]))
    os.environ["PATH"] += ":/usr/sbin"
    scheme = more.pop("scheme", "mqtt")
    url = f"{scheme}://{more.pop('user', '')}localhost:{port}" + more.pop("path", "")
    return Broker(["mosquitto", "-c", str(work / "mosquitto.conf")], port, url=url, **more)


def mosquitto_password(work):
    subprocess.run(["mosquitto_passwd", "-b", "-c", str(work / "passwords"), "lena", "sorrel"], check=True)
    lines = ["allow_anonymous false", f"password_file {work}/passwords"]
    return mosquitto(work, lines, user="lena:sorrel@")


def mosquitto_websockets(work):
    # Mosquitto 2.0 does not start with WebSockets alone.
    plain = [f"listener {free_port()} 127.0.0.1"]
    return mosquitto(work, plain, ["protocol websockets"], scheme="ws", path="/mqtt")


def mosquitto_tls(work):
    def openssl(*words):
        subprocess.run(["openssl", *words], cwd=work, check=True, capture_output=True)

    key = ["-newkey", "rsa:2048", "-nodes"]
    openssl("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=matrix CA", "-days", "2")
    openssl("req", *key, "-keyout", "key.pem", "-out", "request.pem", "-subj", "/CN=localhost")
    (work / "names").write_text("subjectAltName=DNS:localhost\n")
    signed = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "names"]
    openssl("x509", "-req", "-in", "request.pem", *signed, "-out", "cert.pem")
    lines = [f"cafile {work}/ca.pem", f"certfile {work}/cert.pem", f"keyfile {work}/key.pem"]
    arguments = ["--set", f"policy.file_roots={work}"]
    return mosquitto(work, (), lines, scheme="mqtts", more={"ca_file": f"{work}/ca.pem"}, arguments=arguments)


def amqtt(work, place):
    port = free_port()
    (work / "amqtt.yaml").write_text(
        f"listeners:\n  default:\n    type: tcp\n    bind: 127.0.0.1:{port}\n"
        "plugins:\n  amqtt.plugins.authentication.AnonymousAuthPlugin:\n    allow_anonymous: true\n"
    )
    return Broker([f"{place}/venv/bin/amqtt", "-c", f"{work}/amqtt.yaml"], port)


def aedes(place):
    port = free_port()
    script = (
        'import { Aedes } from "aedes"; import { createServer } from "node:net";'
        f'createServer((await Aedes.createBroker()).handle).listen({port}, "127.0.0.1");'
    )
    pathlib.Path(f"{place}/node/aedes.mjs").write_text(script)
    return Broker(["node", f"{place}/node/aedes.mjs"], port)


def ejabberd(work):
    (work / "ejabberd.yml").write_text(
        "hosts: [localhost]\nloglevel: warning\nlisten:\n"
        "  - {port: 1883, ip: 127.0.0.1, module: mod_mqtt}\n"
        "modules:\n  mod_mqtt: {access_publish: {}, access_subscribe: {}}\n"
        "auth_method: [internal]\n"
    )
    for folder in ("spool", "logs"):
        (work / folder).mkdir()
    # It runs under a user of its own.
    subprocess.run(["chmod", "-R", "a+rwX", str(work)], check=True)
    command = ["ejabberdctl", "--config", f"{work}/ejabberd.yml", "--spool", f"{work}/spool", "--logs", f"{work}/logs"]
    command += ["--node", "matrix@localhost"]
    url = "mqtt://lena%40localhost:sorrel@127.0.0.1:1883"
    account = [*command, "register", "lena", "localhost", "sorrel"]
    return Broker([*command, "foreground"], 1883, url=url, after=account)


def rabbitmq(work):
    (work / "rabbitmq.conf").write_text("mqtt.allow_anonymous = true\nmqtt.default_user = guest\n")
    (work / "plugins").write_text("[rabbitmq_mqtt].\n")
    env = {
        "HOME": str(work),
        "RABBITMQ_NODENAME": "matrix@localhost",
        "RABBITMQ_CONFIG_FILE": str(work / "rabbitmq.conf"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(work / "plugins"),
        "RABBITMQ_MNESIA_BASE": str(work / "data"),
        "RABBITMQ_LOG_BASE": str(work / "logs"),
    }
    return Broker(["/usr/lib/rabbitmq/bin/rabbitmq-server"], 1883, env=env)


ALL = ("5", "3.1.1", "auto")
LEGACY = ("3.1.1", "auto")  # the broker does not know 5.0

# Name: versions, how it is started.
BROKERS = {
    "mosquitto": (ALL, lambda work, place: mosquitto(work)),
    "mosquitto-password": (ALL, lambda work, place: mosquitto_password(work)),
    "mosquitto-tls": (ALL, lambda work, place: mosquitto_tls(work)),
    "mosquitto-websockets": (ALL, lambda work, place: mosquitto_websockets(work)),
    # Room for what the tools publish and no more.
    "mosquitto-small-packets": (ALL, lambda work, place: mosquitto(work, ["max_packet_size 400"])),
    "amqtt": (LEGACY, amqtt),
    "aedes": (LEGACY, lambda work, place: aedes(place)),
    "ejabberd": (ALL, lambda work, place: ejabberd(work)),
    "rabbitmq": (LEGACY, lambda work, place: rabbitmq(work)),
}


def main():
    binary, name, place = sys.argv[1:]
    versions, start = BROKERS[name]
    failed = False
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:  # a broker may still write there
        broker = start(pathlib.Path(folder), place)
        try:
            if not broker.await_start():
                return 77
            server = Server(binary, broker.arguments)
            for version in versions:
                cells = row(server, broker.url, version, broker.more)
                wrong = {tool: cell for tool, cell in cells.items() if cell != "ok"}
                words = f"{len(cells) - len(wrong)} of 11 tools ok"
                print(f"{name:24} {version:6} {words}", flush=True)
                for tool, cell in wrong.items():
                    print(f"    {tool}: {cell}", flush=True)
                failed = failed or bool(wrong) or len(cells) != 11
            server.end()
        finally:
            broker.end()
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
