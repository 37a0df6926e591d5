"""What all parts share: the project's facts from Cargo, the platforms, deterministic archives, running things."""

import gzip
import hashlib
import io
import json
import os
import pathlib
import re
import shutil
import subprocess
import tarfile
import time
import zipfile
from dataclasses import dataclass

ROOT = pathlib.Path(__file__).resolve().parents[2]
NAME = "bitsperity-mqtt-mcp"
# The identifier in the MCP registry; README.md and the image's label name the same.
REGISTRY_NAME = "io.github.bitsperity/bitsperity-mqtt-mcp"
# Debian 12, Raspberry Pi OS 12 and Ubuntu 22.04 have 2.35 or newer; the wheel's tag promises this one.
GLIBC = (2, 34)


# Of compression, 1 to 9; packaging/build --fast lowers it.
LEVEL = 9


class Skipped(Exception):
    """A part that cannot be done here; the text says why."""


@dataclass(frozen=True)
class Platform:
    """One platform, by the names that each kind of package has for it."""

    triple: str
    deb: str
    wheel: str
    npm_os: str
    npm_cpu: str

    @property
    def exe(self):
        return NAME + (".exe" if "windows" in self.triple else "")

    @property
    def linux(self):
        return "linux" in self.triple


_MANYLINUX = f"manylinux_{GLIBC[0]}_{GLIBC[1]}"
PLATFORMS = [
    Platform("x86_64-unknown-linux-gnu", "amd64", f"{_MANYLINUX}_x86_64", "linux", "x64"),
    Platform("aarch64-unknown-linux-gnu", "arm64", f"{_MANYLINUX}_aarch64", "linux", "arm64"),
    Platform("armv7-unknown-linux-gnueabihf", "armhf", f"{_MANYLINUX}_armv7l", "linux", "arm"),
    Platform("x86_64-apple-darwin", "", "macosx_11_0_x86_64", "darwin", "x64"),
    Platform("aarch64-apple-darwin", "", "macosx_11_0_arm64", "darwin", "arm64"),
    Platform("x86_64-pc-windows-msvc", "", "win_amd64", "win32", "x64"),
    # What a Linux with mingw can make; `cargo check` passes, nobody has run it.
    Platform("x86_64-pc-windows-gnu", "", "win_amd64", "win32", "x64"),
]


def platform(triple):
    for known in PLATFORMS:
        if known.triple == triple:
            return known
    raise SystemExit(f"unknown platform {triple}; known: {', '.join(p.triple for p in PLATFORMS)}")


def run(*command, **more):
    """Runs a command and returns its standard output; a failure names the command and shows what it said."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, **more)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def need(*tools):
    """Raises Skipped unless all of these programs are installed."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    missing = [tool for tool in tools if not shutil.which(tool, path=path)]
    if missing:
        raise Skipped(f"not installed: {', '.join(missing)}")


def metadata(triple=None):
    command = ["cargo", "metadata", "--format-version", "1", "--locked"]
    if triple:
        command += ["--filter-platform", triple]
    return json.loads(run(*command, cwd=ROOT))


_PACKAGE = None


def package():
    """The server's package as Cargo describes it."""
    global _PACKAGE
    if _PACKAGE is None:
        text = run("cargo", "metadata", "--format-version", "1", "--locked", "--no-deps", cwd=ROOT)
        _PACKAGE = next(p for p in json.loads(text)["packages"] if p["name"] == NAME)
    return _PACKAGE


def version():
    return package()["version"]


def host():
    for line in run("rustc", "-vV").splitlines():
        if line.startswith("host: "):
            return line.removeprefix("host: ")
    raise RuntimeError("rustc names no host")


def epoch():
    """The time of the last commit: what is in a package has this time, so the same sources give the same bytes."""
    given = os.environ.get("SOURCE_DATE_EPOCH")
    if given:
        return int(given)
    try:
        return int(run("git", "log", "-1", "--format=%ct", cwd=ROOT))
    except (RuntimeError, FileNotFoundError, ValueError):
        # Sources without git: the beginning of 2020, since zip knows no year before 1980.
        return 1577836800


@dataclass
class Entry:
    """A file in a package."""

    path: str
    data: bytes
    mode: int = 0o644


def text_entry(path, text, mode=0o644):
    return Entry(path, text.encode(), mode)


def file_entry(path, source, mode=0o644):
    return Entry(path, (ROOT / source).read_bytes(), mode)


def documents(prefix):
    """README.md and what it links to, below a folder of a package."""
    files = ["README.md", "CHANGELOG.md", "SECURITY.md", "ARCHITECTURE.md", "CONTRIBUTING.md"]
    files += [str(path.relative_to(ROOT)) for path in sorted((ROOT / "docs").iterdir())]
    return [file_entry(prefix + file, file) for file in files]


def tar_gz(entries, folders=()):
    """Bytes of a .tar.gz with files (and empty folders) of root, in the order given."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for path, mode in folders:
            info = tarfile.TarInfo(path)
            info.type, info.mode, info.mtime = tarfile.DIRTYPE, mode, epoch()
            info.uname = info.gname = "root"
            tar.addfile(info)
        for entry in entries:
            info = tarfile.TarInfo(entry.path)
            info.size, info.mode, info.mtime = len(entry.data), entry.mode, epoch()
            info.uname = info.gname = "root"
            tar.addfile(info, io.BytesIO(entry.data))
    return gzip.compress(raw.getvalue(), LEVEL, mtime=0)


def zipped(entries):
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED, compresslevel=LEVEL) as archive:
        for entry in entries:
            info = zipfile.ZipInfo(entry.path, time.gmtime(epoch())[:6])
            info.compress_type = zipfile.ZIP_DEFLATED
            info.create_system = 3  # Unix, so that the mode counts
            info.external_attr = (0o100000 | entry.mode) << 16
            archive.writestr(info, entry.data)
    return raw.getvalue()


def sha256(path):
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


def glibc_needed(binary):
    """The newest version of glibc that a binary asks for."""
    need("readelf")
    found = re.findall(r"GLIBC_(\d+)\.(\d+)", run("readelf", "--version-info", "--wide", binary))
    return max((int(a), int(b)) for a, b in found)
