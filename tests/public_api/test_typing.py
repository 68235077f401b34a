"""Programs of users type-check under `mypy --strict`, and what is wrong in them is noticed."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.checkout import CHECKOUT

PROGRAMS = sorted((Path(__file__).parent / "programs").glob("[!_]*.py"))

WRONG = """
from parlant.adapters.db.supabase_db import SupabaseDocumentDatabase
from parlant_supabase.stores import supabase_stores

supabase_stores(timeout="5")
supabase_stores(url="http://127.0.0.1")
SupabaseDocumentDatabase(None)
"""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What mypy, strict as the project's settings make it, says of the programs and a wrong one."""
    folder = tmp_path_factory.mktemp("programs")
    for program in PROGRAMS:
        (folder / program.name).write_text(program.read_text())
    (folder / "wrong.py").write_text(WRONG)
    return subprocess.run(
        # With the project's cache, as reading Parlant takes half a minute.
        [sys.executable, "-m", "mypy", "--strict", *map(str, sorted(folder.glob("*.py")))],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    ).stdout


@pytest.mark.parametrize("program", [program.name for program in PROGRAMS])
def test_that_a_users_program_is_right(report: str, program: str) -> None:
    assert "wrong.py:" in report, report
    assert f"{program}:" not in report


def test_that_what_is_wrong_is_noticed(report: str) -> None:
    errors = re.findall(r"wrong\.py:(\d+): error: .*\[(.*)\]", report)

    assert errors == [("5", "arg-type"), ("6", "call-arg"), ("7", "arg-type")]
