"""A request of 1 MB takes little memory and time of a backend, or is refused, whatever it asks."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from parlant_supabase.local import LocalStack, SupervisedDatabase
from psycopg.types.json import Jsonb

from tests.tables import on

PREFIX = "bounded_"
MOST_BYTES = 256 * 1024 * 1024
# Processor time, in multiples of what a million hashes take: half a second where nothing else runs.
MOST_HASHINGS = 2.5
REFUSALS = {"PD001", "PD008"}

Arguments = dict[str, Any]

_COLLECTIONS = (
    "documents",
    "sessions",
    "events",
    "customers",
    "customer_tag_associations",
    "variables",
    "variable_tag_associations",
    "values",
)
_DOCUMENTS = {"p_collection": "documents"}


def _many(count: int, make: Callable[[int], Any]) -> list[Any]:
    return [make(number) for number in range(count)]


def _nested(inner: Any) -> Any:
    for level in range(98):
        inner = {"$and" if level % 2 else "$or": [inner]}
    return inner


def _or(count: int, make: Callable[[int], Any]) -> Arguments:
    return {"$or": _many(count, make)}


_FILTERS: dict[str, Arguments] = {
    "alternatives on id": _or(10_000, lambda n: {"id": {"$eq" if n % 2 else "$gt": f"x{n}"}}),
    "1,000 alternatives on id": _or(1000, lambda n: {"id": {"$gt": f"x{n}"}}),
    "1,000 alternatives": _or(1000, lambda n: {"n": {"$gt": n}}),
    "alternatives with long values": _or(300, lambda n: {"id": {"$gt": f"{n}" + "x" * 3000}}),
    "fields": {f"field {n}": {"$ne": n} for n in range(1000)},
    "fields with long values": {f"field {n}": {"$ne": "x" * 1000} for n in range(950)},
    "a long field name": {"f" * 900_000: {"$eq": 1}},
    "a deep long value": _nested({"x": {"$eq": "y" * 900_000}}),
    "a deep long list": _nested({"x": {"$in": ["y" * 20] * 40_000}}),
    "a list of numbers": {"n": {"$in": [*range(130_000)]}},
    "a list of ids": {"id": {"$in": _many(90_000, lambda n: f"a{n}")}},
    "a list of long texts": {"n": {"$nin": _many(4500, lambda n: "y" * 200 + str(n))}},
    "many lists": _or(1000, lambda n: {"id": {"$in": _many(100, lambda m: f"a{n + m}")}}),
    "equalities": _or(45_000, lambda n: {"n": {"$eq": n}}),
    "equalities and a common field": _or(
        22_000, lambda n: {"n": {"$eq": n}, "version": {"$ne": "2"}}
    ),
    "inequalities": {"$and": _many(45_000, lambda n: {"n": {"$ne": n}})},
    "empty members": {"$and": [{}] * 240_000},
    "members with empty members": _or(900, lambda n: {"$and": [{}] * 270}),
}


def _associations(count: int, kind: str) -> list[Arguments]:
    return _many(count, lambda n: {"id": f"i{n}", f"{kind}_id": "c", "tag_id": f"{n}" + "x" * 50})


_CALLS: list[tuple[str, str, Arguments]] = [
    *(
        (f"find, {name}", "find", {**_DOCUMENTS, "p_filters": filters})
        for name, filters in _FILTERS.items()
    ),
    *(
        (f"{function}, {name}", function, {**_DOCUMENTS, "p_filters": _FILTERS[name], **more})
        for function, more in (
            ("find_one", {}),
            ("update_one", {"p_params": {"z": 1}}),
            ("delete_one", {}),
        )
        for name in ("alternatives on id", "1,000 alternatives on id")
    ),
    ("a cursor", "find", {**_DOCUMENTS, "p_cursor": {"creation_utc": "x" * 900_000, "id": "y"}}),
    (
        "a sort by long names",
        "find_one",
        {
            **_DOCUMENTS,
            "p_filters": {},
            "p_sort": _many(32, lambda n: [f"{n}" + "f" * 28_000, "asc"]),
        },
    ),
    (
        "a long sort",
        "find_one",
        {**_DOCUMENTS, "p_filters": {}, "p_sort": [["n", "asc"]] * 60_000},
    ),
    ("a document", "insert_one", {**_DOCUMENTS, "p_document": {"id": "z", "x": "y" * 900_000}}),
    (
        "a document of many keys",
        "insert_one",
        {**_DOCUMENTS, "p_document": {"id": "k", **{f"k{n}": n for n in range(55_000)}}},
    ),
    (
        "changes of many keys",
        "update_one",
        {
            **_DOCUMENTS,
            "p_filters": {"id": {"$eq": "z"}},
            "p_params": {f"k{n}": n for n in range(55_000)},
        },
    ),
    ("watches", "check_events", {"p_watches": _many(30_000, lambda n: {"session_id": f"{n}"})}),
    (
        "an import",
        "import_documents",
        {**_DOCUMENTS, "p_documents": _many(40_000, lambda n: {"id": f"i{n}"})},
    ),
    (
        "failed documents",
        "import_failed_documents",
        {
            **_DOCUMENTS,
            "p_documents": _many(
                14_000, lambda n: {"id": f"i{n}", "data": {"id": f"i{n}"}, "reason": "rejected"}
            ),
        },
    ),
    (
        "unreadable documents",
        "copy_unreadable_documents",
        {
            **_DOCUMENTS,
            "p_documents": _many(20_000, lambda n: {"id": f"i{n}", "reason": "KeyError"}),
        },
    ),
    (
        "what a loader made",
        "save_loaded_documents",
        {
            **_DOCUMENTS,
            "p_results": _many(
                15_000, lambda n: {"id": f"i{n}", "digest": "", "outcome": "rejected"}
            ),
        },
    ),
    (
        "restored documents",
        "restore_failed_documents",
        {
            **_DOCUMENTS,
            "p_documents": _many(15_000, lambda n: {"seq": n, "data": {"id": f"i{n}"}}),
            "p_version": "1",
        },
    ),
    ("dropped documents", "drop_failed_documents", {**_DOCUMENTS, "p_seqs": [*range(130_000)]}),
    (
        "a page to export",
        "export_documents",
        {**_DOCUMENTS, "p_after": {"version": "x" * 900_000, "seq": 1}},
    ),
    (
        "a customer's tags",
        "create_customer",
        {"p_customer": {"id": "c"}, "p_associations": _associations(9000, "customer")},
    ),
    (
        "a customer",
        "create_customer",
        {"p_customer": {"id": "c"}, "p_associations": _associations(200, "customer")},
    ),
    (
        "changes of a customer",
        "update_customer",
        {"p_customer_id": "c", "p_params": {f"k{n}": n for n in range(55_000)}},
    ),
    (
        "a tag",
        "upsert_customer_tag",
        {"p_association": {"id": "t", "customer_id": "c", "tag_id": "x" * 900_000}},
    ),
    ("tags of customers", "list_customers", {"p_tags": _many(90_000, str)}),
    (
        "a variable's tags",
        "create_variable",
        {
            "p_variable": {"id": "v", "name": "n"},
            "p_associations": _associations(9000, "variable"),
        },
    ),
    (
        "changes of a variable",
        "update_variable",
        {"p_variable_id": "v", "p_params": {f"k{n}": n for n in range(55_000)}},
    ),
    (
        "a variable's tag",
        "add_variable_tag",
        {"p_association": {"id": "t", "variable_id": "v", "tag_id": "x" * 900_000}},
    ),
    ("tags of variables", "list_variables", {"p_tags": _many(90_000, str)}),
    ("labels of sessions", "list_sessions", {"p_labels": _many(90_000, str)}),
    (
        "labels of idle sessions",
        "list_expired_sessions",
        {
            "p_session_prefix": PREFIX,
            "p_customer_prefix": PREFIX,
            "p_idle_since": "2026-01-01T00:00:00+00:00",
            "p_labels": _many(90_000, str),
        },
    ),
    (
        "labels",
        "update_session_labels",
        {"p_session_id": "s", "p_added": _many(90_000, str)},
    ),
    (
        "metadata",
        "update_session_metadata",
        {"p_session_id": "s", "p_set": {f"k{n}": n for n in range(55_000)}},
    ),
    ("kinds of events", "list_events", {"p_session_id": "s", "p_kinds": _many(90_000, str)}),
    (
        "an event",
        "create_event",
        {"p_event": {"id": "e", "session_id": "s", "x": "y" * 900_000}},
    ),
    (
        "events",
        "create_events",
        {"p_session_id": "s", "p_events": _many(40_000, lambda n: {"id": f"e{n}"})},
    ),
    (
        "what a turn begins with",
        "read_turn",
        {
            "p_session_id": "s",
            "p_customer_prefix": PREFIX,
            "p_variable_prefix": PREFIX,
            "p_tag_lists": [_many(90_000, str)],
        },
    ),
    (
        "events",
        "create_events",
        {"p_session_id": "s", "p_events": _many(14_000, lambda n: {"id": f"e{n}", "kind": "k"})},
    ),
    (
        "50 events",
        "create_events",
        {"p_session_id": "s", "p_events": _many(50, lambda n: {"id": f"e{n}", "x": "y" * 4000})},
    ),
    (
        "changes by a turn",
        "update_session",
        {
            "p_session_id": "s",
            "p_params": {f"k{n}": n for n in range(55_000)},
            "p_turn": {"turn": "t", "trace_id": "t", "step": "begins", "lease_seconds": 20},
        },
    ),
    (
        "turns to keep",
        "keep_turns",
        {
            "p_turns": _many(
                9000, lambda n: {"session_id": f"{n}", "turn": "t", "state": "running"}
            ),
            "p_lease_seconds": 20.0,
        },
    ),
    (
        "agents' turns",
        "claim_turns",
        {
            "p_turn": "t",
            "p_agent_ids": _many(90_000, str),
            "p_lease_seconds": 20.0,
            "p_max_age_seconds": 60.0,
            "p_max_attempts": 3,
            "p_limit": 100,
        },
    ),
    (
        "answers to keep",
        "save_cached",
        {
            "p_collection": "cached_evaluations",
            "p_version": "1",
            "p_values": {f"k{n}": "x" * 50 for n in range(14_000)},
        },
    ),
    (
        "uses of answers",
        "record_cache_use",
        {
            "p_collection": "cached_evaluations",
            "p_ids": _many(90_000, str),
            "p_hits": 1,
            "p_misses": 1,
        },
    ),
    (
        "kept answers",
        "list_cached",
        {"p_collection": "cached_evaluations", "p_version": "1", "p_ids": _many(90_000, str)},
    ),
    (
        "indexes",
        "ensure_indexes",
        {**_DOCUMENTS, "p_indexes": _many(20_000, lambda n: {"fields": [[f"f{n}", "asc"]]})},
    ),
    (
        "an index",
        "ensure_indexes",
        {
            **_DOCUMENTS,
            "p_indexes": [{"fields": _many(55_000, lambda n: [f"f{n}", "asc"])}],
        },
    ),
    ("a store", "open_store", {"p_collections": _many(90_000, str), "p_version": "1"}),
    ("tables to adopt", "adopt_collections", {"p_collections": _many(90_000, str)}),
    ("a diagnosis", "diagnose", {"p_functions": _many(90_000, str)}),
    (
        "a batch of calls",
        "execute",
        {"p_calls": [{"function": "get_version", "arguments": [{}] * 200_000}]},
    ),
    (
        "a batch of lists",
        "execute",
        {"p_calls": [{"function": "get_version", "arguments": []}] * 15_000},
    ),
    (
        "a batch of documents",
        "execute",
        {
            "p_calls": [
                {
                    "function": "insert_one",
                    "arguments": _many(
                        200,
                        lambda n: {
                            "p_prefix": PREFIX,
                            **_DOCUMENTS,
                            "p_document": {"id": f"b{n}", "x": "y" * 4000},
                        },
                    ),
                }
            ]
        },
    ),
]


@pytest.fixture(scope="module")
def collections(stack: LocalStack) -> None:
    """1,100 small documents, and an owner of each kind."""
    with psycopg.connect(stack.database_url, autocommit=True) as connection:
        for name in _COLLECTIONS:
            connection.execute("select public.parlant_create_collection(%s, %s)", (PREFIX, name))
        connection.execute(
            on(
                "insert into {} (data) select jsonb_build_object("
                "'id', 'a' || n, 'creation_utc', '2026', 'version', '1', 'n', n)"
                " from generate_series(0, 1099) as n",
                f"{PREFIX}documents",
            )
        )
        connection.execute("select public.parlant_open_cache(%s, '1')", (PREFIX,))
        for name, document in (("sessions", {"id": "s"}), ("variables", {"id": "v", "name": "n"})):
            connection.execute(
                on("insert into {} (data) values (%s)", f"{PREFIX}{name}"), (Jsonb(document),)
            )


@pytest.fixture(scope="module")
def hashing(stack: LocalStack) -> float:
    """Processor seconds that a million hashes take here and now."""
    with psycopg.connect(stack.database_url, autocommit=True) as connection:
        before = _seconds_so_far(connection)
        connection.execute("select count(md5(n::text)) from generate_series(1, 1000000) as n")
        return _seconds_so_far(connection) - before


@pytest.mark.parametrize(
    ("function", "arguments"),
    [call[1:] for call in _CALLS],
    ids=[name for name, *_ in _CALLS],
)
@pytest.mark.usefixtures("collections")
def test_that_a_request_takes_little_memory_and_time_or_is_refused(
    stack: LocalStack,
    deployed: SupervisedDatabase,
    hashing: float,
    function: str,
    arguments: Arguments,
) -> None:
    # A diagnosis looks at every collection, and other tests have made thousands in the stack's.
    database = deployed if function == "diagnose" else stack
    with psycopg.connect(database.database_url, autocommit=True) as connection:
        connection.execute("set role service_role")
        bytes_before = _most_bytes_so_far(connection)
        seconds_before = _seconds_so_far(connection)

        refused = _call(connection, function, arguments)

        assert _most_bytes_so_far(connection) - bytes_before < MOST_BYTES
        assert _seconds_so_far(connection) - seconds_before < MOST_HASHINGS * hashing
        assert refused is None or refused in REFUSALS


def test_that_every_function_that_takes_json_or_a_list_is_covered(sql: psycopg.Connection) -> None:
    taking = sql.execute(
        "select distinct substr(p.proname, 9) from pg_proc as p, unnest(p.proargtypes) as t (type)"
        " where p.pronamespace = 'public'::regnamespace and p.proname like 'parlant\\_%'"
        " and t.type in ('jsonb'::regtype, 'text[]'::regtype)"
    ).fetchall()

    assert {function for _, function, _ in _CALLS} >= {name for (name,) in taking}


def _call(connection: psycopg.Connection, function: str, arguments: Arguments) -> str | None:
    if function not in ("execute", "diagnose") and "p_session_prefix" not in arguments:
        arguments = {"p_prefix": PREFIX, **arguments}
    lists = {"p_tags", "p_labels", "p_kinds", "p_added", "p_collections", "p_functions"}
    lists |= {"p_ids", "p_agent_ids"}
    values = {
        name: value if isinstance(value, (str, int, float)) or name in lists else Jsonb(value)
        for name, value in arguments.items()
    }
    names = ", ".join(f"{name} => %({name})s" for name in arguments)
    try:
        connection.execute(f"select length(public.parlant_{function}({names})::text)", values)
    except psycopg.Error as error:
        return error.sqlstate
    return None


def _most_bytes_so_far(connection: psycopg.Connection) -> int:
    status = Path(f"/proc/{connection.info.backend_pid}/status").read_text()
    (kilobytes,) = (line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))
    return int(kilobytes) * 1024


def _seconds_so_far(connection: psycopg.Connection) -> float:
    fields = Path(f"/proc/{connection.info.backend_pid}/stat").read_text().split()
    return sum(int(ticks) for ticks in fields[13:15]) / os.sysconf("SC_CLK_TCK")
