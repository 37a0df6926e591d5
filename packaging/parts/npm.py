"""npm packages: one with the binary for each platform, and `bitsperity-mqtt-mcp`, which starts the one that npm
installed for this machine. Nothing is downloaded by a script at installation."""

import json

from . import common, licences

SCOPE = "@bitsperity/mqtt-mcp"


def platform_package(platform):
    return f"{SCOPE}-{platform.npm_os}-{platform.npm_cpu}"


def platform_file(platform):
    return f"bitsperity-mqtt-mcp-{platform.npm_os}-{platform.npm_cpu}-{common.version()}.tgz"


def main_file():
    return f"{common.NAME}-{common.version()}.tgz"


def _common(name):
    package = common.package()
    return {
        "name": name,
        "version": package["version"],
        "description": package["description"],
        "license": package["license"],
        "repository": {"type": "git", "url": f"git+{package['repository']}.git"},
        "homepage": package["repository"],
    }


def build(platform, binary, out):
    about = _common(platform_package(platform)) | {
        "os": [platform.npm_os],
        "cpu": [platform.npm_cpu],
        "preferUnplugged": True,
    }
    if platform.linux:
        about["libc"] = ["glibc"]
    readme = f"# {about['name']}\n\nThe binary of `{common.NAME}` for {platform.triple}. Install `{common.NAME}`.\n"
    own = out / platform_file(platform)
    own.write_bytes(
        common.tar_gz(
            [
                common.text_entry("package/package.json", json.dumps(about, indent=2) + "\n"),
                common.text_entry("package/README.md", readme),
                common.Entry(f"package/bin/{platform.exe}", binary.read_bytes(), 0o755),
                *licences.entries("package/", platform.triple),
            ]
        )
    )
    return [own]


def build_main(_platform, _binary, out):
    """The package that users name, for the platforms whose packages lie in `out`."""
    there = [p for p in common.PLATFORMS if (out / platform_file(p)).exists()]
    about = _common(common.NAME) | {
        "mcpName": common.REGISTRY_NAME,
        "keywords": common.package()["keywords"],
        "bin": {common.NAME: "start.js"},
        "engines": {"node": ">=18"},
        "files": ["start.js"],
        "optionalDependencies": {platform_package(p): common.version() for p in there},
    }
    made = out / main_file()
    made.write_bytes(
        common.tar_gz(
            [
                common.text_entry("package/package.json", json.dumps(about, indent=2) + "\n"),
                common.file_entry("package/README.md", "server/README.md"),
                common.file_entry("package/start.js", "packaging/npm/start.js", 0o755),
                common.file_entry("package/LICENSE-MIT", "LICENSE-MIT"),
                common.file_entry("package/LICENSE-APACHE", "LICENSE-APACHE"),
            ]
        )
    )
    return [made]
