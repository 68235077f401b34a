"""Print what CHANGELOG.md says of a version; fail if that version is not ready to be released.

python scripts/release_notes.py v0.1.0
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CHANGELOG = ROOT / "CHANGELOG.md"
VERSIONS = ROOT / "adapter" / "parlant_supabase" / "versions.py"
MIGRATIONS = ROOT / "supabase" / "migrations"
RELEASED = ROOT / "sql" / "released.txt"

SECTION = re.compile(
    r"^## (?P<version>\S+) \((?P<date>.*?)\)\n(?P<notes>.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL
)


def release_notes(changelog: str, version: str) -> str:
    """What a changelog says of a version, without its heading.

    Raises:
        ValueError: It says nothing of it, or that it is not released.
    """
    for section in SECTION.finditer(changelog):
        if section["version"] != version:
            continue
        if not re.fullmatch(r"\d{4}-\d\d-\d\d", section["date"]):
            raise ValueError(
                f"CHANGELOG.md calls {version} {section['date']}: put the date of release there."
            )
        if not (notes := section["notes"].strip()):
            raise ValueError(f"CHANGELOG.md says nothing of what is in {version}.")
        return notes
    raise ValueError(f"CHANGELOG.md has no section of {version}.")


def require_version(version: str) -> None:
    """Raise ValueError unless the package has the version and every migration is released."""
    found = re.search(r'^__version__ = "(.*)"$', VERSIONS.read_text("utf-8"), re.MULTILINE)
    if found is None or found[1] != version:
        raise ValueError(f"{VERSIONS.name} does not say __version__ = {version!r}.")
    released = RELEASED.read_text("utf-8").split() if RELEASED.exists() else []
    for path in sorted(MIGRATIONS.glob("*.sql")):
        if path.name not in released:
            raise ValueError(
                f"{path.name} is not released: run `python sql/generate_migration.py --release`."
            )


def main() -> None:
    """Run from the command line."""
    if len(sys.argv) != 2:
        sys.exit("Usage: python scripts/release_notes.py TAG")
    version = sys.argv[1].removeprefix("v")
    try:
        require_version(version)
        print(release_notes(CHANGELOG.read_text("utf-8"), version))
    except ValueError as error:
        sys.exit(f"Error: {error}")


if __name__ == "__main__":
    main()
