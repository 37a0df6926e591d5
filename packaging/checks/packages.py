"""Each package as its user takes it: installed from the file into a clean place, and run against a broker."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import tarfile
import zipfile

from parts import archives, common, deb, mcpb, npm, wheel
from parts.common import Skipped, run

from . import client

MCPB = "@anthropic-ai/mcpb@2.1.2"


def clean(place):
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    return place


def there(path):
    if not path.exists():
        raise Skipped(f"{path.name} is not made")
    return path


def as_documented(job, kind, place, **more):
    """Runs the commands that docs/install.md has for a kind of package, where the packages are, with `place` as the home."""
    text = (common.ROOT / "docs/install.md").read_text()
    (commands,) = re.findall(rf"^```sh {kind}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    commands = commands.replace("x86_64", job.platform.triple.split("-")[0]).replace("x64", job.platform.npm_cpu)
    here = clean(place / "downloads")
    for path in job.out.iterdir():
        (here / path.name).symlink_to(path)
    run("sh", "-eu", "-c", commands, cwd=here, env=os.environ | {"HOME": str(place)} | more)


def launcher(platform):
    """How a binary of a platform is started here."""
    if platform.triple == common.host():
        return []
    emulators = {
        "aarch64-unknown-linux-gnu": ("qemu-aarch64-static", "/usr/aarch64-linux-gnu"),
        "armv7-unknown-linux-gnueabihf": ("qemu-arm-static", "/usr/arm-linux-gnueabihf"),
    }
    if platform.triple not in emulators:
        raise Skipped(f"nothing here runs {platform.triple}")
    emulator, libraries = emulators[platform.triple]
    common.need(emulator)
    if not pathlib.Path(libraries, "lib").is_dir():
        raise Skipped(f"the C library of {platform.triple} is not installed")
    return [emulator, "-L", libraries]


def licences_in(names):
    wanted = {"LICENSE-MIT", "LICENSE-APACHE", "THIRD-PARTY-LICENSES.txt"}
    missing = wanted - {name.rsplit("/", 1)[-1] for name in names}
    assert not missing, f"without {missing}"


def sums(job):
    text = there(job.out / "SHA256SUMS").read_text()
    listed = dict(reversed(line.split("  ", 1)) for line in text.splitlines())
    files = {path.name for path in job.out.iterdir() if path.is_file()} - {"SHA256SUMS"}
    assert set(listed) == files, f"listed {sorted(listed)}, there are {sorted(files)}"
    for name, digest in listed.items():
        assert common.sha256(job.out / name) == digest, f"{name} is not what SHA256SUMS says"
    return f"{len(files)} files"


def archive(job):
    path = there(job.out / f"{archives.name(job.platform)}.tgz")
    # What cargo-binstall looks for: {name}-{target}-v{version}.tgz, the binary in a folder of that name.
    place = clean(job.place / "archive")
    with tarfile.open(path) as tar:
        names = tar.getnames()
    licences_in(names)
    assert all(name.split("/")[0] == archives.name(job.platform) for name in names), names
    as_documented(job, "archives", place)
    binary = place / ".local/bin" / job.platform.exe
    start = launcher(job.platform)
    said = run(*start, binary, "--version")
    assert said == f"{common.NAME} {common.version()}\n", said
    client.session([*start, binary], common.version(), job.broker)
    return path.name


def bundle(job):
    path = there(job.out / mcpb.name(job.platform))
    place = clean(job.place / "mcpb")
    validated = "own rules only"
    if job.quick:
        with zipfile.ZipFile(path) as archive_:
            archive_.extractall(place)
            for info in archive_.infolist():
                (place / info.filename).chmod(info.external_attr >> 16 & 0o777)
    else:
        tool = node_tool(job, MCPB, "mcpb")
        # It makes the folder itself.
        place.rmdir()
        run(tool, "unpack", path, place)
        run(tool, "validate", place / "manifest.json")
        validated = f"validated by {MCPB}"
    licences_in([p.name for p in place.iterdir()])
    manifest = json.loads((place / "manifest.json").read_text())
    server = manifest["server"]
    assert (place / server["entry_point"]).is_file(), server["entry_point"]
    fields = manifest["user_config"]
    for key, field in fields.items():
        assert "default" in field, f"user_config.{key} has no default"
    assert fields["password"]["sensitive"] is True
    # As Claude Desktop starts it: first with nothing filled in, in both ways that hosts hand that on, then with a broker.
    for given in ({}, None, {"url": job.broker}):
        environment = {k: filled(v, place, fields, given) for k, v in server["mcp_config"]["env"].items()}
        command = filled(server["mcp_config"]["command"], place, fields, given)
        start = [*launcher(job.platform), command]
        client.session(start, common.version(), job.broker, environment)
    return f"{path.name}, {validated}"


def filled(text, place, fields, given):
    """`text` with what the user gave; none: fields stay as they are, as in hosts that know no defaults."""
    text = text.replace("${__dirname}", str(place))
    if given is None:
        return text
    for key, field in fields.items():
        value = given.get(key, field["default"])
        value = str(value).lower() if isinstance(value, bool) else value
        text = text.replace("${user_config." + key + "}", value)
    return text


def node_tool(job, package, name):
    common.need("npm", "node")
    place = job.place / "node"
    tool = place / "node_modules" / ".bin" / name
    if not tool.exists():
        place.mkdir(parents=True, exist_ok=True)
        (place / "package.json").write_text('{"private": true}\n')
        done = subprocess.run(
            ["npm", "install", "--no-audit", "--no-fund", "--loglevel=error", package],
            cwd=place, capture_output=True, text=True,
        )
        if done.returncode != 0:
            raise Skipped(f"{package} cannot be had from npm here")
    return tool


def python_wheel(job):
    path = there(job.out / wheel.name(job.platform))
    with zipfile.ZipFile(path) as archive_:
        licences_in(archive_.namelist())
    if job.platform.triple != common.host():
        raise Skipped(f"{path.name}: pip installs only what is for this machine; its licences are there")
    place = job.place / "wheel"
    program, pip = place / "mqtt-mcp/bin" / common.NAME, place / "mqtt-mcp/bin/pip"
    # A new environment takes long; it is left as clean as it was, which is checked below.
    if not (job.quick and pip.exists()):
        clean(place)
    as_documented(job, "wheel", place, PIP_NO_INDEX="1")
    run(pip, "check")
    client.session([program], common.version(), job.broker)
    run(pip, "uninstall", "--yes", "--quiet", common.NAME)
    assert not program.exists(), "something stays after uninstalling"
    return path.name


def npm_packages(job):
    own, main = there(job.out / npm.platform_file(job.platform)), there(job.out / npm.main_file())
    with tarfile.open(own) as tar:
        licences_in(tar.getnames())
        about = json.load(tar.extractfile("package/package.json"))
    with tarfile.open(main) as tar:
        wanted = json.load(tar.extractfile("package/package.json"))
    assert wanted["optionalDependencies"].get(about["name"]) == about["version"], "the main package misses it"
    assert wanted["mcpName"] == common.REGISTRY_NAME
    if job.platform.triple != common.host():
        raise Skipped(f"{own.name}: npm installs only what is for this machine; the main package names it")
    common.need("npm", "node")
    place = clean(job.place / "npm")
    # Both from files: the registry does not have them yet.
    as_documented(job, "npm", place, npm_config_offline="true", npm_config_audit="false")
    modules = place / "mqtt-mcp-node/node_modules"
    client.session([modules / ".bin" / common.NAME], common.version(), job.broker)
    # Without the package of the platform it says so, and does not throw.
    shutil.rmtree(modules / "@bitsperity")
    lost = subprocess.run([modules / ".bin" / common.NAME, "--version"], capture_output=True, text=True)
    assert lost.returncode == 1 and "is not installed" in lost.stderr and "at " not in lost.stderr, lost.stderr
    return f"{main.name}, {own.name}"


def debian(job):
    path = there(job.out / deb.name(job.platform))
    common.need("dpkg", "dpkg-deb")
    fields = run("dpkg-deb", "--field", path)
    assert re.search(r"^Depends: libc6 \(>= 2\.\d+\), libgcc-s1$", fields, re.MULTILINE), fields
    root = clean(job.place / "deb")
    dpkg = (
        "dpkg", f"--root={root}", "--force-not-root", "--force-script-chrootless",
        "--force-depends", "--force-architecture",
    )
    for folder in ("var/lib/dpkg/info", "var/lib/dpkg/updates", "var/lib/dpkg/triggers"):
        (root / folder).mkdir(parents=True)
    (root / "var/lib/dpkg/status").touch()
    environment = os.environ | {"PATH": os.environ.get("PATH", "") + ":/usr/sbin:/sbin"}
    run(*dpkg, "--install", path, env=environment)
    licences_in([p.name for p in (root / "usr/share/doc" / common.NAME).iterdir()])
    secrets = root / "etc" / common.NAME / "credentials"
    assert secrets.stat().st_mode & 0o777 == 0o700, "others may look into the credentials"
    binary = root / "usr/bin" / common.NAME
    # The configuration that is installed is one that the server takes.
    config = root / "etc" / common.NAME / "config.toml"
    start = launcher(job.platform)
    run(*start, binary, "--config", config, "config", "show")
    client.session([*start, binary], common.version(), job.broker)
    said = unit(root, binary, job.platform)
    if not job.quick and shutil.which("lintian"):
        # Root's umask is none of its business.
        run("lintian", "--allow-root", "--fail-on", "error,warning", path)
        said += ", lintian"
    (root / "var/lib/private" / common.NAME).mkdir(parents=True)
    run(*dpkg, "--purge", common.NAME, env=environment)
    left = [p for p in root.rglob("*") if not p.is_dir() and "var/lib/dpkg" not in str(p) and "var/log" not in str(p)]
    left += [p for p in (root / "var/lib/private").iterdir()]
    assert not left, f"stays after purging: {left}"
    return f"{path.name}, {said}"


def unit(root, binary, platform):
    """The unit: without a mistake, hardened, off, and its command known to the program."""
    own = root / "usr/lib/systemd/system" / f"{common.NAME}.service"
    text = own.read_text()
    enabled = root / "etc/systemd/system/multi-user.target.wants" / own.name
    assert not enabled.exists(), "the unit is on without having been enabled"
    command = re.search(r"^ExecStart=/usr/bin/\S+ (\w+)", text, re.MULTILINE).group(1)
    known = subprocess.run([*launcher(platform), binary, command, "--help"], capture_output=True).returncode == 0
    verdict = "" if known else f"; SKIPPED running it: this binary has no `{command}`"
    if not shutil.which("systemd-analyze"):
        return "unit not verified: systemd is not installed" + verdict
    done = subprocess.run(
        ["systemd-analyze", "verify", f"--root={root}", "--man=no", "--recursive-errors=no", own.name],
        capture_output=True, text=True,
    )
    # Units of the system are not in this root, so only what is said of our own counts.
    mistakes = [line for line in done.stderr.splitlines() if own.name in line and "not found" not in line]
    assert not mistakes, mistakes
    judged = run("systemd-analyze", "security", "--offline=true", f"--root={root}", own.name)
    exposure = float(re.search(r"exposure level for \S+: ([\d.]+)", judged).group(1))
    assert exposure <= 1.5, f"exposure {exposure}"
    return f"exposure {exposure}{verdict}"
