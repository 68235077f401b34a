"""Documents that are moved from one project to another, and what is in a project's tables."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import psycopg
from parlant_supabase.local import StackDatabase
from psycopg.sql import SQL, Identifier


class Contents(NamedTuple):
    """The documents of a collection as JSON text, in order of insertion."""

    documents: list[str]
    failed: list[tuple[str | None, str | None, str, str]]


def contents(database: StackDatabase, prefix: str) -> dict[str, Contents]:
    """What is in the tables of the collections under prefixes that begin so, by collection."""
    with psycopg.connect(database.database_url) as connection:
        collections = connection.execute(
            "select collection, table_name, failed_table_name from parlant_internal.collections"
            " where starts_with(prefix, %s) order by 1",
            (prefix,),
        ).fetchall()
        return {
            collection: Contents(
                [
                    text
                    for (text,) in connection.execute(
                        SQL("select data::text from public.{} order by seq").format(
                            Identifier(table)
                        )
                    )
                ],
                connection.execute(
                    SQL(
                        "select id, data::text, reason, failed_at::text from public.{} order by seq"
                    ).format(Identifier(failed))
                ).fetchall(),
            )
            for collection, table, failed in collections
        }


def copies_made(
    there: Mapping[str, Contents], source: Mapping[str, Contents]
) -> dict[str, list[str]]:
    """The copies that an import made of documents that Parlant cannot read; all else is equal.

    Args:
        there: What is in the project that was imported to, as `contents` gives it.
        source: What is in the project that it came from.

    Returns:
        By collection the copied documents.
    """
    assert {name: each.documents for name, each in there.items()} == {
        name: each.documents for name, each in source.items()
    }
    copies = {}
    for name, (_, failed) in there.items():
        own = len(source[name].failed)
        assert failed[:own] == source[name].failed
        assert all(reason.startswith("raised: KeyError") for _, _, reason, _ in failed[own:])
        if failed[own:]:
            copies[name] = [str(text) for _, text, _, _ in failed[own:]]
    return copies


_MOST_AT_ONCE = 1000


def fill(
    database: StackDatabase,
    prefix: str,
    collections: Mapping[str, Sequence[Mapping[str, Any] | str]],
) -> None:
    """Makes collections with documents, each given as it is or as its JSON text."""
    with psycopg.connect(database.database_url, autocommit=True) as connection:
        for collection, documents in collections.items():
            connection.execute(
                "select public.parlant_get_or_create_collection(%s, %s)", (prefix, collection)
            )
            texts = [d if isinstance(d, str) else json.dumps(d) for d in documents]
            for start in range(0, len(texts), _MOST_AT_ONCE):
                connection.execute(
                    "select public.parlant_import_documents(%s, %s, %s)",
                    (prefix, collection, json.dumps(texts[start : start + _MOST_AT_ONCE])),
                )


def numbered(count: int, **fields: Any) -> list[dict[str, Any]]:
    """Documents with the ids d1, d2 and so on."""
    return [{"id": f"d{number}", "version": "1.0.0", **fields} for number in range(1, count + 1)]


def tallies(summary: str) -> dict[tuple[str, bool], dict[str, Any]]:
    """What `import --json` says of each collection, and of its failed documents."""
    return {
        (each["collection"], each["failed"]): each for each in json.loads(summary)["collections"]
    }
