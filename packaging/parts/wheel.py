"""A wheel with the binary as its script, so that `uvx bitsperity-mqtt-mcp` and `pip install` work without Rust."""

import base64
import hashlib

from . import common, licences

_FOLDER = common.NAME.replace("-", "_")


def name(platform):
    return f"{_FOLDER}-{common.version()}-py3-none-{platform.wheel}.whl"


def build(platform, binary, out):
    package, stem = common.package(), f"{_FOLDER}-{common.version()}"
    info = f"{stem}.dist-info"
    repository = package["repository"]
    fields = [
        "Metadata-Version: 2.4",
        f"Name: {common.NAME}",
        f"Version: {common.version()}",
        f"Summary: {package['description']}",
        f"License-Expression: {package['license']}",
        "License-File: LICENSE-MIT",
        "License-File: LICENSE-APACHE",
        "License-File: THIRD-PARTY-LICENSES.txt",
        f"Keywords: {','.join(package['keywords'])}",
        f"Project-URL: Repository, {repository}",
        f"Project-URL: Changelog, {repository}/blob/main/CHANGELOG.md",
        "Classifier: Environment :: Console",
        "Classifier: Programming Language :: Rust",
        "Requires-Python: >=3.8",
        "Description-Content-Type: text/markdown",
    ]
    readme = (common.ROOT / "server/README.md").read_text()
    wheel = ["Wheel-Version: 1.0", f"Generator: {common.NAME} packaging/build", "Root-Is-Purelib: false"]
    # A tag of several platforms stands on a line each.
    wheel += [f"Tag: py3-none-{tag}" for tag in platform.wheel.split(".")]
    entries = [
        common.Entry(f"{stem}.data/scripts/{platform.exe}", binary.read_bytes(), 0o755),
        common.text_entry(f"{info}/METADATA", "\n".join(fields) + f"\n\n{readme}"),
        common.text_entry(f"{info}/WHEEL", "\n".join(wheel) + "\n"),
        *licences.entries(f"{info}/licenses/", platform.triple),
    ]
    record = f"{info}/RECORD"
    lines = [f"{e.path},sha256={_digest(e.data)},{len(e.data)}" for e in entries] + [f"{record},,"]
    entries.append(common.text_entry(record, "\n".join(lines) + "\n"))
    made = out / name(platform)
    made.write_bytes(common.zipped(entries))
    return [made]


def _digest(data):
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
