"""What a release says of itself, and when there may be one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from parlant_supabase.versions import __version__

from scripts.release_notes import CHANGELOG, SECTION, release_notes
from sql import generate_migration

EXAMPLE = """\
# Changelog

Each release says what it asks of the database.

## 0.3.0 (unreleased)

SQL: none.

- Work in progress.

## 0.2.0 (2026-12-24)

SQL: additive (2).

- One thing
  over two lines.

## 0.1.0 (2026-12-01)

SQL: first version (1).

- The rest.

## 0.0.1 (2026-11-30)
"""


@pytest.mark.parametrize(
    ("version", "notes"),
    [
        ("0.2.0", "SQL: additive (2).\n\n- One thing\n  over two lines."),
        ("0.1.0", "SQL: first version (1).\n\n- The rest."),
    ],
)
def test_that_the_notes_are_one_versions_section(version: str, notes: str) -> None:
    assert release_notes(EXAMPLE, version) == notes


@pytest.mark.parametrize(
    ("version", "words"),
    [
        ("0.3.0", "calls 0.3.0 unreleased: put the date"),
        ("0.2", "no section of 0.2"),
        ("0.0.1", "says nothing of what is in 0.0.1"),
    ],
)
def test_that_a_version_without_notes_or_date_is_refused(version: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        release_notes(EXAMPLE, version)


def test_that_the_changelog_begins_with_this_version_and_says_what_to_deploy() -> None:
    sections = list(SECTION.finditer(CHANGELOG.read_text("utf-8")))

    assert sections[0]["version"] == __version__
    for section in sections:
        assert section["notes"].startswith("\nSQL: "), section["version"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [((), "Usage: "), (("v9.9.9",), "does not say __version__ = '9.9.9'")],
)
def test_that_a_wrong_tag_is_one_sentence(arguments: tuple[str, ...], words: str) -> None:
    result = run(*arguments)

    assert result.returncode == 1
    assert words in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.skipif(
    generate_migration.pending_migration() is None, reason="every migration is released"
)
def test_that_an_unreleased_migration_holds_a_release_back() -> None:
    result = run(f"v{__version__}")

    assert result.returncode == 1
    assert "is not released: run `python sql/generate_migration.py --release`" in result.stderr


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs the script as the workflow does."""
    script = Path(CHANGELOG.parent / "scripts" / "release_notes.py")
    return subprocess.run(
        [sys.executable, script, *arguments], capture_output=True, text=True, check=False
    )
