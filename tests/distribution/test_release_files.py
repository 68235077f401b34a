"""What is uploaded: the source distribution's files, and how the package index will show both."""

from __future__ import annotations

import subprocess
import sys
import tarfile
from pathlib import Path, PurePosixPath

import pytest

from tests.checkout import CHECKOUT

from .conftest import Distributions

# With these, `make test` works in the unpacked source distribution.
FILES = (
    *(".npmrc", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "Makefile", "README.md"),
    *("package-lock.json", "package.json", "pyproject.toml"),
)
FOLDERS = (
    ".ci",
    ".github",
    "adapter",
    "benchmarks",
    "docs",
    "demo",
    "examples",
    "requirements",
    "scripts",
    "sql",
    "supabase",
    "tests",
)


@pytest.fixture(scope="module")
def files_of_sdist(distributions: Distributions) -> set[str]:
    with tarfile.open(distributions.sdist) as archive:
        return {
            str(PurePosixPath(*PurePosixPath(member.name).parts[1:]))
            for member in archive.getmembers()
            if member.isfile()
        }


def test_that_the_source_distribution_is_enough_to_work_on_it(files_of_sdist: set[str]) -> None:
    ignored = {"__pycache__", "node_modules", ".temp", ".branches"}
    expected = {
        str(path.relative_to(CHECKOUT))
        for folder in FOLDERS
        for path in (CHECKOUT / folder).rglob("*")
        if path.is_file() and not ignored & set(path.parts)
    }

    assert not (expected | set(FILES)) - files_of_sdist


def test_that_the_source_distribution_has_nothing_that_was_made_here(
    files_of_sdist: set[str],
) -> None:
    tops = {Path(name).parts[0] for name in files_of_sdist}

    assert tops <= {*FILES, *FOLDERS, "PKG-INFO", ".gitignore"}
    assert not [name for name in files_of_sdist if "node_modules" in Path(name).parts]


def test_that_the_package_index_can_show_both(distributions: Distributions) -> None:
    result = subprocess.run(
        [
            *(sys.executable, "-m", "twine", "check", "--strict"),
            *(distributions.sdist, distributions.wheel),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )

    assert result.returncode == 0, result.stdout
    assert result.stdout.count("PASSED") == 2
