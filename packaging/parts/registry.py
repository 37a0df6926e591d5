"""server.json, with which the MCP registry lists the release: schema 2025-12-11, packages mcpb, oci and cargo."""

import json

from . import common, mcpb

SCHEMA = "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json"
# The registry takes 100 characters at most.
_DESCRIPTION = "Lets an AI assistant work with MQTT brokers: see topics, keep what matters, debug devices, publish"

_ENVIRONMENT = [
    {
        "name": "BITSPERITY_MQTT_URL",
        "description": "Broker of the name 'default'; without it the assistant needs an address",
        "format": "string",
        "placeholder": "mqtt://192.168.1.7:1883",
    },
    {"name": "BITSPERITY_MQTT_USER", "description": "User name at the broker", "format": "string"},
    {
        "name": "BITSPERITY_MQTT_PASSWORD",
        "description": "Password at the broker; the assistant never sees it",
        "format": "string",
        "isSecret": True,
    },
    {
        "name": "BITSPERITY_MQTT_READ_ONLY",
        "description": "true: nothing can be published",
        "format": "boolean",
        "default": "false",
    },
]


def content(out):
    package, version = common.package(), common.version()
    release = f"{package['repository']}/releases/download/v{version}"
    stdio = {"transport": {"type": "stdio"}, "environmentVariables": _ENVIRONMENT}
    packages = []
    for name in dict.fromkeys(mcpb.name(platform) for platform in common.PLATFORMS):
        bundle = out / name
        if bundle.exists():
            packages.append(
                {
                    "registryType": "mcpb",
                    "identifier": f"{release}/{bundle.name}",
                    "fileSha256": common.sha256(bundle),
                    **stdio,
                }
            )
    packages.append(
        {
            "registryType": "oci",
            "identifier": f"ghcr.io/bitsperity/{common.NAME}:{version}",
            "runtimeHint": "docker",
            "runtimeArguments": [{"type": "named", "name": "--network", "value": "host"}],
            **stdio,
        }
    )
    packages.append({"registryType": "cargo", "identifier": common.NAME, "version": version, **stdio})
    return {
        "$schema": SCHEMA,
        "name": common.REGISTRY_NAME,
        "title": "MQTT",
        "description": _DESCRIPTION,
        "version": version,
        "websiteUrl": package["repository"],
        "repository": {"url": package["repository"], "source": "github"},
        "packages": packages,
    }


def build(_platform, _binary, out):
    made = out / "server.json"
    made.write_text(json.dumps(content(out), indent=2) + "\n")
    return [made]
