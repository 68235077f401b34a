"""The distributions, built once a run, and a place outside the checkout to use them in."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.checkout import CHECKOUT


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--install-with",
        metavar="PYTHON",
        help="install the wheel with this Python, and all that it needs from the package index",
    )


@dataclass(frozen=True)
class Distributions:
    """What a release uploads."""

    sdist: Path
    wheel: Path


@pytest.fixture(scope="session")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Distributions:
    """The source distribution, and the wheel built from nothing but that."""
    directory = tmp_path_factory.mktemp("dist")
    build = subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", directory, "."],
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert build.returncode == 0, build.stdout
    [sdist], [wheel] = directory.glob("*.tar.gz"), directory.glob("*.whl")
    return Distributions(sdist, wheel)


@pytest.fixture(scope="module")
def open_directory() -> Iterator[Path]:
    """A directory that every user of the machine may enter, unlike pytest's own."""
    directory = Path(tempfile.mkdtemp(prefix="parlant-installed-"))
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory, ignore_errors=True)
