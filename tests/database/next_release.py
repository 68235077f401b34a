"""A copy of the project in which the next release is made, as CONTRIBUTING says."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

from parlant_supabase.deployment.package_files import find_project
from parlant_supabase.versions import SQL_VERSION

from sql import generate_migration

NEXT_VERSION = SQL_VERSION + 1


class NextRelease:
    """What stands below sql/ with a change of each kind, and the migrations that came of it."""

    def __init__(self, folder: Path, *, compatible_since: int) -> None:
        self._folder = folder
        project = find_project()
        for name in ("sql", "supabase"):
            shutil.copytree(
                project / name,
                folder / name,
                ignore=shutil.ignore_patterns("__pycache__", ".temp", ".branches"),
            )
        self.released = self._migrations()
        if generate_migration.pending_migration() is not None:
            self._generate("--release")

        self._change(
            "functions/api/parlant_get_version.sql",
            r"'sql_version', \d+,\n(\s+)'compatible_since', \d+",
            rf"'sql_version', {NEXT_VERSION},\n\1'compatible_since', {compatible_since}",
        )
        self._change(
            "tables/collections.sql",
            r"\Z",
            "\nalter table parlant_internal.collections add column if not exists note text;\n",
        )
        self._change(
            "functions/api/parlant_get_version.sql",
            r"    'sql_version', \d+,\n",
            r"\g<0>    'is_next', true,\n",
        )
        self._generate("next_release")
        self.migrations = self._migrations()

    @property
    def sources(self) -> list[bytes]:
        """The files below sql/ in the order in which they run."""
        return [(self._folder / "sql" / name).read_bytes() for name in generate_migration.sources()]

    def project(self, folder: Path, *, migrations: int) -> Path:
        """Makes a Supabase project that has the first so many migrations."""
        target = folder / "supabase" / "migrations"
        target.mkdir(parents=True)
        shutil.copy(self._folder / "supabase" / "config.toml", target.parent)
        for path in self.migrations[:migrations]:
            shutil.copy(path, target)
        return folder

    def _migrations(self) -> list[Path]:
        return sorted((self._folder / "supabase" / "migrations").glob("*.sql"))

    def _change(self, name: str, pattern: str, replacement: str) -> None:
        path = self._folder / "sql" / name
        text, count = re.subn(pattern, replacement, path.read_text("utf-8"))
        assert count == 1, f"{name} has {count} times {pattern}"
        path.write_text(text, "utf-8")

    def _generate(self, *arguments: str) -> None:
        script = self._folder / "sql" / "generate_migration.py"
        subprocess.run([sys.executable, script, *arguments], check=True)
