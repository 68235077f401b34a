"""What `make migration` says that it did."""

from __future__ import annotations

import runpy
import shutil
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from unittest.mock import patch

import pytest

from tests.checkout import CHECKOUT

Generate = Callable[..., str]


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project's SQL, of which everything is released."""
    folder = tmp_path_factory.mktemp("released")
    for name in ("sql", "supabase/migrations"):
        shutil.copytree(CHECKOUT / name, folder / name)
    _generate(folder, "install")
    _generate(folder, "--release")
    return folder


@pytest.fixture
def copy(released: Path, tmp_path: Path) -> Path:
    """The same, for a test to change."""
    shutil.copytree(released, tmp_path, dirs_exist_ok=True)
    return tmp_path


@pytest.fixture
def generate(copy: Path) -> Generate:
    return lambda *arguments: _generate(copy, *arguments)


def _generate(folder: Path, *arguments: str) -> str:
    """What the script of a copy prints; a process of its own would take longer than the script."""
    script = str(folder / "sql" / "generate_migration.py")
    with patch.object(sys, "argv", [script, *arguments]), redirect_stdout(StringIO()) as printed:
        runpy.run_path(script, run_name="__main__")
    return printed.getvalue().strip()


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
