"""Runs the Supabase CLI against a database."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from parlant_supabase.local.packages import find_programs
from parlant_supabase.local.service_user import choose_service_user


def run_supabase(database_url: str, directory: Path, *arguments: str) -> str:
    """What the CLI prints of a database; the directory is where it works, and its home."""
    return _run(directory, *arguments, f"--remote={database_url}")


def run_supabase_diff(from_url: str, to_url: str, directory: Path) -> str:
    """The statements that make one database's schemas out of another's."""
    printed = _run(directory, "db", "diff", f"--from={from_url}", f"--to={to_url}")
    # It prints its remarks among them.
    return "".join(line for line in printed.splitlines(True) if line[0] not in "│▲●")


def _run(directory: Path, *arguments: str) -> str:
    programs = find_programs(choose_service_user(directory))
    result = subprocess.run(
        [
            *programs.supabase,
            *arguments,
            *(f"--workdir={directory}", "--yes", "--agent=no"),
        ],
        env={
            **os.environ,
            "DO_NOT_TRACK": "1",
            "SUPABASE_TELEMETRY_DISABLED": "1",
            "HOME": str(directory),
            # Otherwise the CLI says before its output that it tried TLS in vain.
            "PGSSLMODE": "disable",
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout
