"""Conversations of earlier versions of Parlant go on, imported or in the earlier adapter's tables.

`tests/data/parlant/record.py` recorded them with real servers of those versions.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from parlant_supabase.deployment.package_files import find_project
from parlant_supabase.local import SupervisedDatabase
from psycopg.sql import SQL, Identifier
from psycopg.types.json import Jsonb

from tests.checkout import CHECKOUT
from tests.cli.conftest import Invoke, variables_for
from tests.conftest import MakeEmptyDatabase
from tests.programs.test_agents import running
from tests.tables import on
from tests.waiting import wait_until

RECORDED = CHECKOUT / "tests" / "data" / "parlant"
VERSIONS = sorted(path.name for path in RECORDED.iterdir() if path.is_dir())
STORES = ("sessions", "customers", "context_variables")
APPLICATION = CHECKOUT / "tests" / "programs" / "returning_agent.py"
SEED_SCHEMA = CHECKOUT / "tests" / "database" / "seed_schema.sql"

# Of version 3.0 alone, and nothing reads it any more.
INSPECTIONS = "inspections"

Arrive = Callable[[SupervisedDatabase, str], None]


def recorded(version: str, store: str) -> dict[str, list[dict[str, Any]]]:
    """The documents of a store, by collection."""
    content: dict[str, list[dict[str, Any]]] = json.loads(
        (RECORDED / version / f"{store}.json").read_text("utf-8")
    )
    return content


def adopt(database: SupervisedDatabase, version: str) -> None:
    """Lays the documents into tables made by the earlier adapter's script, then deploys."""
    with psycopg.connect(database.database_url) as connection:
        connection.execute(SEED_SCHEMA.read_bytes())
        for store in STORES:
            for collection, documents in recorded(version, store).items():
                prefix = f"parlant_{store}_"
                main = {"sessions": "sessions", "customers": "customers"}.get(store, "variables")
                if collection == INSPECTIONS:
                    continue
                table = prefix if collection == main else f"{prefix}{collection}"
                for document in documents:
                    connection.execute(
                        SQL("insert into public.{} (id, version, data) values (%s, %s, %s)").format(
                            Identifier(table)
                        ),
                        (document["id"], document["version"], Jsonb(document)),
                    )
    database.deploy(find_project())


@pytest.fixture
def bring(invoke: Invoke) -> Callable[[SupervisedDatabase, str], None]:
    """Deploys the migrations and imports the folder."""

    def bring(database: SupervisedDatabase, version: str) -> None:
        database.deploy(find_project())
        result = invoke("import", str(RECORDED / version), **variables_for(database))
        assert result.exit_code == 0, result.output
        assert "all equal to the source." in result.output
        assert "cannot be" not in result.output

    return bring


@pytest.mark.parametrize("way", ["imported", "adopted"])
@pytest.mark.parametrize("version", VERSIONS)
def test_that_a_conversation_of_an_earlier_version_goes_on(
    make_empty_database: MakeEmptyDatabase,
    bring: Callable[[SupervisedDatabase, str], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    version: str,
    way: str,
) -> None:
    database = make_empty_database()
    (bring if way == "imported" else adopt)(database, version)
    old = recorded(version, "sessions")
    monkeypatch.setenv("AGENT_ID", old["sessions"][0]["agent_id"])

    with running(APPLICATION, database, tmp_path / "home") as client:
        assert_shows_everything(client, version)
        for session in old["sessions"]:
            # The other one is in manual mode: a person answers there.
            if session["mode"] == "auto":
                assert_answers_the_next_message(client, session["id"])

    with psycopg.connect(database.database_url) as connection:
        names = connection.execute(
            "select failed_table_name from parlant_internal.collections"
        ).fetchall()
        for (name,) in names:
            assert connection.execute(on("select id, reason from {}", name)).fetchall() == []


def assert_shows_everything(client: httpx.Client, version: str) -> None:
    old = recorded(version, "sessions")
    sessions = {session["id"]: session for session in get(client, "/sessions")}
    assert sessions.keys() == {session["id"] for session in old["sessions"]}
    for session in old["sessions"]:
        shown = sessions[session["id"]]
        assert shown["title"] == session["title"]
        assert shown["mode"] == session["mode"]
        assert shown["metadata"] == session.get("metadata", {})
        assert sorted(shown["labels"]) == sorted(session.get("labels", []))
        events = get(client, f"/sessions/{session['id']}/events", wait_for_data=0)
        assert [(event["offset"], event["kind"], event["data"]) for event in events] == [
            (event["offset"], event["kind"], event["data"])
            for event in old["events"]
            if event["session_id"] == session["id"] and not event["deleted"]
        ]
    (customer,) = recorded(version, "customers")["customers"]
    shown = get(client, f"/customers/{customer['id']}")
    assert (shown["name"], shown["metadata"]) == (customer["name"], customer["extra"])
    assert len(shown["tags"]) == 1
    variables = recorded(version, "context_variables")
    (variable,) = variables["variables"]
    shown = get(client, f"/context-variables/{variable['id']}")
    assert {key: value["data"] for key, value in shown["key_value_pairs"].items()} == {
        value["key"]: value["data"] for value in variables["values"]
    }


def assert_answers_the_next_message(client: httpx.Client, session: str) -> None:
    path = f"/sessions/{session}/events"
    sent = client.post(
        path, json={"kind": "message", "source": "customer", "message": "Anyone there?"}
    ).raise_for_status()
    after = sent.json()["offset"] + 1

    def answered() -> bool:
        events = get(client, path, min_offset=after, wait_for_data=0)
        return any(e["kind"] == "message" and e["source"] == "ai_agent" for e in events)

    wait_until(answered, "the answer")


def get(client: httpx.Client, path: str, **parameters: Any) -> Any:
    response = client.get(path, params=parameters)
    assert response.is_success, response.text
    return response.json()
