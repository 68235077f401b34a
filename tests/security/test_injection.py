"""Hostile texts in every place where the functions take a text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from parlant_supabase.local import LocalStack

from tests.security.conftest import Caller, caller
from tests.security.hostile import HOSTILE

SECRET = "what nobody may see"
OWN_CODES = {"PD001", "PD002", "PD004", "PD006", "PD007", "PD008"}


@pytest.fixture
def server(stack: LocalStack) -> Caller:
    return caller(stack, "service_role")


@pytest.fixture
def things(server: Caller, prefix: str) -> dict[str, str]:
    """A collection with one document."""
    where = {"p_prefix": prefix, "p_collection": "things"}
    assert server.call("parlant_create_collection", **where).is_success
    document = {"id": "one", "creation_utc": "2026", "n": 1}
    assert server.call("parlant_insert_one", **where, p_document=document).is_success
    return where


@pytest.fixture(scope="module")
def canary(stack: LocalStack) -> Iterator[psycopg.Connection]:
    """A table and a function of the user's own, which the API may use and the functions may not."""
    with psycopg.connect(stack.admin_url, autocommit=True) as admin:
        admin.execute("create table public.canary (id text primary key, data jsonb)")
        admin.execute("grant all on public.canary to service_role")
        admin.execute("insert into public.canary values ('one', %s)", [f'{{"id": "{SECRET}"}}'])
        admin.execute(
            "create function public.canary() returns jsonb language sql"
            " as 'select c.data from public.canary as c'"
        )
        yield admin
        admin.execute("drop function public.canary()")
        admin.execute("drop table public.canary")


@pytest.fixture(autouse=True)
def untouched(canary: psycopg.Connection) -> Iterator[None]:
    """Sees to it that a test leaves everything that is not its own as it was."""
    before = state(canary)
    yield
    assert state(canary) == before


def state(admin: psycopg.Connection) -> list[tuple[Any, ...]]:
    """What must be as it was: the canary, the users, the registry of the default stores."""
    return admin.execute(
        """
        select 'canary', id, data::text from public.canary
        union all select 'users', count(*)::text, null from auth.users
        union all
        select c.prefix, c.collection, c.table_name::text
        from parlant_internal.collections as c where c.prefix like 'parlant\\_%'
        order by 1, 2
        """
    ).fetchall()


def refused_or_harmless(reply: Any) -> bool:
    assert SECRET not in reply.text
    return reply.is_success or reply.json()["code"] in OWN_CODES


@pytest.mark.parametrize("text", HOSTILE)
def test_that_a_field_name_is_a_name(server: Caller, things: dict[str, str], text: str) -> None:
    document = {"id": "two", "creation_utc": "2026", text: "here"}
    assert server.call("parlant_insert_one", **things, p_document=document).is_success

    for condition in ({"$eq": "here"}, {"$in": ["here"]}, {"$gte": "here"}, {"$ne": None}):
        reply = server.call("parlant_find", **things, p_filters={text: condition})
        assert [item["id"] for item in reply.json()["items"]] == ["two"]
    reply = server.call("parlant_find_one", **things, p_filters={}, p_sort=[[text, "desc"]])
    assert reply.json()["document"]["id"] == "two"


@pytest.mark.parametrize("text", HOSTILE)
def test_that_a_value_is_a_value(server: Caller, things: dict[str, str], text: str) -> None:
    document = {"id": text, "creation_utc": text, "session_id": text, "n": text}
    assert server.call("parlant_insert_one", **things, p_document=document).is_success

    for field in ("id", "creation_utc", "session_id", "n"):
        for condition in ({"$eq": text}, {"$in": [text]}):
            reply = server.call("parlant_find", **things, p_filters={field: condition})
            assert reply.json()["items"] == [document]
    cursor = {"creation_utc": "", "id": text}
    reply = server.call("parlant_find", **things, p_cursor=cursor)
    assert reply.json()["total_count"] == 2
    reply = server.call("parlant_delete_one", **things, p_filters={"id": {"$eq": text}})
    assert reply.json()["deleted_document"] == document


@pytest.mark.parametrize("text", HOSTILE)
def test_that_an_operator_a_direction_or_a_shape_is_refused(
    server: Caller, things: dict[str, str], text: str
) -> None:
    for arguments in (
        {"p_filters": {"n": {text: 1}}},
        {"p_filters": {"n": text}},
        {"p_filters": text},
        {"p_filters": {"$or": text}},
        {"p_filters": {"$and": [text]}},
        {"p_sort_direction": text},
        {"p_cursor": text},
        {"p_cursor": {"id": text}},
    ):
        reply = server.call("parlant_find", **things, **arguments)
        assert reply.json()["code"] in OWN_CODES, arguments
        assert SECRET not in reply.text
    for sort in (text, [text], [[text]], [["n", text]]):
        reply = server.call("parlant_find_one", **things, p_filters={}, p_sort=sort)
        assert reply.json()["code"] == "PD008", sort


