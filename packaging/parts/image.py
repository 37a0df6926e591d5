"""The container's image, built by the Dockerfile at the top with buildah, podman or docker, as an OCI archive."""

import shutil
import subprocess

from . import common


def name(platform):
    return f"{common.NAME}-{common.version()}-{platform.deb}.oci.tar"


def build(platform, _binary, out):
    if platform.triple != common.host():
        raise common.Skipped("an image is built on a machine of its own platform")
    tag = f"localhost/{common.NAME}:{common.version()}"
    made = out / name(platform)
    for engine in ("buildah", "podman"):
        if shutil.which(engine):
            break
    else:
        raise common.Skipped("neither buildah nor podman is installed")
    for base in bases():
        pulled = subprocess.run([engine, "pull", base], capture_output=True, text=True)
        if pulled.returncode != 0:
            raise common.Skipped(f"the base image {base} cannot be had here")
    # Isolation by chroot works in a container and on a machine whose control groups the runtime does not know, too.
    common.run(engine, "build", "--isolation", "chroot", "--format", "docker", "--tag", tag, common.ROOT)
    common.run(engine, "push", tag, f"oci-archive:{made}")
    return [made]


def bases():
    """The images that the Dockerfile begins from."""
    lines = (common.ROOT / "Dockerfile").read_text().splitlines()
    return [line.split()[1] for line in lines if line.startswith("FROM ") and line != "FROM scratch"]
