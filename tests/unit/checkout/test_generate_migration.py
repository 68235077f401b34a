"""What `make migration` says that it did."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.checkout import CHECKOUT

Generate = Callable[..., str]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the project's SQL, of which everything is released."""
    for folder in ("sql", "supabase/migrations"):
        shutil.copytree(CHECKOUT / folder, tmp_path / folder)
    _generate(tmp_path, "install")
    _generate(tmp_path, "--release")
    return tmp_path


@pytest.fixture
def generate(copy: Path) -> Generate:
    return lambda *arguments: _generate(copy, *arguments)


def _generate(folder: Path, *arguments: str) -> str:
    script = folder / "sql" / "generate_migration.py"
    return subprocess.run(
        [sys.executable, "-S", script, *arguments], capture_output=True, text=True, check=True
    ).stdout.strip()


def change(folder: Path) -> None:
    with (folder / "sql" / "schema.sql").open("a") as file:
        file.write("-- Changed.\n")


def migrations(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "supabase" / "migrations").glob("*.sql"))


def test_that_a_change_becomes_a_migration_of_the_given_name(
    copy: Path, generate: Generate
) -> None:
    before = migrations(copy)
    change(copy)

    said = generate("allow_more")

    (name,) = set(migrations(copy)) - {*before}
    assert name.endswith("_allow_more.sql")
    assert said == f"Wrote supabase/migrations/{name}."


def test_that_another_name_for_an_unreleased_migration_is_said_to_be_ignored(
    copy: Path, generate: Generate
) -> None:
    change(copy)
    generate("allow_more")
    names = migrations(copy)
    change(copy)

    said = generate("allow_even_more")

    assert migrations(copy) == names
    assert said == (
        f"Rewrote supabase/migrations/{names[-1]}, which is not released yet, so the name "
        "allow_even_more was ignored."
    )


def test_that_no_name_is_needed_to_write_a_migration_again(copy: Path, generate: Generate) -> None:
    change(copy)
    generate("allow_more")
    name = migrations(copy)[-1]

    for arguments in ([], ["allow_more"]):
        assert generate(*arguments) == (
            f"Rewrote supabase/migrations/{name}, which is not released yet."
        )


def test_that_no_change_writes_nothing(copy: Path, generate: Generate) -> None:
    before = migrations(copy)

    assert generate("allow_more") == "Nothing has changed since the last release."
    assert migrations(copy) == before
