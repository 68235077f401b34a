"""The package's migrations, as they are or for an installation in another schema."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from parlant_supabase.deployment.package_files import find_project
from parlant_supabase.errors import ConfigurationError

DEFAULT_SCHEMA = "public"
PRIVATE_SCHEMA = "parlant_internal"

# Postgres cuts names at 63 bytes; the private schema's name ends with the schema's.
_MAX_SCHEMA_LENGTH = 63 - len(f"{PRIVATE_SCHEMA}_")

# Names that are the same with and without quotes, so that they may stand in literals, in format()
# templates, in regclass and in regnamespace alike.
_SCHEMA = re.compile(r"[a-z_][a-z0-9_]*")
_RESERVED = re.compile(rf"pg_.*|information_schema|{PRIVATE_SCHEMA}.*")

_MENTION = re.compile(rf"\bpublic(?=\.)|(?<=')public(?=')|\b{PRIVATE_SCHEMA}\b")


@dataclass(frozen=True)
class Migration:
    """One file of `supabase/migrations/`."""

    name: str
    text: str


def private_schema_of(schema: str) -> str:
    """The schema that holds the private half of the installation in a schema.

    Raises:
        ConfigurationError: The schema cannot hold an installation.
    """
    if schema == DEFAULT_SCHEMA:
        return PRIVATE_SCHEMA
    if not _SCHEMA.fullmatch(schema) or _RESERVED.fullmatch(schema):
        raise ConfigurationError(
            f"{schema!r} cannot be the schema of an installation. Take a name of the letters a to "
            f"z, digits and _ that begins neither with a digit nor with pg_ or {PRIVATE_SCHEMA}."
        )
    if len(schema) > _MAX_SCHEMA_LENGTH:
        raise ConfigurationError(
            f"{schema!r} is too long for the schema of an installation. "
            f"Take a name of at most {_MAX_SCHEMA_LENGTH} characters."
        )
    return f"{PRIVATE_SCHEMA}_{schema}"


def migrations_for(schema: str = DEFAULT_SCHEMA) -> Iterator[Migration]:
    """The migrations that install the package in a schema, in the order in which they run.

    Those for `public` are the files of the package, to the letter. Those for another schema make
    it, and a private one, and name these two wherever the files name `public` and
    `parlant_internal`; their versions, the digits that their names begin with, are the same.

    Raises:
        ConfigurationError: The schema cannot hold an installation.
        DeploymentError: The package's migrations are missing.
    """
    private = private_schema_of(schema)
    files = sorted((find_project() / "supabase" / "migrations").glob("*.sql"))
    for position, file in enumerate(files):
        text = file.read_text("utf-8")
        if schema == DEFAULT_SCHEMA:
            yield Migration(file.name, text)
        else:
            preamble = "" if position else _preamble(schema)
            yield Migration(
                f"{file.stem}_in_{schema}.sql", preamble + _text_for(schema, private, text)
            )


def _preamble(schema: str) -> str:
    return (
        f'create schema if not exists "{schema}";\n'
        f'grant usage on schema "{schema}" to service_role;\n\n'
    )


def _text_for(schema: str, private: str, text: str) -> str:
    def name(mention: re.Match[str]) -> str:
        if mention[0] == PRIVATE_SCHEMA:
            return private
        # Before a dot it is an identifier, which may be a reserved word such as order.
        return f'"{schema}"' if text[mention.end()] == "." else schema

    return _MENTION.sub(name, text)
