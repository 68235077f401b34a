"""Servers that share a database lose nothing, double nothing and never halt one another."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from operator import itemgetter
from pathlib import Path
from typing import Any, cast

import psycopg
import pytest
from parlant.core.persistence.common import SortDirection
from parlant.core.persistence.document_database import BaseDocument, CollectionIndex
from psycopg.sql import SQL, Identifier
from psycopg.types.json import Jsonb

from tests.concurrency import jobs
from tests.concurrency.workers import COUNT, share

Run = Callable[..., list[Any]]
Stored = Callable[..., None]
Held = Callable[[], list[dict[str, Any]]]


def document(id: str, **fields: object) -> BaseDocument:
    return cast(
        "BaseDocument", {"id": id, "creation_utc": "2026-01-01", "version": "1.0.0", **fields}
    )


@pytest.fixture
def table(prefix: str) -> Identifier:
    return Identifier("public", f"{prefix}{jobs.NAME}")


@pytest.fixture
def stored(sql: psycopg.Connection, prefix: str, table: Identifier) -> Stored:
    """Makes these the collection's documents."""

    def store(*documents: BaseDocument) -> None:
        sql.execute("select public.parlant_create_collection(%s, %s)", (prefix, jobs.NAME))
        with sql.cursor() as cursor:
            cursor.executemany(
                SQL("insert into {} (data) values (%s)").format(table),
                [(Jsonb(each),) for each in documents],
            )

    return store


@pytest.fixture
def lingering(stored: Stored, sql: psycopg.Connection, table: Identifier, prefix: str) -> Stored:
    """Makes these the collection's documents; whoever writes one then takes a while to commit.

    Without it few calls would meet on a machine with few processors.
    """

    def store(*documents: BaseDocument) -> None:
        stored(*documents)
        sql.execute(
            SQL(
                "create function {0}() returns trigger language plpgsql as"
                " $$ begin perform pg_sleep(0.005); return null; end $$;"
                "create trigger linger after insert or update or delete on {1}"
                " for each row execute function {0}()"
            ).format(Identifier("public", f"{prefix}linger"), table)
        )

    return store


@pytest.fixture
def held(sql: psycopg.Connection, table: Identifier) -> Held:
    """The collection's documents."""
    query = SQL("select data from {} order by id").format(table)
    return lambda: [data for (data,) in sql.execute(query)]


def test_that_writers_of_disjoint_fields_of_one_document_lose_none(
    run: Run, lingering: Stored, held: Held
) -> None:
    lingering(document("a"))
    fields = [f"field {number}" for number in range(50)]

    run(jobs.write_fields, *(({"id": {"$eq": "a"}}, names, 4) for (names,) in share(fields)))

    assert held() == [document("a", **dict.fromkeys(fields, 4))]


