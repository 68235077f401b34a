"""Which of the package's migrations a Supabase project has, and adding those that it lacks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

from parlant_supabase.deployment.errors import DeploymentError
from parlant_supabase.deployment.migrations import (
    DEFAULT_SCHEMA,
    Migration,
    migrations_for,
    private_schema_of,
)
from parlant_supabase.store_layout import STORES

# With 20 characters, the longest table name would be as long as a name can be, and the table of
# failed documents would have the same.
_PREFIX = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,18}")

_VERSION = "%Y%m%d%H%M%S"
_VERSION_LENGTH = 14


@dataclass(frozen=True)
class AddedMigrations:
    """What adding the package's migrations to a project came to.

    Attributes:
        added: The files that are new.
        edited: The files that are the package's by name and no longer by content.
        schemas: The schemas that the project's migrations install the package in.
        made_configuration: Whether the folder had no config.toml, and has one now.
    """

    added: Sequence[Path]
    edited: Sequence[Path]
    schemas: Sequence[str]
    made_configuration: bool


def wanted_migrations(schema: str, prefixes: Iterable[str]) -> list[Migration]:
    """The migrations for an installation and for tables under prefixes, in order.

    Raises:
        ConfigurationError: The schema cannot hold an installation.
        DeploymentError: A prefix is too long or holds what it cannot.
    """
    return [*migrations_for(schema), *(_tables_under(prefix, schema) for prefix in prefixes)]


def add_migrations(folder: Path, schema: str | None, prefixes: Sequence[str]) -> AddedMigrations:
    """Adds to a project's folder what it lacks; changes no file that is there.

    What is the package's is recognised by its name less the version, or by its content. New files
    get versions after those of all others, because `supabase db push` refuses to apply what is
    older than what it has applied.

    Args:
        folder: The folder that contains, or is to contain, `supabase`.
        schema: The schema of the installation; None for those that the project has, else `public`.
        prefixes: Prefixes to make tables under.

    Raises:
        DeploymentError: The folder cannot be used.
        ConfigurationError: The schema cannot hold an installation.
    """
    if folder.resolve().name == "supabase" and (folder / "config.toml").is_file():
        raise DeploymentError(
            f"{folder.resolve()} is the folder `supabase` itself; name the folder that contains it."
        )
    migrations = folder / "supabase" / "migrations"
    try:
        files = sorted(migrations.glob("*.sql"))
        schemas = [schema] if schema else _installed_schemas(files) or [DEFAULT_SCHEMA]
        wanted = [each for name in schemas for each in wanted_migrations(name, prefixes)]

        titles = {_title(file.name): file for file in files}
        contents = {_content(file.read_bytes()) for file in files}
        missing, edited = [], []
        for migration in wanted:
            if _content(migration.text.encode()) in contents:
                continue
            if file := titles.get(_title(migration.name)):
                edited.append(file)
            else:
                missing.append(migration)

        made_configuration = _make_configuration(folder, schemas)
        versions = _versions_after(max((file.name for file in files), default=""), len(missing))
        added = [
            _write(migrations / f"{version}_{_title(migration.name)}", migration.text)
            for version, migration in zip(versions, missing, strict=True)
        ]
    except OSError as error:
        raise DeploymentError(
            f"{error.filename or folder} cannot be used: {error.strerror or error}."
        ) from error
    return AddedMigrations(added, edited, schemas, made_configuration)


def _tables_under(prefix: str, schema: str) -> Migration:
    """A migration that makes the three stores' tables and views; it may run again at any time."""
    if not _PREFIX.fullmatch(prefix):
        raise DeploymentError(
            f"{prefix!r} cannot be a prefix here: take at most 19 ASCII letters, digits and "
            "underscores, beginning with a letter. Tables under any other prefix are made when a "
            "store uses it first."
        )
    private = private_schema_of(schema)
    quoted = private if schema == DEFAULT_SCHEMA else f'"{private}"'
    prefixes = [store.prefix_under(prefix) for store in STORES]
    suffix = "" if schema == DEFAULT_SCHEMA else f"_in_{schema}"
    return Migration(
        f"_parlant_supabase_tables_{prefix}{suffix}.sql",
        f"-- The tables of Parlant's three stores under the prefixes {prefixes[0]},\n"
        f"-- {prefixes[1]} and {prefixes[2]}, and views of them for people.\n"
        "set statement_timeout = 0;\n\n"
        f"select {quoted}.create_collection_tables(\n"
        f"  {quoted}.default_prefix('{prefix}', s.store), s.collection)\n"
        f"from {quoted}.store_collections() as s;\n\n"
        f"select \"{schema}\".parlant_create_views('{prefix}');\n\n"
        "notify pgrst, 'reload schema';\n"
        "reset statement_timeout;\n",
    )


def _installed_schemas(files: Iterable[Path]) -> list[str]:
    """The schemas that migrations of the package in a project install it in."""
    titles = "|".join(
        re.escape(_title(migration.name).removesuffix(".sql"))
        for migration in migrations_for(DEFAULT_SCHEMA)
    )
    pattern = re.compile(rf"(?:{titles})(?:_in_(?P<schema>.+))?\.sql")
    matches = [pattern.fullmatch(_title(file.name)) for file in files]
    return sorted({match["schema"] or DEFAULT_SCHEMA for match in matches if match})


def _title(name: str) -> str:
    """The name of a migration's file without its version."""
    return name.partition("_")[2]


def _content(data: bytes) -> bytes:
    # Git may have changed the ends of lines.
    return data.replace(b"\r\n", b"\n")


def _versions_after(last: str, count: int) -> list[str]:
    """Versions for new files: of now, or, where a file has a later one, right after that.

    The Supabase CLI orders versions as text.
    """
    now = datetime.now(timezone.utc)
    versions = [(now + timedelta(seconds=i)).strftime(_VERSION) for i in range(count)]
    digits = last.partition("_")[0][:_VERSION_LENGTH]
    if not versions or digits < versions[0]:
        return versions
    first = int(digits.ljust(_VERSION_LENGTH, "0")) + 1
    return [str(first + i) for i in range(count)]


def _make_configuration(folder: Path, schemas: Iterable[str]) -> bool:
    """Writes the least that makes a folder a Supabase project, unless it is one."""
    path = folder / "supabase" / "config.toml"
    if path.exists():
        return False
    project = re.sub(r"[^A-Za-z0-9_-]+", "-", folder.resolve().name).strip("-") or "parlant"
    exposed = [schema for schema in schemas if schema != DEFAULT_SCHEMA]
    text = f'project_id = "{project}"\n'
    if exposed:
        names = ", ".join(f'"{name}"' for name in ("public", "graphql_public", *exposed))
        text += f"\n[api]\nschemas = [{names}]\n"
    _write(path, text)
    return True


def _write(path: Path, text: str) -> Path:
    """Makes a file that is there whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.unfinished")
    unfinished.write_text(text, encoding="utf-8", newline="\n")
    unfinished.rename(path)
    return path
