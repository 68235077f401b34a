"""What `make` says where something is missing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.checkout import CHECKOUT


@pytest.fixture
def bare_path(tmp_path: Path) -> str:
    """A PATH with what make itself needs, and nothing else."""
    for program in ("make", "sh"):
        found = shutil.which(program)
        assert found is not None
        (tmp_path / program).symlink_to(found)
    return str(tmp_path)


@pytest.mark.parametrize("target", ["demo", "test"])
def test_that_missing_node_is_named_before_anything_is_installed(
    target: str, bare_path: str
) -> None:
    result = run(["make", target], PATH=bare_path)
    assert result.returncode != 0
    assert result.stdout.splitlines()[0] == (
        "Error: node is not on the PATH; install Node.js 20 or later."
    )


def test_that_missing_python_is_named(bare_path: str) -> None:
    result = run(["make", "--always-make", ".venv/installed", "PYTHON=python9"], PATH=bare_path)
    assert result.returncode != 0
    assert result.stdout.splitlines()[0] == (
        "Error: python9 is not on the PATH; install Python 3.10 or later."
    )


def test_that_a_package_that_cannot_be_had_is_named_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "scripts").mkdir()
    script = shutil.copy(CHECKOUT / "scripts" / "set_up.py", tmp_path / "scripts")
    (tmp_path / "requirements").mkdir()
    pins = tmp_path / "requirements" / "dev.txt"
    pins.write_text(f"sniffio==1.3.1 --hash=sha256:{'0' * 64}\n", "utf-8")
    nothing = tmp_path / "nothing"
    nothing.mkdir()
    result = run(
        [sys.executable, str(script)],
        PIP_CONFIG_FILE=os.devnull,
        PIP_NO_INDEX="1",
        PIP_FIND_LINKS=str(nothing),
    )
    assert result.returncode == 1
    sentence = result.stdout.splitlines()[-1]
    assert sentence.startswith("Error: pip could not install the packages (")
    assert "sniffio==1.3.1" in sentence
    assert "Traceback" not in result.stdout


def run(command: list[str], **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command, its two outputs as one."""
    # Of a make that runs the tests, nothing is handed on.
    inherited = {name: value for name, value in os.environ.items() if "MAKE" not in name}
    return subprocess.run(
        command,
        cwd=CHECKOUT,
        env={**inherited, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
