"""The image: rules for the Dockerfile; and, where buildah is, its steps carried out on a stand-in for the compiler's image,
which cannot be had everywhere. The stand-in has a `cargo` that copies the binary which is at hand."""

import os
import pathlib
import re
import shutil
import subprocess

from parts import common, image
from parts.common import Skipped, run

from . import client
from .packages import clean

# Unpacked; what is pulled is about half of it.
MAX_IMAGE = 15_000_000
MEMORY = "64m"


def dockerfile(job):
    text = (common.ROOT / "Dockerfile").read_text()
    last = text[text.rindex("\nFROM ") :]
    assert re.search(r"^USER \d+:\d+$", last, re.MULTILINE), "the user is not given by number"
    assert "USER 0" not in last
    assert re.search(r'^HEALTHCHECK .* CMD \["/usr/local/bin/bitsperity-mqtt-mcp", "health"\]$', last, re.MULTILINE)
    assert re.search(r"^ENTRYPOINT \[", last, re.MULTILINE) and "RUN" not in last, "there is no shell in it"
    for label in ("title", "description", "source", "licenses", "version"):
        assert f"org.opencontainers.image.{label}=" in last, label
    assert image.bases() == ["rust:1.95-slim-bookworm"]
    if job.quick:
        return "rules"
    return _build(job)


def _build(job):
    common.need("buildah", "busybox", "ldd")
    place = clean(job.place / "image")
    storage = ["--root", place / "storage", "--runroot", place / "run", "--storage-driver", "vfs"]
    _stand_in(storage, place / "builder", *image.bases(), _builder(place / "builder", job.binary))
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
    size = sum(path.lstat().st_size for path in root.rglob("*") if path.is_file())
    said = _run(storage, tag, root, job)
    shutil.rmtree(place, ignore_errors=True)
    assert size <= MAX_IMAGE, f"all is well but the image, which has {size:,} bytes unpacked"
    return f"{size:,} bytes unpacked, {said}"


def _run(storage, tag, root, job):
    """The image as a container with little memory; where none can be run, its program as the image's user in its root."""
    limits = [f"--memory={MEMORY}", "--read-only", "--cap-drop=all", "--network=host"]
    # Where root may not raise limits, and where crun does not know the control groups, only the second works.
    for more in ([], ["--ulimit=nofile=1024:1024", "--ulimit=nproc=1024:1024"]):
        runtime = ["--runtime=runc"] if more else []
        engine = ["podman", *map(str, storage), *runtime, "run", "--rm", "--interactive", *limits, *more, tag]
        if shutil.which("podman") and subprocess.run([*engine, "--version"], capture_output=True).returncode == 0:
            client.session(engine, common.version(), job.broker)
            run(*engine, "selftest", "--broker", job.broker)
            return f"run and self-tested by podman with {MEMORY} of memory, read-only, without capabilities"
    common.need("chroot", "setpriv")
    inside = ["chroot", "--userspec=65532:65532", str(root), f"/usr/local/bin/{common.NAME}"]
    bare = ["setpriv", "--no-new-privs", "--bounding-set=-all,+setuid,+setgid,+sys_chroot", *inside]
    client.session(bare, common.version(), job.broker)
    return "run as its user in its root; SKIPPED a container: no podman that can run one"


def _stand_in(storage, root, name, settings):
    """An image of this name from a folder."""
    container = run("buildah", *storage, "from", "scratch").strip()
    run("buildah", *storage, "copy", container, root, "/")
    run("buildah", *storage, "config", *settings, container)
    run("buildah", *storage, "commit", "--format", "docker", container, name)
    run("buildah", *storage, "rm", container)


def _builder(root, binary):
    for folder in ("bin", "usr/local/bin", "tmp", "src", "etc/ssl/certs"):
        (root / folder).mkdir(parents=True)
    busybox = shutil.which("busybox")
    shutil.copy(busybox, root / "bin/busybox")
    for tool in ("sh", "mkdir", "cp", "rm", "find", "sed", "dirname", "test", "[", "grep", "cat"):
        os.link(root / "bin/busybox", root / "bin" / tool)
    shutil.copy(binary, root / "binary")
    shutil.copy("/etc/ssl/certs/ca-certificates.crt", root / "etc/ssl/certs")
    listed = run("ldd", binary)
    (root / "libraries").write_text(listed)
    for library in re.findall(r"(/\S+) \(0x", listed):
        target = root / library.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(library, target)
    # Demands what Cargo would: the manifests, and sources where they say.
    cargo = (
        "#!/bin/sh\nset -eu\nfor f in Cargo.toml Cargo.lock core/src/lib.rs server/src/main.rs; do test -f $f; done\n"
        "mkdir -p target/release\ncp /binary target/release/bitsperity-mqtt-mcp\n"
    )
    for name, text in (("cargo", cargo), ("ldd", "#!/bin/sh\nexec cat /libraries\n")):
        (root / "usr/local/bin" / name).write_text(text)
        (root / "usr/local/bin" / name).chmod(0o755)
    return ["--env", "PATH=/usr/local/bin:/bin"]
