"""A Supabase project folder that `supabase db push` can deploy."""

from __future__ import annotations

import shutil
from pathlib import Path

from parlant_supabase.deployment.migrations import migrations_for
from parlant_supabase.deployment.package_files import find_project


def write_project(folder: Path, *schemas: str) -> Path:
    """Makes a project whose migrations install the package in each of the schemas."""
    migrations = folder / "supabase" / "migrations"
    migrations.mkdir(parents=True)
    shutil.copy(find_project() / "supabase" / "config.toml", migrations.parent)
    version = 20260101000000
    for schema in schemas:
        for migration in migrations_for(schema):
            version += 1
            title = migration.name.partition("_")[2]
            (migrations / f"{version}_{title}").write_text(migration.text, "utf-8")
    return folder
