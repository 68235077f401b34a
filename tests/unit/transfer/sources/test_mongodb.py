"""Parlant's databases in MongoDB, read from a MongoDB in memory."""

from __future__ import annotations

import sys
from typing import Any

import mongomock
import pytest
from parlant_supabase import remedies
from parlant_supabase.transfer.errors import SourceError
from parlant_supabase.transfer.records import Failure, Part, Record
from parlant_supabase.transfer.sources.mongodb import MongoDB, connect
from pymongo.errors import ServerSelectionTimeoutError


@pytest.fixture
def client() -> Any:
    return mongomock.MongoClient()


async def test_that_each_store_is_read_metadata_first(
    client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = mongomock.Database.list_collection_names
    # The one in memory conceals the collections of its own, which a server lists.
    monkeypatch.setattr(
        mongomock.Database, "list_collection_names", lambda self: [*names(self), "system.views"]
    )
    sessions = client["parlant_sessions"]
    sessions["events"].insert_one({"id": "e"})
    sessions["metadata"].insert_one({"id": "m"})
    sessions["parlant_sessions_events_failed_migrations"].insert_one({"id": "f"})
    sessions["system.views"].insert_one({"id": "s"})
    client["parlant_customers"]["customers"].insert_one({"id": "c"})
    client["orders"]["orders"].insert_one({"id": "o"})

    source = MongoDB(client)

    assert (source.parts, source.notes, source.total) == ((), [], 4)
    records = [record async for record in source.records()]
    assert records[0] == Record(Part("parlant_sessions_", "metadata"), {"id": "m"})
    assert sorted(records[1:3], key=str) == sorted(
        [
            Record(Part("parlant_sessions_", "events"), {"id": "e"}),
            Record(
                Part("parlant_sessions_", "events", True),
                {"id": "f"},
                failure=Failure("f", "unknown"),
            ),
        ],
        key=str,
    )
    assert records[3:] == [Record(Part("parlant_customers_", "customers"), {"id": "c"})]


async def test_that_a_name_that_only_looks_failed_is_a_collection(client: Any) -> None:
    client["parlant_sessions"]["my_failed_migrations"].insert_one({"id": "x"})
    client["parlant_sessions"]["parlant_sessions_more"].insert_one({"id": "y"})

    parts = {record.part async for record in MongoDB(client).records()}

    assert parts == {
        Part("parlant_sessions_", "my_failed_migrations"),
        Part("parlant_sessions_", "parlant_sessions_more"),
    }


def test_that_a_server_without_them_is_said(client: Any) -> None:
    client["orders"]["orders"].insert_one({"id": "o"})

    with pytest.raises(SourceError) as refused:
        MongoDB(client)

    assert str(refused.value) == (
        "The MongoDB server has none of the databases parlant_sessions, parlant_customers and "
        "parlant_context_variables, which Parlant keeps its stores in."
    )


def test_that_a_server_that_does_not_answer_is_one_sentence() -> None:
    class Silent:
        def list_database_names(self) -> None:
            raise ServerSelectionTimeoutError("nobody is there, Timeout: 10s, Topology: <...>")

    with pytest.raises(SourceError) as refused:
        MongoDB(Silent())  # type: ignore[arg-type]

    assert str(refused.value) == "MongoDB cannot be read: nobody is there."


def test_that_what_is_no_url_is_one_sentence() -> None:
    with pytest.raises(SourceError, match="MongoDB cannot be read: "):
        connect("mongodb://")


@pytest.mark.parametrize(
    ("option", "given"),
    [
        ("", {"serverSelectionTimeoutMS": 10_000}),
        ("/?serverselectiontimeoutms=5", {}),
        ("/?serverSelectionTimeoutMS=5", {}),
    ],
)
def test_that_the_urls_own_timeout_counts(
    monkeypatch: pytest.MonkeyPatch, option: str, given: dict[str, int]
) -> None:
    seen: list[Any] = []
    monkeypatch.setattr("pymongo.MongoClient", lambda url, **options: seen.append((url, options)))

    connect(f"mongodb://host{option}")

    assert seen == [(f"mongodb://host{option}", {"appname": "parlant-supabase", **given})]


def test_that_without_pymongo_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pymongo", None)

    with pytest.raises(SourceError) as refused:
        connect("mongodb://host")

    assert str(refused.value) == (
        "MongoDB is read with pymongo, which is not installed: run "
        f"`{remedies.install('mongodb')}`."
    )
