"""The crates: what crates.io demands of them, found before a release and not at it."""

import json
import pathlib
import re
import subprocess

from parts import common
from parts.common import run

_WANTED = ["description", "license", "repository", "readme", "keywords", "categories"]


def crates(job):
    metadata = json.loads(run("cargo", "metadata", "--format-version", "1", "--locked", "--no-deps", cwd=common.ROOT))
    packages = [p for p in metadata["packages"] if p["publish"] != []]
    for package in packages:
        missing = [field for field in _WANTED if not package[field]]
        assert not missing, f"{package['name']} has no {missing}"
        assert len(package["keywords"]) <= 5 and all(len(word) <= 20 for word in package["keywords"])
        listed = run("cargo", "package", "--list", "--allow-dirty", "-p", package["name"], cwd=common.ROOT).split()
        for file in ("README.md", "LICENSE-MIT", "LICENSE-APACHE"):
            assert file in listed, f"{package['name']} is packed without {file}"
        for dependency in package["dependencies"]:
            local = "path" in dependency and dependency["kind"] != "dev"
            assert not local or dependency["req"] != "*", f"{dependency['name']} has no version"
    readme = (common.ROOT / "server/README.md").read_text()
    # crates.io takes comments out, so it must be seen.
    assert f"\nmcp-name: {common.REGISTRY_NAME}\n" in readme, "server/README.md does not name the registry's entry"
    names = [word for package in packages for word in ("-p", package["name"])]
    done = subprocess.run(
        ["cargo", "package", "--no-verify", "--allow-dirty", "--locked", "--offline", *names],
        cwd=common.ROOT, capture_output=True, text=True,
    )
    if done.returncode != 0 and "offline" in done.stderr:
        raise common.Skipped("packing needs the index of crates.io, which is not here")
    assert done.returncode == 0, done.stderr
    return ", ".join(f"{p['name']} {p['version']}" for p in packages)


def numbers(job):
    """The version stands in files that Cargo does not write."""
    version = common.version()
    wanted = {
        "umbrel-app.yml": f'version: "{version}"',
        "packaging/umbrel/docker-compose.yml": f"bitsperity-mqtt-mcp:{version}@sha256:",
        "docker-compose.yml": f"image: bitsperity-mqtt-mcp:{version}\n",
        "Dockerfile": f"ARG VERSION={version}\n",
        "packaging/homeassistant/bitsperity-mqtt-mcp/config.yaml": f'version: "{version}"',
        "packaging/homeassistant/bitsperity-mqtt-mcp/Dockerfile": f"ARG VERSION={version}\n",
        "Cargo.toml": f'bitsperity-mqtt-core = {{ version = "{version}"',
        "CHANGELOG.md": "\n## [Unreleased]\n",
    }
    for file, text in wanted.items():
        assert text in (common.ROOT / file).read_text(), f"{file} does not say {text!r}"
    released = re.findall(r"^## \[(\d\S*)\] - \d{4}-\d\d-\d\d$", (common.ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert released[:1] == [version], f"the newest version in CHANGELOG.md is {released[:1]}"
    run(common.ROOT / "packaging/notes")
    same = [common.ROOT / "umbrel-app.yml", common.ROOT / "packaging/umbrel/umbrel-app.yml"]
    assert same[0].read_bytes() == same[1].read_bytes(), "the two umbrel-app.yml differ"
    changes = [common.ROOT / "CHANGELOG.md", common.ROOT / "packaging/homeassistant/bitsperity-mqtt-mcp/CHANGELOG.md"]
    assert changes[0].read_bytes() == changes[1].read_bytes(), "the two CHANGELOG.md differ"
    return version
