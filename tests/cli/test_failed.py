"""`parlant-supabase failed`: no failed document is lost, nothing newer is overwritten."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import psycopg
import psycopg.sql
import pytest
from parlant.core.sessions import SessionDocumentStore
from parlant_supabase import SupabaseDocumentDatabase
from parlant_supabase.local import LocalStack
from typing_extensions import LiteralString

from tests.cli.conftest import Invoke, Run, assert_one_sentence

_CURRENT = SessionDocumentStore.VERSION.to_string()


def session(id: str, **fields: Any) -> dict[str, Any]:
    """A session as the version before the current one of Parlant's store has it."""
    return {
        "id": id,
        "version": "0.8.0",
        "creation_utc": "2026-01-01T00:00:00+00:00",
        "customer_id": "c1",
        "agent_id": "a1",
        "mode": "auto",
        "title": None,
        "consumption_offsets": {"client": 0},
        "agent_states": [],
        "metadata": {},
        **fields,
    }


class FailedTables:
    """The tables of a store for sessions, with failed documents planted in them."""

    def __init__(self, sql: psycopg.Connection, prefix: str) -> None:
        self._sql = sql
        self.prefix = prefix

    def add(self, document: dict[str, Any], reason: str, collection: str = "sessions") -> None:
        """A failed document."""
        self.execute(
            "insert into {} (id, data, reason) values (%s, %s, %s)",
            f"{collection}_failed_migrations",
            (document["id"], json.dumps(document), reason),
        )

    def store(self, document: dict[str, Any]) -> None:
        """A document that is in the collection."""
        self.execute("insert into {} (data) values (%s)", "sessions", (json.dumps(document),))

    def failed(self, collection: str = "sessions") -> set[str]:
        """The ids of the failed documents."""
        return {
            id for (id,) in self.execute("select id from {}", f"{collection}_failed_migrations")
        }

    def stored(self) -> dict[str, dict[str, Any]]:
        """The documents of the collection: {id: document}."""
        return dict(self.execute("select id, data from {}", "sessions"))

    def execute(
        self, statement: LiteralString, table: str, params: tuple[Any, ...] = ()
    ) -> list[tuple[Any, ...]]:
        """Runs a statement on one of the tables under the prefix."""
        name = psycopg.sql.Identifier("public", f"{self.prefix}{table}")
        cursor = self._sql.execute(psycopg.sql.SQL(statement).format(name), params)
        return cursor.fetchall() if cursor.description else []


@pytest.fixture
async def tables(
    make_database: Callable[..., SupabaseDocumentDatabase], sql: psycopg.Connection, prefix: str
) -> FailedTables:
    """A store for sessions that has been opened."""
    async with make_database() as database, SessionDocumentStore(database):
        pass
    return FailedTables(sql, prefix)


@pytest.fixture
def failed(invoke: Invoke, connection: dict[str, str], tables: FailedTables) -> Invoke:
    """Runs `failed` for the store's prefix."""
    return lambda command, *arguments, **options: invoke(
        "failed", command, "--prefix", tables.prefix, *arguments, **options, **connection
    )


# List.


def test_that_there_may_be_none(failed: Invoke) -> None:
    result = failed("list")

    assert result.exit_code == 0
    assert result.stdout == "No failed documents.\n"
    assert failed("list", "--json").stdout == ""


def test_that_each_is_listed_with_what_one_needs_to_know(
    failed: Invoke, tables: FailedTables
) -> None:
    tables.add(session("s1"), "rejected")
    tables.add({"id": "s2"}, "raised: KeyError: 'x'")
    tables.add(session("e1", version="0.1.0"), "rejected", "events")

    result = failed("list")
    assert result.exit_code == 0
    for words in ("sessions: 1 rejected, 1 raised", "events: 1 rejected", "0.8.0", "KeyError: 'x'"):
        assert words in result.stdout

    lines = [json.loads(line) for line in failed("list", "--json").stdout.splitlines()]
    assert [
        (line["collection"], line["id"], line["version"], line["reason"]) for line in lines
    ] == [
        ("events", "e1", "0.1.0", "rejected"),
        ("sessions", "s1", "0.8.0", "rejected"),
        ("sessions", "s2", None, "raised: KeyError: 'x'"),
    ]
    assert all(line["prefix"] == tables.prefix and line["failed_at"] for line in lines)
    assert "data" not in lines[0]


def test_that_one_collection_can_be_listed(failed: Invoke, tables: FailedTables) -> None:
    tables.add(session("s1"), "rejected")
    tables.add(session("e1"), "rejected", "events")

    (line,) = failed("list", "--json", "--collection", "events").stdout.splitlines()
    assert json.loads(line)["id"] == "e1"


def test_that_a_list_shows_how_many_it_leaves_out(failed: Invoke, tables: FailedTables) -> None:
    for number in range(103):
        tables.add(session(f"s{number}"), "rejected")

    assert "and 3 more" in failed("list").stdout
    assert "and 101 more" in failed("list", "--limit", "2").stdout
    assert len(failed("list", "--json").stdout.splitlines()) == 103
    assert len(failed("list", "--json", "--limit", "2").stdout.splitlines()) == 2


