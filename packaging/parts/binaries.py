"""Where the binaries come from: BINARY names one, else Cargo builds it."""

import os
import pathlib
import subprocess

from . import common

_LINKERS = {
    "aarch64-unknown-linux-gnu": "aarch64-linux-gnu-gcc",
    "armv7-unknown-linux-gnueabihf": "arm-linux-gnueabihf-gcc",
}


def built(platform):
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", common.ROOT / "target"))
    return target / platform.triple / "release" / platform.exe


def find(platform, given):
    """The binary for a platform, `given` if that is not None; on glibc one that Debian 12 can run."""
    if given:
        path = pathlib.Path(given).resolve()
    else:
        path = built(platform)
        _build(platform)
    if platform.triple.endswith(("gnu", "gnueabihf")) and platform.linux:
        needed = common.glibc_needed(path)
        if needed > common.GLIBC:
            raise RuntimeError(f"{path} needs glibc {needed}, but the packages promise {common.GLIBC}")
    return path


def _build(platform):
    environment = dict(os.environ)
    linker = _LINKERS.get(platform.triple)
    if linker and platform.triple != common.host():
        common.need(linker)
        under = platform.triple.replace("-", "_")
        environment.setdefault(f"CC_{under}", linker)
        environment.setdefault(f"CARGO_TARGET_{under.upper()}_LINKER", linker)
    command = ["cargo", "build", "--release", "--locked", "-p", common.NAME, "--target", platform.triple]
    if subprocess.run(command, cwd=common.ROOT, env=environment).returncode != 0:
        raise RuntimeError(f"{' '.join(command)} failed")
