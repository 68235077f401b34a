"""`parlant-supabase import` from MongoDB.

The server is mongomock, which answers pymongo's calls from memory: there is none to install here.
"""

from __future__ import annotations

import datetime
import json
import sys
from typing import Any

import bson
import mongomock
import pytest
from parlant_supabase.cli import import_
from parlant_supabase.local import LocalStack
from parlant_supabase.transfer.errors import SourceError
from parlant_supabase.transfer.sources.mongodb import connect

from tests.cli.conftest import Invoke, Run, assert_one_sentence
from tests.cli.moving import contents, tallies

_URL = "mongodb://parlant:open-sesame@mongo.example/"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A client of a MongoDB server, which the command line gets for any URL."""
    client: Any = mongomock.MongoClient()
    monkeypatch.setattr(import_, "connect", lambda url: client)
    return client


def test_that_the_stores_are_where_parlant_has_them(
    invoke: Invoke, stack: LocalStack, connection: dict[str, str], prefix: str, server: Any
) -> None:
    sessions = [{"id": f"s{number}", "version": "0.9.0", "x": 1e22} for number in range(2)]
    server.parlant_sessions.sessions.insert_many([dict(each) for each in sessions])
    server.parlant_sessions.events.insert_one({"id": "e", "offset": bson.Int64(2**40)})
    server.parlant_sessions.metadata.insert_one({"id": "m", "version": "0.9.0"})
    server.parlant_sessions.parlant_sessions_events_failed_migrations.insert_one({"id": "f"})
    server.parlant_customers.customers.insert_one({"id": "c", "name": "Ann"})
    server.shop.orders.insert_one({"id": "o"})
    arguments = ("import", _URL, "--rename", f"parlant_={prefix}", "--json")

    result = invoke(*arguments, **connection)

    assert result.exit_code == 0, result.output
    there = contents(stack, prefix)
    assert there.keys() == {"customers", "events", "metadata", "sessions"}
    assert [json.loads(text) for text in there["sessions"].documents] == sessions
    assert there["events"].documents == ['{"id": "e", "offset": 1099511627776}']
    assert [(id, text, reason) for id, text, reason, _ in there["events"].failed] == [
        ("f", '{"id": "f"}', "unknown"),
        # A copy, as Parlant cannot read it.
        ("e", '{"id": "e", "offset": 1099511627776}', "raised: KeyError: 'version'"),
    ]
    assert all(not tally["missing"] for tally in tallies(result.stdout).values())

    assert invoke(*arguments, **connection).exit_code == 0
    assert contents(stack, prefix) == there


def test_that_a_type_that_json_has_not_is_named_with_its_field(
    invoke: Invoke, stack: LocalStack, connection: dict[str, str], prefix: str, server: Any
) -> None:
    server.parlant_customers.customers.insert_many(
        [
            {"id": "a", "extra": {"born": datetime.datetime(1990, 1, 1)}},
            {"id": "b", "extra": {"ref": bson.ObjectId()}},
            {"id": "c"},
        ]
    )

    result = invoke("import", _URL, "--rename", f"parlant_={prefix}", **connection)

    assert result.exit_code == 1
    assert "a cannot be stored: document['extra']['born'] is of type datetime" in result.stdout
    assert "b cannot be stored: document['extra']['ref'] is of type ObjectId" in result.stdout
    assert [json.loads(text)["id"] for text in contents(stack, prefix)["customers"].documents] == [
        "c"
    ]


def test_that_a_server_without_parlant_is_said(
    run: Run, invoke: Invoke, connection: dict[str, str], server: Any
) -> None:
    with pytest.raises(SourceError, match="has none of the databases parlant_sessions"):
        invoke("import", _URL, **connection)


@pytest.mark.parametrize(
    "url", ["mongodb://", "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=50"]
)
def test_that_a_server_that_is_not_there_is_one_sentence(
    run: Run, connection: dict[str, str], url: str
) -> None:
    assert_one_sentence(run("import", url, **connection), "MongoDB cannot be read: ")


def test_that_without_pymongo_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pymongo", None)

    with pytest.raises(SourceError, match=r"pip install .*\[mongodb\]"):
        connect(_URL)
