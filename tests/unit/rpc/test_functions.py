"""The catalogue of functions says of each what its file below sql/ says."""

from __future__ import annotations

import re
from typing import Any

import pytest
from parlant_supabase.rpc.functions import EXECUTE, FUNCTIONS, Batching, Function, Kind

from sql.headers import SQL, read_header
from tests.unit.rpc.reply_notation import differences, read_notation, shape_of

FILES = {path.stem: path for path in (SQL / "functions" / "api").glob("*.sql")}

every_function = pytest.mark.parametrize(
    "function", FUNCTIONS, ids=lambda function: function.operation
)


def test_that_every_function_is_catalogued_once() -> None:
    assert sorted(function.name for function in FUNCTIONS) == sorted(FILES)


@every_function
def test_that_a_read_is_a_function_that_changes_nothing(function: Function[Any]) -> None:
    statement = FILES[function.name].read_text("utf-8")
    volatilities = re.findall(r"^(stable|volatile|immutable)$", statement, re.MULTILINE)

    assert volatilities == ["stable" if function.kind is Kind.READ else "volatile"]


@every_function
def test_that_a_reply_has_the_type_that_the_header_gives(function: Function[Any]) -> None:
    returns = read_header(FILES[function.name]).line("returns")

    assert differences(read_notation(returns), shape_of(function.reply)) == []


def test_that_the_repeatable_writes_are_those_that_acknowledge_what_is_there() -> None:
    repeatable = {each.operation for each in FUNCTIONS if each.kind is Kind.REPEATABLE_WRITE}

    assert repeatable == {
        "adopt_collections",
        "anonymize_customer",
        "claim_turns",
        "copy_unreadable_documents",
        "create_event",
        "create_events",
        "create_variable",
        "ensure_indexes",
        "erase_customer",
        "erase_session",
        "expire_cache",
        "expire_failed_documents",
        "get_or_create_collection",
        "import_documents",
        "import_failed_documents",
        "insert_one",
        "keep_turns",
        "open_cache",
        "open_store",
        "save_cached",
        "save_loaded_documents",
        "update_session",
    }


def test_that_functions_of_tables_whole_stores_and_unnamed_documents_are_never_batched() -> None:
    never = {each.operation for each in FUNCTIONS if each.batching is Batching.NEVER}

    assert never == {
        "adopt_collections",
        "anonymize_customer",
        "claim_turns",
        "copy_unreadable_documents",
        "count_customer_documents",
        "count_documents",
        "count_session_documents",
        "create_collection",
        "create_views",
        "delete_collection",
        "delete_customer",
        "delete_session",
        "delete_variable",
        "describe_caches",
        "drop_failed_documents",
        "ensure_indexes",
        "erase_customer",
        "erase_session",
        "execute",
        "expire_cache",
        "expire_failed_documents",
        "export_documents",
        "get_collection",
        "get_or_create_collection",
        "get_version",
        "import_documents",
        "import_failed_documents",
        "list_customer_failed_documents",
        "list_expired_sessions",
        "keep_turns",
        "open_cache",
        "open_store",
        "record_cache_use",
        "restore_failed_documents",
        "save_cached",
        "save_loaded_documents",
    }


def test_that_the_database_knows_what_the_batched_writes_write() -> None:
    batched = {
        each.operation
        for each in FUNCTIONS
        if each.kind is not Kind.READ and each.batching is not Batching.NEVER
    }
    targets = (SQL / "functions" / "internal" / "batches" / "write_targets.sql").read_text("utf-8")

    assert set(re.findall(r"^ +\('(\w+)', ", targets, re.MULTILINE)) == batched


def test_that_functions_that_choose_what_they_write_are_batched_by_their_arguments() -> None:
    chosen = {each.operation for each in FUNCTIONS if each.batching is Batching.IF_ID_IS_KNOWN}

    assert chosen == {"update_one", "delete_one"}


@pytest.mark.parametrize(
    ("reply", "accepted"),
    [
        ({"results": []}, True),
        ({"results": [], "more": 1}, True),
        ({}, False),
        ([], False),
        (None, False),
        ("results", False),
    ],
)
def test_that_a_reply_needs_all_its_keys(reply: object, accepted: bool) -> None:
    assert EXECUTE.accepts(reply) is accepted
