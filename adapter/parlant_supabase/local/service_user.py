"""The OS user that Postgres, PostgREST and the gateway run as."""

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from parlant_supabase.local.errors import LocalStackError

USER_VARIABLE = "PARLANT_SUPABASE_POSTGRES_USER"


@dataclass(frozen=True)
class ServiceUser:
    """An unprivileged user of this machine."""

    name: str
    uid: int
    gid: int


def choose_service_user(postgres_directory: Path) -> ServiceUser | None:
    """Return the user to switch to, or None to run as the current user.

    Postgres refuses to run as root. An existing data directory keeps its owner, so that data
    made by an ordinary user stays theirs after a start with sudo.
    """
    if os.geteuid() != 0:
        return None
    import pwd

    if postgres_directory.exists() and (owner := postgres_directory.stat().st_uid) != 0:
        try:
            entry = pwd.getpwuid(owner)
        except KeyError:
            raise LocalStackError(
                f"{postgres_directory} belongs to user id {owner}, which does not exist on this "
                "machine; chown it to an existing user and start again."
            ) from None
        return ServiceUser(entry.pw_name, entry.pw_uid, entry.pw_gid)

    name = os.environ.get(USER_VARIABLE, "nobody")
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        raise LocalStackError(
            f"Postgres refuses to run as root and the user '{name}' does not exist; set "
            f"{USER_VARIABLE} to an unprivileged user."
        ) from None
    if entry.pw_uid == 0:
        raise LocalStackError(
            f"Postgres refuses to run as root; set {USER_VARIABLE} to an unprivileged user."
        )
    return ServiceUser(entry.pw_name, entry.pw_uid, entry.pw_gid)


def closed_ancestor(path: Path, user: ServiceUser) -> Path | None:
    """Return the first directory on the way to path that the user may not enter."""
    for directory in (*reversed(path.resolve().parents), path.resolve()):
        if not directory.is_dir():
            continue
        status = directory.stat()
        if status.st_uid == user.uid:
            allowed = status.st_mode & stat.S_IXUSR
        elif status.st_gid == user.gid:
            allowed = status.st_mode & stat.S_IXGRP
        else:
            allowed = status.st_mode & stat.S_IXOTH
        if not allowed:
            return directory
    return None


def require_open_path(path: Path, user: ServiceUser | None) -> None:
    """Raise when the service user cannot get to path."""
    if user is None:
        return
    if (closed := closed_ancestor(path, user)) is not None:
        raise LocalStackError(
            f"Started by root, Postgres runs as '{user.name}', who may not enter {closed}; choose "
            "a data directory elsewhere, such as /var/tmp/parlant-supabase, or set "
            f"{USER_VARIABLE} to a user who may."
        )


def make_directory(path: Path, user: ServiceUser | None) -> None:
    """Make a directory that only the service user may enter."""
    path.mkdir(mode=0o700, exist_ok=True)
    if user is not None:
        os.chown(path, user.uid, user.gid)


def write_private_file(path: Path, text: str, user: ServiceUser | None = None) -> None:
    """Write a file that only its owner, the service user if given, may read."""
    # O_CREAT's mode does not apply to a file that is there already.
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    if user is not None:
        os.chown(path, user.uid, user.gid)