@pytest.mark.parametrize("text", HOSTILE)
def test_that_an_index_on_a_hostile_field_works_as_an_index(
    server: Caller, things: dict[str, str], text: str
) -> None:
    index = {"fields": [[text, "asc"], ["n", "desc"]], "unique": False}

    reply = server.call("parlant_ensure_indexes", **things, p_indexes=[index])

    assert reply.json() == {"created": 1}
    again = server.call("parlant_ensure_indexes", **things, p_indexes=[index])
    assert again.json() == {"created": 0}


@pytest.mark.parametrize("text", HOSTILE)
def test_that_a_collection_of_a_hostile_name_is_a_collection_or_refused(
    server: Caller, prefix: str, text: str
) -> None:
    for where in (
        {"p_prefix": prefix, "p_collection": text},
        {"p_prefix": text, "p_collection": "things"},
    ):
        created = server.call("parlant_create_collection", **where)
        assert refused_or_harmless(created)
        if not created.is_success:
            continue
        document = {"id": "one", "creation_utc": "2026"}
        assert server.call("parlant_insert_one", **where, p_document=document).is_success
        assert server.call("parlant_find", **where).json()["items"] == [document]
        assert server.call("parlant_delete_collection", **where).is_success


@pytest.mark.parametrize("text", HOSTILE)
def test_that_only_functions_of_ours_can_be_executed_in_a_batch(server: Caller, text: str) -> None:
    calls = [
        {"function": text, "arguments": [{}]},
        {"function": "get_version", "arguments": [{text: 1}]},
        {"function": "execute", "arguments": [{"p_calls": []}]},
    ]

    reply = server.call("parlant_execute", p_calls=calls)

    assert [result["error"]["code"] for result in reply.json()["results"]] == ["PD008"] * 3


@pytest.mark.parametrize(
    ("prefix", "collection"),
    [
        ("can", "ary"),
        ("canary", "canary"),
        ("canary_", "canary"),
        ("auth.", "users"),
        ("parlant_internal.", "collections"),
        ("parlant_sessions", "_"),
        ("", "canary"),
    ],
)
def test_that_no_name_leads_to_a_table_that_is_not_registered(
    server: Caller, prefix: str, collection: str
) -> None:
    where = {"p_prefix": prefix, "p_collection": collection}

    for function, arguments in (
        ("parlant_find", {}),
        ("parlant_find_one", {"p_filters": {}}),
        ("parlant_insert_one", {"p_document": {"id": "mine"}}),
        ("parlant_update_one", {"p_filters": {}, "p_params": {"n": 1}}),
        ("parlant_delete_one", {"p_filters": {}}),
        ("parlant_ensure_indexes", {"p_indexes": []}),
        ("parlant_delete_collection", {}),
    ):
        reply = server.call(function, **where, **arguments)
        assert reply.json()["code"] == "PD004"
        assert SECRET not in reply.text


def test_that_two_prefixes_are_two_tenants(server: Caller, prefix: str) -> None:
    mine = {"p_prefix": f"{prefix}a_", "p_collection": "things"}
    theirs = {"p_prefix": f"{prefix}b_", "p_collection": "things"}
    for where in (mine, theirs):
        server.call("parlant_create_collection", **where)
    server.call("parlant_insert_one", **theirs, p_document={"id": "x", "owner": "they"})
    server.call("parlant_insert_one", **mine, p_document={"id": "x", "owner": "me"})

    assert server.call("parlant_find", **mine).json()["items"] == [{"id": "x", "owner": "me"}]
    server.call("parlant_update_one", **mine, p_filters={}, p_params={"owner": "I"})
    server.call("parlant_delete_one", **mine, p_filters={})
    server.call("parlant_delete_one", **mine, p_filters={})
    server.call("parlant_delete_collection", **mine)

    assert server.call("parlant_find", **theirs).json()["items"] == [{"id": "x", "owner": "they"}]


def test_that_names_that_fold_to_one_another_are_two_collections(
    server: Caller, prefix: str
) -> None:
    for collection in ("Things", "things", "THINGS"):
        where = {"p_prefix": prefix, "p_collection": collection}
        assert server.call("parlant_create_collection", **where).is_success
        server.call("parlant_insert_one", **where, p_document={"id": collection})

    for collection in ("Things", "things", "THINGS"):
        where = {"p_prefix": prefix, "p_collection": collection}
        assert server.call("parlant_find", **where).json()["items"] == [{"id": collection}]


def test_that_names_that_are_cut_to_one_another_are_refused(server: Caller, prefix: str) -> None:
    long = prefix + "x" * 50
    first = {"p_prefix": long, "p_collection": "one"}
    second = {"p_prefix": long, "p_collection": "one_failed_migrations"}

    assert server.call("parlant_create_collection", **first).is_success
    assert server.call("parlant_create_collection", **second).json()["code"] == "PD006"
