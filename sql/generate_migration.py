"""Write the migration that brings deployed databases to what stands in sql/.

    python sql/generate_migration.py allow_more_operators

Every file below sql/ may be run again at any time, so a migration is a concatenation of the files
that have changed since the last released one. A migration that has not been released yet is written
anew; a released one, whose digest stands in sql/released.txt, is never touched.
"""

from __future__ import annotations

import argparse
import hashlib
import re
from datetime import datetime, timezone
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SQL = ROOT / "sql"
MIGRATIONS = ROOT / "supabase" / "migrations"
RELEASED = SQL / "released.txt"

# What comes first is needed by what comes later. Below a folder files run by name, whatever folder
# of it they are in, so a function in language sql may call only those before it: Postgres checks
# their bodies at once.
ORDER = (
    "without_time_limit.sql",
    "schema.sql",
    "tables",
    "functions/internal",
    "functions/api",
    "views",
    "registry_triggers.sql",
    "default_stores.sql",
    "restore_collections.sql",
    "make_views.sql",
    "apply_opt_ins.sql",
    "with_time_limit.sql",
    "reload.sql",
)
# In every migration, whatever has changed.
ALWAYS = (
    "without_time_limit.sql",
    "restore_collections.sql",
    "make_views.sql",
    "apply_opt_ins.sql",
    "with_time_limit.sql",
    "reload.sql",
)

SECTION = re.compile(r"^-- >>> sql/(?P<name>\S+)\n(?P<text>.*?)^-- <<<\n", re.MULTILINE | re.DOTALL)


def sources() -> dict[str, str]:
    """The files below sql/ in the order in which they run: {name below sql/: text}."""
    files: list[Path] = []
    for entry in ORDER:
        path = SQL / entry
        files += (
            sorted(path.rglob("*.sql"), key=lambda file: file.name) if path.is_dir() else [path]
        )
    return {str(file.relative_to(SQL)): file.read_text() for file in files}


def released() -> dict[str, str]:
    """The released migrations: {file name: SHA-256 of the file}."""
    lines = RELEASED.read_text().splitlines() if RELEASED.exists() else []
    return {name: digest for digest, name in (line.split() for line in lines)}


def deployed_sections() -> dict[str, str]:
    """What the released migrations last said of each file below sql/."""
    sections: dict[str, str] = {}
    for name in sorted(released()):
        for match in SECTION.finditer((MIGRATIONS / name).read_text()):
            sections[match["name"]] = match["text"]
    return sections


def render(changed: dict[str, str]) -> str:
    """The text of a migration."""
    return "".join(f"-- >>> sql/{name}\n{text}-- <<<\n" for name, text in changed.items())


def pending_migration() -> Path | None:
    """The migration that is not released yet, if there is one."""
    pending = [path for path in sorted(MIGRATIONS.glob("*.sql")) if path.name not in released()]
    if len(pending) > 1:
        raise SystemExit(f"More than one unreleased migration: {[path.name for path in pending]}.")
    return pending[0] if pending else None


def changed_sources() -> dict[str, str]:
    """The files below sql/ that differ from the released migrations."""
    before = deployed_sections()
    after = sources()
    gone = [name for name in before if name not in after]
    if gone:
        raise SystemExit(
            f"{', '.join(gone)} stood in a released migration and is gone. Keep the file, with a "
            "`drop ... if exists` in it, so that deployed databases lose the object too."
        )
    changed = [name for name, text in after.items() if before.get(name) != text]
    if not changed:
        return {}
    return {name: text for name, text in after.items() if name in changed or name in ALWAYS}


def generate(name: str | None) -> Path | None:
    """Write the unreleased migration; returns its path, or None if nothing has changed."""
    changed = changed_sources()
    if not changed:
        return None
    path = pending_migration()
    if path is None:
        if name is None or not re.fullmatch(r"[a-z0-9_]+", name):
            raise SystemExit("Name the migration in lower case, such as add_batch_execution.")
        stamp = datetime.now(timezone.utc).strftime("%Y%m%d%H%M%S")
        path = MIGRATIONS / f"{stamp}_{name}.sql"
    MIGRATIONS.mkdir(parents=True, exist_ok=True)
    path.write_text(render(changed))
    return path


def release() -> Path:
    """Put the unreleased migration among the released ones, which are never edited again."""
    path = pending_migration()
    if path is None:
        raise SystemExit("There is no unreleased migration.")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    with RELEASED.open("a") as file:
        file.write(f"{digest}  {path.name}\n")
    return path


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("name", nargs="?", help="what the migration does, in lower case")
    parser.add_argument("--release", action="store_true", help="mark the migration as released")
    arguments = parser.parse_args()
    if arguments.release:
        print(f"{release().relative_to(ROOT)} is released from now on.")
        return
    pending = pending_migration()
    path = generate(arguments.name)
    if path is None:
        print("Nothing has changed since the last release.")
    elif path != pending:
        print(f"Wrote {path.relative_to(ROOT)}.")
    elif arguments.name in (None, path.stem.partition("_")[2]):
        print(f"Rewrote {path.relative_to(ROOT)}, which is not released yet.")
    else:
        print(
            f"Rewrote {path.relative_to(ROOT)}, which is not released yet, so the name "
            f"{arguments.name} was ignored."
        )


if __name__ == "__main__":
    main()
