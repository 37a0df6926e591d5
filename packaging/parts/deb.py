"""A Debian package with the binary, a systemd unit that is off until it is enabled, and a configuration to fill in.

Made by `dpkg-deb` alone: no debhelper, and Debian's own library names in Depends."""

import email.utils
import gzip
import pathlib
import re
import shutil
import tempfile

from . import common, licences

_MAINTAINER = "bitsperity <bitsperity@users.noreply.github.com>"
_DEPENDS = "libc6 (>= {}.{}), libgcc-s1".format(*common.GLIBC)


def name(platform):
    return f"{common.NAME}_{common.version()}-1_{platform.deb}.deb"


def _copyright(triple):
    package = common.package()
    return (
        "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n"
        f"Upstream-Name: {common.NAME}\nSource: {package['repository']}\n\n"
        "Files: *\nCopyright: 2026 bitsperity\nLicense: MIT or Apache-2.0\n"
        " The full texts stand beside this file as LICENSE-MIT and LICENSE-APACHE; those of the libraries that are\n"
        " linked into the binary in THIRD-PARTY-LICENSES.txt.\n"
    )


def _changelog():
    when = email.utils.formatdate(common.epoch())
    return (
        f"{common.NAME} ({common.version()}-1) stable; urgency=medium\n\n"
        "  * See changelog.gz beside this file.\n\n"
        f" -- {_MAINTAINER}  {when}\n"
    )


def _packed(text):
    return gzip.compress(text.encode(), 9, mtime=0)


def _stripped(platform, binary):
    """Without names of functions, as Debian wants it; as it is where the tool for that processor is missing."""
    cpu = platform.triple.split("-")[0]
    tool = "strip" if platform.triple == common.host() else f"{cpu}-linux-gnu-strip"
    if not shutil.which(tool):
        return binary.read_bytes()
    with tempfile.TemporaryDirectory() as folder:
        small = pathlib.Path(folder) / "binary"
        common.run(tool, "--strip-all", "-o", small, binary)
        return small.read_bytes()


def _files(platform, binary):
    docs = f"usr/share/doc/{common.NAME}/"
    return [
        common.Entry(f"usr/bin/{common.NAME}", _stripped(platform, binary), 0o755),
        common.file_entry(f"usr/lib/systemd/system/{common.NAME}.service", f"packaging/deb/{common.NAME}.service"),
        common.file_entry(f"etc/{common.NAME}/config.toml", "packaging/deb/config.toml"),
        common.text_entry(docs + "copyright", _copyright(platform.triple)),
        *common.documents(docs),
        common.Entry(docs + "changelog.gz", _packed((common.ROOT / "CHANGELOG.md").read_text())),
        common.Entry(docs + "changelog.Debian.gz", _packed(_changelog())),
        common.file_entry(f"usr/share/lintian/overrides/{common.NAME}", "packaging/deb/lintian-overrides"),
        *licences.entries(docs, platform.triple),
    ]


def _control(platform, files):
    package = common.package()
    size = sum(len(entry.data) for entry in files) // 1024 + 1
    return (
        f"Package: {common.NAME}\nVersion: {common.version()}-1\nArchitecture: {platform.deb}\n"
        f"Maintainer: {_MAINTAINER}\n"
        f"Installed-Size: {size}\nDepends: {_DEPENDS}\nRecommends: ca-certificates\n"
        f"Section: net\nPriority: optional\nHomepage: {package['repository']}\n"
        f"Description: {re.sub('^An? ', '', package['description'])}\n"
        " Speaks the Model Context Protocol with an assistant's host over standard input\n"
        " and output, or, as a service, over HTTP with a page for people. The service is\n"
        f" off until `systemctl enable --now {common.NAME}` switches it on.\n"
    )


def build(platform, binary, out):
    if not platform.deb:
        raise common.Skipped("Debian packages are for Linux")
    common.need("dpkg-deb")
    files = _files(platform, binary)
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder) / "root"
        for entry in files:
            path = root / entry.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(entry.data)
            path.chmod(entry.mode)
        # Files in here are handed to the service as credentials and to nobody else.
        secrets = root / "etc" / common.NAME / "credentials"
        secrets.mkdir()
        control = root / "DEBIAN"
        control.mkdir()
        (control / "control").write_text(_control(platform, files))
        (control / "conffiles").write_text(f"/etc/{common.NAME}/config.toml\n")
        for script in ("postinst", "prerm", "postrm"):
            (control / script).write_text((common.ROOT / "packaging/deb" / script).read_text())
            (control / script).chmod(0o755)
        for path in [root, *root.rglob("*")]:
            if path.is_dir():
                path.chmod(0o755)
        secrets.chmod(0o700)
        made = out / name(platform)
        common.run(
            "dpkg-deb", "--root-owner-group", "-Zxz", f"-z{min(common.LEVEL, 6)}", "--build", root, made,
            env={"PATH": "/usr/bin:/bin", "SOURCE_DATE_EPOCH": str(common.epoch())},
        )
    return [made]
