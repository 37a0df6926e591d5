"""The bundle that Claude Desktop installs by a double click: a zip with a manifest (version 0.3) and the binary.

The manifest has no key for the architecture of the processor, so each platform has a bundle of its own. macOS gets one
for both processors where `lipo` can join the two binaries."""

import json
import pathlib
import shutil
import subprocess
import tempfile

from . import common, licences

_TOOLS = "Connect to MQTT brokers, see topics, collect what matters, debug devices, publish and check the answer."


def name(platform):
    cpu = "universal" if platform.npm_os == "darwin" else platform.npm_cpu
    return f"{common.NAME}-{common.version()}-{platform.npm_os}-{cpu}.mcpb"


def manifest(platform):
    package = common.package()
    program = f"server/{platform.exe}"
    # An optional value that the user leaves empty and that has no default would reach the server as the literal text
    # ${user_config.url}: so each has one.
    settings = {
        "url": ("string", "Broker", "mqtt://, mqtts://, ws:// or wss:// and a host. Empty: the assistant asks for one.", ""),
        "user": ("string", "User name", "Empty if the broker wants none.", ""),
        "password": ("string", "Password", "Kept in the system's keychain; never shown to the assistant.", ""),
        "read_only": ("boolean", "Read only", "The assistant may listen but publish nothing.", False),
    }
    user_config, environment = {}, {}
    for key, (kind, title, description, default) in settings.items():
        row = {"type": kind, "title": title, "description": description, "required": False, "default": default}
        if key == "password":
            row["sensitive"] = True
        user_config[key] = row
        environment[f"BITSPERITY_MQTT_{key.upper()}"] = f"${{user_config.{key}}}"
    return {
        "manifest_version": "0.3",
        "name": common.NAME,
        "display_name": "MQTT",
        "version": package["version"],
        "description": package["description"],
        "long_description": f"{_TOOLS} Nothing is sent anywhere but to your broker and to the assistant.",
        "icon": "icon.png",
        "author": {"name": "bitsperity", "url": package["repository"]},
        "repository": {"type": "git", "url": package["repository"]},
        "documentation": f"{package['repository']}/tree/main/docs",
        "support": f"{package['repository']}/issues",
        "license": package["license"],
        "keywords": package["keywords"],
        "server": {
            "type": "binary",
            "entry_point": program,
            "mcp_config": {"command": "${__dirname}/" + program, "args": [], "env": environment},
        },
        "tools_generated": True,
        "prompts_generated": True,
        "compatibility": {"platforms": [platform.npm_os]},
        "user_config": user_config,
    }


def build(platform, binary, out):
    data = binary.read_bytes()
    if platform.npm_os == "darwin":
        data = _universal(out)
    entries = [
        common.text_entry("manifest.json", json.dumps(manifest(platform), indent=2) + "\n"),
        common.Entry(f"server/{platform.exe}", data, 0o755),
        common.file_entry("icon.png", "packaging/homeassistant/bitsperity-mqtt-mcp/icon.png"),
        *licences.entries("", platform.triple),
    ]
    made = out / name(platform)
    made.write_bytes(common.zipped(entries))
    return [made]


def _universal(out):
    if not shutil.which("lipo"):
        raise common.Skipped("a bundle for macOS needs lipo")
    from . import binaries

    both = [binaries.built(p) for p in common.PLATFORMS if p.npm_os == "darwin"]
    if not all(path.exists() for path in both):
        raise common.Skipped("the binary of the other processor is not built yet")
    with tempfile.TemporaryDirectory() as folder:
        joined = pathlib.Path(folder) / common.NAME
        subprocess.run(["lipo", "-create", "-output", joined, *both], check=True)
        return joined.read_bytes()
