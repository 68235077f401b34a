"""Runs the Supabase CLI against a database."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from parlant_supabase.local.packages import find_programs
from parlant_supabase.local.service_user import choose_service_user


def run_supabase(database_url: str, directory: Path, *arguments: str) -> str:
    """What the CLI prints; the directory is where it works, and its home."""
    programs = find_programs(choose_service_user(directory))
    result = subprocess.run(
        [
            *programs.supabase,
            *arguments,
            *(f"--remote={database_url}", f"--workdir={directory}", "--yes", "--agent=no"),
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
