"""What stands in a database, in a form that can be compared."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import psycopg

from sql import generate_migration

QUERY = Path(__file__).with_suffix(".sql").read_text("utf-8")

INTERNAL_SCHEMA = "parlant_internal"


class Entry(NamedTuple):
    """One object of a database, or one thing that is attached to an object."""

    kind: str
    schema: str
    name: str

    @property
    def is_ours(self) -> bool:
        """Whether it belongs to parlant-supabase."""
        return (
            self.schema == INTERNAL_SCHEMA
            or (self.schema == "public" and self.name.lstrip("_").startswith("parlant_"))
            or (self.kind == "schema" and self.name == INTERNAL_SCHEMA)
        )


Catalogue = dict[Entry, str]


def read_catalogue(connection: psycopg.Connection) -> Catalogue:
    """Every object in the database that a migration could make or change: {entry: definition}."""
    # Rolled back for the sake of what follows in a transaction of the caller's.
    with connection.transaction(force_rollback=True), connection.cursor() as cursor:
        # Names come out qualified.
        cursor.execute("set local search_path = ''")
        cursor.execute(QUERY.encode())
        return {
            Entry(kind, schema, name): json.dumps(definition, indent=1, sort_keys=True)
            for kind, schema, name, definition in cursor
        }


def ours(catalogue: Catalogue) -> Catalogue:
    """What of it belongs to parlant-supabase."""
    return {entry: text for entry, text in catalogue.items() if entry.is_ours}


def not_ours(catalogue: Catalogue) -> Catalogue:
    """What of it does not."""
    return {entry: text for entry, text in catalogue.items() if not entry.is_ours}


def apply_sources(connection: psycopg.Connection) -> None:
    """Run the files below sql/ in their order."""
    for text in generate_migration.sources().values():
        connection.execute(text.encode())


def apply_migrations(connection: psycopg.Connection) -> None:
    """Do what `supabase db push` does in a database that has none of the migrations."""
    with connection.transaction():
        for migration in sorted(generate_migration.MIGRATIONS.glob("*.sql")):
            connection.execute(migration.read_bytes())
