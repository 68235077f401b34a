"""Deploying a Supabase project to the local stack with the real `supabase db push`."""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from parlant_supabase.local.errors import LocalStackError

# Nothing of the caller's: a SUPABASE_* variable of theirs may name another project.
_ENVIRONMENT = {
    "PATH": os.defpath,
    "DO_NOT_TRACK": "1",
    "SUPABASE_TELEMETRY_DISABLED": "1",
    "NO_COLOR": "1",
    # Loopback only; otherwise the CLI warns that it tried TLS in vain.
    "PGSSLMODE": "disable",
}


def require_project(folder: Path) -> None:
    """Raise unless the folder is one that can be deployed."""
    if not (folder / "supabase").is_dir():
        raise LocalStackError(
            f"There is no folder `supabase` in {folder}; name the folder that contains it."
        )


def push_migrations(
    supabase: tuple[str, ...], project: Path, database_url: str, scratch_parent: Path
) -> str:
    """Apply the project's migrations to the database and return what the CLI printed."""
    require_project(project)
    # The CLI writes into the project and the user's home; both are its own here.
    with tempfile.TemporaryDirectory(prefix="deploy-", dir=scratch_parent) as scratch:
        shutil.copytree(
            project / "supabase",
            Path(scratch) / "supabase",
            ignore=shutil.ignore_patterns(".temp", ".branches"),
        )
        result = subprocess.run(
            [
                *supabase,
                *("db", "push", f"--remote={database_url}", "--workdir", scratch, "--yes"),
                *("--agent", "no"),
            ],
            cwd=scratch,
            env={**_ENVIRONMENT, "HOME": scratch},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
    output = _readable(result.stdout).replace(scratch, str(project))
    if result.returncode != 0:
        raise LocalStackError(f"`supabase db push` of {project} failed:\n{output}")
    return output


def _readable(output: str) -> str:
    """Drop terminal control sequences, and the blank lines around the text."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", output).strip()