def test_that_nothing_in_the_database_can_write_to_the_terminal(
    failed: Invoke, tables: FailedTables
) -> None:
    tables.add(session("\x1b[2Js1"), "raised: [bold]\x1b]0;owned\x07[/bold]")

    output = failed("list").stdout
    assert "\x1b" not in output
    assert "\x07" not in output
    assert "[bold]" in output


def test_that_a_collection_that_is_not_there_is_one_sentence(
    run: Run, connection: dict[str, str]
) -> None:
    assert_one_sentence(
        run("failed", "list", "--prefix", "nobodys_", **connection), "no such collection"
    )


@pytest.mark.parametrize("arguments", [["list"], ["retry"], ["drop", "--all"]])
def test_that_settings_that_are_missing_are_one_sentence(run: Run, arguments: list[str]) -> None:
    assert_one_sentence(run("failed", *arguments), "Set SUPABASE_URL")


def test_that_the_public_key_is_one_sentence(run: Run, stack: LocalStack) -> None:
    assert_one_sentence(
        run("failed", "list", SUPABASE_URL=stack.url, SUPABASE_KEY=stack.anon_key),
        "service_role key",
    )


# Retry.


def test_that_a_rejected_one_that_converts_now_is_back_in_its_collection(
    failed: Invoke, tables: FailedTables
) -> None:
    tables.add(session("s1", title="Hello"), "rejected")

    result = failed("retry")

    assert result.exit_code == 0
    assert result.stdout == "1 document converted.\n"
    assert tables.failed() == set()
    stored = tables.stored()["s1"]
    assert stored == {**session("s1", title="Hello"), "version": _CURRENT, "labels": []}


def test_that_parlant_reads_what_was_put_back(
    failed: Invoke,
    tables: FailedTables,
    make_database: Callable[..., SupabaseDocumentDatabase],
) -> None:
    tables.add(session("s1", title="Hello"), "rejected")

    failed("retry")

    async def titles() -> list[str | None]:
        async with make_database() as database, SessionDocumentStore(database) as store:
            return [found.title for found in (await store.list_sessions()).items]

    assert asyncio.run(titles()) == ["Hello"]


def test_that_one_that_had_stayed_is_converted_where_it_is(
    failed: Invoke, tables: FailedTables
) -> None:
    tables.add(session("s1"), "raised: KeyError")
    tables.store(session("s1"))

    assert failed("retry").exit_code == 0

    assert tables.failed() == set()
    assert tables.stored()["s1"]["version"] == _CURRENT


def test_that_one_that_was_converted_since_is_settled(failed: Invoke, tables: FailedTables) -> None:
    current = session("s1", version=_CURRENT, title="changed by the agent", labels=[])
    tables.add(session("s1"), "raised: KeyError")
    tables.store(current)

    assert failed("retry").exit_code == 0

    assert tables.failed() == set()
    assert tables.stored() == {"s1": current}


@pytest.mark.parametrize("reason", ["rejected", "raised: KeyError", "unknown"])
def test_that_nothing_newer_is_overwritten(
    failed: Invoke, tables: FailedTables, reason: str
) -> None:
    newer = session("s1", title="changed by the agent")
    tables.add(session("s1"), reason)
    tables.store(newer)

    result = failed("retry")

    assert result.exit_code == 1
    assert "has changed it since" in result.stdout
    assert tables.failed() == {"s1"}
    assert tables.stored() == {"s1": newer}


def test_that_one_that_parlant_cannot_read_stays_until_it_is_corrected(
    failed: Invoke, tables: FailedTables
) -> None:
    broken = session("s1", version=_CURRENT, title=5, labels=[])
    tables.add(broken, "raised: title has another type than it should")
    tables.store(broken)
    tables.add({**broken, "id": "s2"}, "rejected")

    result = failed("retry", "--json")

    assert result.exit_code == 1
    assert "title has another type than it should" in result.stdout
    assert tables.failed() == {"s1", "s2"}
    assert tables.stored() == {"s1": broken}

    tables.execute("update {} set data = data || %s", "sessions", ('{"title": "Hello"}',))
    assert failed("retry").exit_code == 1
    assert tables.failed() == {"s2"}
    assert tables.stored() == {"s1": {**broken, "title": "Hello"}}


def test_that_what_was_deleted_does_not_come_back(failed: Invoke, tables: FailedTables) -> None:
    tables.add(session("s1"), "raised: KeyError")

    result = failed("retry")

    assert result.exit_code == 1
    assert "deleted it since" in result.stdout
    assert tables.failed() == {"s1"}
    assert tables.stored() == {}


def test_that_those_that_fail_again_stay_and_the_others_do_not(
    failed: Invoke, tables: FailedTables
) -> None:
    tables.add(session("good"), "rejected")
    tables.add(session("bad", version="7.0.0"), "raised: KeyError: '7.0.0'")
    tables.add({"id": "without version"}, "rejected")

    result = failed("retry", "--json")

    assert result.exit_code == 1
    report = json.loads(result.stdout)
    assert report["put_back"] == 1
    assert sorted((each["reason"], each["count"]) for each in report["stay"]) == [
        ("raised: KeyError: '7.0.0'", 1),
        ("raised: KeyError: 'version'", 1),
    ]
    assert tables.failed() == {"bad", "without version"}
    assert tables.stored().keys() == {"good"}