@pytest.mark.parametrize("by", ["id", "content", "either"])
def test_that_upserts_of_one_document_leave_one(
    run: Run, lingering: Stored, held: Held, by: str
) -> None:
    lingering()

    def upsert(key: int, number: int) -> tuple[Any, BaseDocument]:
        id = f"{key}" if by != "content" else f"{key} {number}"
        by_content = by == "content" or (by == "either" and number // COUNT % 2)
        filters = (
            {"variable_id": {"$eq": "v"}, "key": {"$eq": key}}
            if by_content
            else {"id": {"$eq": id}}
        )
        return filters, document(id, variable_id="v", key=key, n=number)

    # The processes meet at every key, and it is the first upserts of it that may clash.
    keys = range(25)
    upserts = [upsert(key, number) for key in keys for number in range(200 if key == 0 else 16)]

    inserted = run(jobs.upsert, *share(upserts))

    assert sum(inserted) == len(keys)
    assert sorted(each["key"] for each in held()) == list(keys)
    assert all(each in [params for _, params in upserts] for each in held())


@pytest.mark.parametrize("matching", [100, 50])
def test_that_deletes_with_one_filter_delete_a_document_each(
    run: Run, lingering: Stored, held: Held, matching: int
) -> None:
    mine = [document(f"a{number}", owner="me") for number in range(matching)]
    lingering(*mine, document("b", owner="you"))

    deleted = run(jobs.delete, *[({"owner": {"$eq": "me"}}, 100 // COUNT)] * COUNT)

    assert sorted(chain.from_iterable(deleted)) == sorted(each["id"] for each in mine)
    assert held() == [document("b", owner="you")]


def test_that_a_store_opened_by_several_servers_is_migrated_once(
    run: Run, stored: Stored, held: Held, sql: psycopg.Connection, table: Identifier, prefix: str
) -> None:
    fates = ["reject", "raise", *["migrate"] * 8]
    old = [{**document(f"{number:05}"), "fate": fates[number % 10]} for number in range(10_000)]
    stored(*old)
    written = Identifier("public", f"{prefix}written")
    sql.execute(SQL("create table {} (id text)").format(written))
    sql.execute(SQL("grant insert on {} to service_role").format(written))
    sql.execute(
        SQL(
            "create function {0}() returns trigger language plpgsql as"
            " $$ begin insert into {0} values (new.id); return null; end $$;"
            "create trigger write after update on {1} for each row execute function {0}()"
        ).format(written, table)
    )

    run(jobs.open_store, *[()] * COUNT)

    def of(fate: str) -> list[dict[str, Any]]:
        return [each for each in old if each["fate"] == fate]

    migrated = [{**each, "version": "2.0.0", "migrations": 1} for each in of("migrate")]
    assert held() == sorted([*of("raise"), *migrated], key=itemgetter("id"))
    assert _column(sql, written, "id") == [each["id"] for each in of("migrate")]
    failed = Identifier("public", f"{prefix}{jobs.NAME}_failed_migrations")
    assert _column(sql, failed, "data") == sorted(
        [*of("reject"), *of("raise")], key=itemgetter("id")
    )


def _column(sql: psycopg.Connection, table: Identifier, name: str) -> list[Any]:
    query = SQL("select {} from {} order by id").format(Identifier(name), table)
    return [value for (value,) in sql.execute(query)]


def test_that_what_is_written_while_a_store_is_migrated_is_kept(
    run: Run, lingering: Stored, held: Held
) -> None:
    old = [{**document(f"{number:04}"), "fate": "migrate"} for number in range(300)]
    lingering(*old)
    # Against the order of the pages: whoever waited while holding documents would wait for ever.
    edited = [each["id"] for each in old[::-4]]

    run(jobs.open_store_or_edit, ([],), ([],), ([],), (edited,))

    assert held() == [
        {
            **each,
            "version": "2.0.0",
            "migrations": 1,
            **({"edited": True} if each["id"] in edited else {}),
        }
        for each in old
    ]


def test_that_a_store_opened_for_the_first_time_by_several_servers_is_made_once(
    run: Run, held: Held, sql: psycopg.Connection, prefix: str
) -> None:
    run(jobs.open_and_index, *(([_index("offset")], f"server {n}") for n in range(COUNT)))

    assert [each["id"] for each in held()] == [f"server {n}" for n in range(COUNT)]
    assert _count_indexes(sql, prefix, "offset") == 1


def test_that_servers_that_ask_for_indexes_in_different_orders_do_not_halt_one_another(
    run: Run, stored: Stored, sql: psycopg.Connection, prefix: str
) -> None:
    stored(*(document(f"{number}", n=number) for number in range(2000)))
    indexes = [_index(f"field{number}") for number in range(12)]

    run(
        jobs.open_and_index,
        *((indexes[:: -1 if n % 2 else 1], f"server {n}") for n in range(COUNT)),
    )

    assert _count_indexes(sql, prefix, "field") == len(indexes)


def _index(field: str) -> CollectionIndex:
    return CollectionIndex([(field, SortDirection.ASC)])


def _count_indexes(sql: psycopg.Connection, prefix: str, field: str) -> int:
    row = sql.execute(
        "select count(*) from pg_indexes where tablename = %s and strpos(indexdef, %s) > 0",
        (f"{prefix}{jobs.NAME}", field),
    ).fetchone()
    assert row is not None
    return int(row[0])


def test_that_pages_miss_and_repeat_nothing_while_others_insert_and_delete(
    run: Run, stored: Stored, held: Held
) -> None:
    staying = [document(f"m{n:03}", creation_utc=f"2026-01-{n % 28:02}") for n in range(150)]
    stored(*staying)
    # Before, between and behind those that stay, and at the same times.
    coming = [
        document(f"{letter}{n}", creation_utc=f"2026-01-{day:02}")
        for letter in "az"
        for n, day in enumerate(range(0, 30, 3))
    ]

    passes, *_ = run(
        jobs.page_or_churn, (10, []), *((0, transients) for (transients,) in _dealt(coming))
    )

    order = [each["id"] for each in sorted(staying, key=lambda d: (d["creation_utc"], d["id"]))]
    assert len(passes) == 10
    assert any(len(found) > len(staying) for found in passes)
    for position, found in enumerate(passes):
        assert len(set(found)) == len(found)
        kept = [id for id in found if id.startswith("m")]
        assert kept == (order[::-1] if position % 2 else order)


def _dealt(documents: list[BaseDocument]) -> list[tuple[list[BaseDocument]]]:
    return [(documents[position :: COUNT - 1],) for position in range(COUNT - 1)]


def test_that_documents_that_exchange_ids_do_not_halt_one_another(
    run: Run, lingering: Stored, held: Held
) -> None:
    lingering(document("a", was="a"), document("b", was="b"))

    run(jobs.exchange_ids, *[([("a", "b"), ("b", "a"), ("a", "c"), ("c", "b")], 25)] * COUNT)

    assert sorted(each["was"] for each in held()) == ["a", "b"]
    assert len({each["id"] for each in held()}) == 2


def test_that_no_function_raises_what_postgrest_repeats_without_end() -> None:
    # PostgREST up to version 14 carries out anew, for ever, what fails with SQLSTATE 40001.
    sources = Path(__file__).parents[2] / "sql"
    for file in sources.rglob("*.sql"):
        text = file.read_text("utf-8").lower()
        for culprit in ("40001", "serialization_failure", "repeatable read", "serializable"):
            assert culprit not in text, file.name


def test_that_writes_of_every_kind_do_not_halt_one_another(run: Run, lingering: Stored) -> None:
    lingering(*(document(id, k=id) for id in "abcdef"))

    run(jobs.write_at_random, *((seed, 25) for seed in range(COUNT)))
