"""What works without psycopg, which only the extra `local` brings."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import parlant_supabase
import pytest
from parlant_supabase import remedies


@pytest.fixture
def run_without_driver(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs `parlant-supabase` where psycopg is not installed."""
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "psycopg.py").write_text(
        "raise ModuleNotFoundError(\"No module named 'psycopg'\", name='psycopg')\n"
    )
    package = Path(parlant_supabase.__file__).parents[1]

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "parlant_supabase.cli", *arguments],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (hidden, package)))},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


def test_that_the_local_stack_says_what_to_install(
    run_without_driver: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    result = run_without_driver("local", "start")

    assert result.returncode == 1
    assert result.stderr == (
        "Error: The local stack needs psycopg (No module named 'psycopg'); run "
        f"`{remedies.install('local')}`.\n"
    )
    assert not (tmp_path / ".parlant-supabase").exists()


def test_that_everything_else_works(
    run_without_driver: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    printed = run_without_driver("init", "--print")

    assert printed.returncode == 0, printed.stderr
    assert "create or replace function public.parlant_find(" in printed.stdout
    for command in (("doctor",), ("failed", "list"), ("local", "status")):
        result = run_without_driver(*command)
        assert result.returncode == 1
        assert "psycopg" not in result.stdout + result.stderr
        assert "Traceback" not in result.stderr
