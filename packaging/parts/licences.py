"""The licences of everything that is linked into the binary, as one text: THIRD-PARTY-LICENSES.txt.

Taken from the sources that Cargo has, so each text is the one that its author gave."""

import pathlib
import re

from . import common

_NAMES = re.compile(r"^(un)?(licen[cs]e|copying|notice|copyright)", re.IGNORECASE)
# Licences that this text may stand for where a crate carries none: our own copies of the standard texts.
_STANDARD = {"Apache-2.0": "LICENSE-APACHE"}

_MADE = {}


def linked(triple):
    """The packages that are linked into the server for a platform: normal dependencies, followed from it."""
    metadata = common.metadata(triple)
    packages = {package["id"]: package for package in metadata["packages"]}
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    own = next(i for i, package in packages.items() if package["name"] == common.NAME)
    reached, left = {own}, [own]
    while left:
        for dependency in nodes[left.pop()]["deps"]:
            normal = any(kind["kind"] is None for kind in dependency["dep_kinds"])
            if normal and dependency["pkg"] not in reached:
                reached.add(dependency["pkg"])
                left.append(dependency["pkg"])
    others = [packages[i] for i in reached if packages[i]["source"] is not None]
    return sorted(others, key=lambda package: (package["name"], package["version"]))


def texts(package):
    folder = pathlib.Path(package["manifest_path"]).parent
    found = []
    for path in sorted(folder.iterdir()):
        if path.is_file() and _NAMES.match(path.name):
            found.append(path)
        if path.is_dir() and path.name.lower() in ("license", "licenses", "licences"):
            found += sorted(inner for inner in path.iterdir() if inner.is_file())
    named = package.get("license_file")
    if named and (folder / named).resolve() not in [path.resolve() for path in found]:
        found.append(folder / named)
    return [path.read_text(encoding="utf-8", errors="replace").strip() for path in found]


def third_party(triple):
    """The text for a platform; each distinct licence text stands once, under the names of those it belongs to."""
    if triple in _MADE:
        return _MADE[triple]
    owners, bare = {}, []
    for package in linked(triple):
        label = f"{package['name']} {package['version']} ({package['license'] or 'see the text'})"
        found = texts(package)
        if not found:
            bare.append((label, package))
        for text in found:
            owners.setdefault(text, []).append(label)
    parts = [
        f"{common.NAME} {common.version()} contains the software below, and the Rust standard library\n"
        "(MIT OR Apache-2.0, https://github.com/rust-lang/rust). Each text is the one its authors gave.\n"
    ]
    if bare:
        parts.append("These carry no text of their own; their licence is the named one, by the named authors:\n")
        for label, package in bare:
            known = any(name in (package["license"] or "") for name in [*_STANDARD, "MIT"])
            if not known:
                raise RuntimeError(f"{label}: no licence text, and none that is known")
            authors = ", ".join(package["authors"]) or package["repository"] or package["name"]
            parts.append(f"  {label}: {authors}")
        parts.append(f"\n{_mit()}\n")
        if any("Apache-2.0" in (package["license"] or "") for _, package in bare):
            owners.setdefault((common.ROOT / _STANDARD["Apache-2.0"]).read_text().strip(), []).append(
                "those of them that are offered under Apache-2.0"
            )
    for text, labels in sorted(owners.items(), key=lambda item: item[1]):
        parts.append("=" * 100)
        parts.append("\n".join(labels))
        parts.append("-" * 100)
        parts.append(text + "\n")
    _MADE[triple] = "\n".join(parts) + "\n"
    return _MADE[triple]


def _mit():
    """The terms of MIT, without our own line of copyright."""
    lines = (common.ROOT / "LICENSE-MIT").read_text().splitlines()
    return "\n".join(line for line in lines if not line.startswith("Copyright")).strip()


def entries(prefix, triple):
    """Our own licences and those of others, below a folder of a package."""
    return [
        common.file_entry(f"{prefix}LICENSE-MIT", "LICENSE-MIT"),
        common.file_entry(f"{prefix}LICENSE-APACHE", "LICENSE-APACHE"),
        common.text_entry(f"{prefix}THIRD-PARTY-LICENSES.txt", third_party(triple)),
    ]