def test_that_many_are_retried_page_by_page(failed: Invoke, tables: FailedTables) -> None:
    tables.execute(
        "insert into {} (id, data, reason)"
        " select 's' || n, jsonb_set(%s, '{{id}}', to_jsonb('s' || n)),"
        "  case when n %% 2 = 0 then 'rejected' else 'raised: gone' end"
        " from generate_series(1, 1200) as n",
        "sessions_failed_migrations",
        (json.dumps(session("")),),
    )

    result = failed("retry")

    assert result.exit_code == 1
    assert "600 documents converted." in result.stdout
    assert len(tables.stored()) == 600
    assert len(tables.failed()) == 600


def test_that_documents_of_another_version_of_parlant_are_not_mixed_in(
    failed: Invoke, tables: FailedTables
) -> None:
    tables.add(session("s1"), "rejected")
    tables.execute(
        """update {} set data = data || '{{"version": "0.8.0"}}' where true""", "metadata"
    )

    result = failed("retry")

    assert result.exit_code == 1
    assert "at version 0.8.0" in result.stdout
    assert "start the agent with this one first" in result.stdout
    assert tables.failed() == {"s1"}


def test_that_a_store_that_is_not_known_stays_as_it_is(
    invoke: Invoke, connection: dict[str, str], sql: psycopg.Connection, prefix: str
) -> None:
    sql.execute("select public.parlant_create_collection(%s, 'events')", (prefix,))
    tables = FailedTables(sql, prefix)
    tables.add({"id": "e1", "version": "0.1.0"}, "rejected", "events")

    result = invoke("failed", "retry", "--prefix", prefix, **connection)

    assert result.exit_code == 1
    assert "none of Parlant's stores" in result.stdout
    assert tables.failed("events") == {"e1"}


# Drop.


def test_that_those_named_are_dropped(failed: Invoke, tables: FailedTables) -> None:
    for id in ("s1", "s2", "s3"):
        tables.add(session(id), "raised: KeyError")

    result = failed("drop", "s1", "s3", "--yes")

    assert result.exit_code == 0
    assert result.stdout == "Dropped 2 failed documents.\n"
    assert tables.failed() == {"s2"}


def test_that_all_are_dropped_of_the_collection_named(failed: Invoke, tables: FailedTables) -> None:
    tables.add(session("s1"), "rejected")
    tables.add(session("e1"), "rejected", "events")

    assert failed("drop", "--all", "--collection", "events", "--yes").exit_code == 0
    assert tables.failed("events") == set()
    assert tables.failed() == {"s1"}


def test_that_what_is_dropped_can_be_read_by_a_script(failed: Invoke, tables: FailedTables) -> None:
    tables.add(session("s1"), "raised: KeyError")

    for dropped in (1, 0):
        result = failed("drop", "--all", "--yes", "--json")
        assert (result.exit_code, json.loads(result.stdout)) == (0, {"dropped": dropped})


def test_that_it_asks_first_and_says_what_is_gone_for_good(
    failed: Invoke, tables: FailedTables
) -> None:
    tables.add(session("s1"), "rejected")
    tables.add(session("s2"), "raised: KeyError")

    refused = failed("drop", "--all", stdin="n\n")
    assert refused.exit_code == 1
    assert "1 of them are nowhere else" in refused.stderr
    assert "Drop 2 failed documents?" in refused.stderr
    assert tables.failed() == {"s1", "s2"}

    assert failed("drop", "--all", stdin="y\n").exit_code == 0
    assert tables.failed() == set()


def test_that_without_an_answer_nothing_is_dropped(
    run: Run, connection: dict[str, str], tables: FailedTables
) -> None:
    tables.add(session("s1"), "rejected")

    result = run("failed", "drop", "--all", "--prefix", tables.prefix, **connection)

    assert result.returncode == 1
    assert tables.failed() == {"s1"}


def test_that_an_id_that_is_not_there_stops_everything(
    run: Run, connection: dict[str, str], tables: FailedTables
) -> None:
    tables.add(session("s1"), "rejected")

    arguments = ("failed", "drop", "s1", "s9", "--yes", "--prefix", tables.prefix)
    assert_one_sentence(run(*arguments, **connection), "has the id s9; nothing was dropped")
    assert tables.failed() == {"s1"}


@pytest.mark.parametrize("arguments", [[], ["s1", "--all"]])
def test_that_one_says_which_to_drop(
    run: Run, connection: dict[str, str], arguments: list[str]
) -> None:
    assert_one_sentence(run("failed", "drop", *arguments, **connection), "or say --all")


def test_that_a_document_dropped_stays_in_its_collection(
    failed: Invoke, tables: FailedTables
) -> None:
    tables.add(session("s1"), "raised: KeyError")
    tables.store(session("s1"))

    assert failed("drop", "--all", "--yes").exit_code == 0
    assert tables.stored() == {"s1": session("s1")}
