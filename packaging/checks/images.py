"""The image: rules for the Dockerfile; and, where buildah is, its steps carried out on stand-ins for the base images, which
cannot be had everywhere. The stand-in for the compiler's image has a `cargo` that copies the binary which is at hand."""

import os
import pathlib
import re
import shutil
import subprocess

from parts import common, image
from parts.common import Skipped, run

from . import client
from .packages import clean

# Of the binary, what else is in the image comes on top: glibc and certificates, 5 MB in distroless.
MAX_BINARY = 10_000_000


def dockerfile(job):
    text = (common.ROOT / "Dockerfile").read_text()
    last = text[text.rindex("\nFROM ") :]
    assert re.search(r"^USER \d+:\d+$", last, re.MULTILINE), "the user is not given by number"
    assert "USER 0" not in last
    assert re.search(r'^HEALTHCHECK .* CMD \["/usr/local/bin/bitsperity-mqtt-mcp", "health"\]$', last, re.MULTILINE)
    assert re.search(r"^ENTRYPOINT \[", last, re.MULTILINE) and "RUN" not in last, "there is no shell in it"
    for label in ("title", "description", "source", "licenses", "version"):
        assert f"org.opencontainers.image.{label}=" in last, label
    assert image.bases() == ["rust:1.95-slim-bookworm", "gcr.io/distroless/cc-debian12:nonroot"]
    if job.quick:
        return "rules"
    return _build(job)


def _build(job):
    common.need("buildah", "busybox", "ldd")
    place = clean(job.place / "image")
    storage = ["--root", place / "storage", "--runroot", place / "run", "--storage-driver", "vfs"]
    builder, base = image.bases()
    _stand_in(storage, place / "builder", builder, _builder(place / "builder", job.binary))
    _stand_in(storage, place / "base", base, _base(place / "base", job.binary))
    tag = f"localhost/{common.NAME}:check"
    run(
        "buildah", *storage, "build", "--isolation", "chroot", "--pull-never", "--format", "docker",
        "--tag", tag, common.ROOT,
    )
    container = run("buildah", *storage, "from", "--pull-never", tag).strip()
    settings = run("buildah", *storage, "inspect", "--type", "image", tag)
    for wanted in ('"User": "65532:65532"', '"Healthcheck"', "io.modelcontextprotocol.server.name"):
        assert wanted in settings, f"the image has no {wanted}"
    root = pathlib.Path(run("buildah", *storage, "mount", container).strip())
    assert (root / "data").stat().st_uid == 65532, "/data belongs to somebody else"
    assert not (root / "bin/sh").exists()
    # As the image's user, in its root, without capabilities.
    common.need("chroot", "setpriv")
    inside = [
        "chroot", "--userspec=65532:65532", str(root), f"/usr/local/bin/{common.NAME}",
    ]
    client.session(
        ["setpriv", "--no-new-privs", "--bounding-set=-all,+setuid,+setgid,+sys_chroot", *inside],
        common.version(), job.broker,
    )
    size = (root / "usr/local/bin" / common.NAME).stat().st_size
    assert size <= MAX_BINARY, f"all is well but the binary, which has {size:,} bytes"
    shutil.rmtree(place, ignore_errors=True)
    return "its steps on stand-ins for both base images, and the result run as its user"


def _stand_in(storage, root, name, settings):
    """An image of this name from a folder."""
    container = run("buildah", *storage, "from", "scratch").strip()
    run("buildah", *storage, "copy", container, root, "/")
    run("buildah", *storage, "config", *settings, container)
    run("buildah", *storage, "commit", "--format", "docker", container, name)
    run("buildah", *storage, "rm", container)


def _builder(root, binary):
    for folder in ("bin", "usr/local/bin", "tmp", "src"):
        (root / folder).mkdir(parents=True)
    busybox = shutil.which("busybox")
    shutil.copy(busybox, root / "bin/busybox")
    for tool in ("sh", "mkdir", "cp", "rm", "find", "sed", "dirname", "test", "["):
        os.link(root / "bin/busybox", root / "bin" / tool)
    shutil.copy(binary, root / "binary")
    cargo = root / "usr/local/bin/cargo"
    # Demands what Cargo would: the manifests, and sources where they say.
    cargo.write_text(
        "#!/bin/sh\nset -eu\nfor f in Cargo.toml Cargo.lock core/src/lib.rs server/src/main.rs; do test -f $f; done\n"
        "mkdir -p target/release\ncp /binary target/release/bitsperity-mqtt-mcp\n"
    )
    cargo.chmod(0o755)
    return ["--env", "PATH=/usr/local/bin:/bin"]


def _base(root, binary):
    libraries = re.findall(r"(/\S+) \(0x", run("ldd", binary))
    for library in libraries:
        target = root / library.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(library, target)
    return ["--env", "PATH=/usr/local/bin"]
