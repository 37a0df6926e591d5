"""Archives of the binary, named and laid out as `cargo binstall` looks for them: {name}-{target}-v{version}.tgz or
.zip, with one folder of that name inside."""

from . import common, licences


def name(platform):
    return f"{common.NAME}-{platform.triple}-v{common.version()}"


def build(platform, binary, out):
    folder = name(platform)
    entries = [
        common.Entry(f"{folder}/{platform.exe}", binary.read_bytes(), 0o755),
        *common.documents(f"{folder}/"),
        *licences.entries(f"{folder}/", platform.triple),
    ]
    if platform.npm_os == "win32":
        made, data = out / f"{folder}.zip", common.zipped(entries)
    else:
        made, data = out / f"{folder}.tgz", common.tar_gz(entries, [(folder, 0o755)])
    made.write_bytes(data)
    return [made]
