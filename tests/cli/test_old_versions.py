"""Conversations of earlier versions of Parlant go on, imported or in the earlier adapter's tables.

`tests/data/parlant/record.py` recorded them with real servers of those versions.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from parlant_supabase.deployment.package_files import find_project
from parlant_supabase.local import LocalStack, StackDatabase
from parlant_supabase.stores import SupabaseStores, supabase_stores
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

# In the earlier adapter's tables the recorded sessions and events have other ids, so that they
# stand beside those that are imported.
ADOPTED = "-adopted"


def recorded(version: str, store: str, suffix: str = "") -> dict[str, list[dict[str, Any]]]:
    """The documents of a store, by collection; those of sessions with a suffix to their ids."""
    content: dict[str, list[dict[str, Any]]] = json.loads(
        (RECORDED / version / f"{store}.json").read_text("utf-8")
    )
    content.pop(INSPECTIONS, None)
    if store == "sessions":
        for document in content["sessions"] + content["events"]:
            for field in {"id", "session_id"} & document.keys():
                document[field] += suffix
    return content


def lay_into_tables(
    sql: psycopg.Connection, prefix: str, store: str, content: dict[str, list[dict[str, Any]]]
) -> None:
    """Puts a store's documents into tables that the earlier adapter's script made."""
    main = {"sessions": "sessions", "customers": "customers"}.get(store, "variables")
    for collection, documents in content.items():
        table = f"{prefix}{store}_" if collection == main else f"{prefix}{store}_{collection}"
        for document in documents:
            sql.execute(
                on("insert into {} (id, version, data) values (%s, %s, %s)", table),
                (document["id"], document["version"], Jsonb(document)),
            )


@pytest.mark.parametrize("way", ["imported", "adopted"])
@pytest.mark.parametrize("version", VERSIONS)
async def test_that_the_stores_have_all_of_an_earlier_version(
    invoke: Invoke,
    stack: LocalStack,
    sql: psycopg.Connection,
    prefix: str,
    version: str,
    way: str,
) -> None:
    if way == "adopted":
        sql.execute(SEED_SCHEMA.read_bytes().replace(b"parlant_", prefix.encode()))
        for store in STORES:
            lay_into_tables(sql, prefix, store, recorded(version, store))
    else:
        await asyncio.to_thread(
            import_recorded, invoke, stack, version, "--rename", f"parlant_={prefix}"
        )

    async with supabase_stores(
        {"url": stack.url, "key": stack.service_role_key},
        session_prefix=f"{prefix}sessions_",
        customer_prefix=f"{prefix}customers_",
        variable_prefix=f"{prefix}context_variables_",
    ) as stores:
        await assert_stores_have_everything(stores, version)

    assert failed_documents(sql, prefix) == []


def test_that_conversations_of_earlier_versions_go_on(
    make_empty_database: MakeEmptyDatabase,
    invoke: Invoke,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    database = make_empty_database()
    with psycopg.connect(database.database_url) as sql:
        sql.execute(SEED_SCHEMA.read_bytes())
        for store in STORES:
            # A store has one version, and takes no documents of a newer one.
            metadata = recorded(VERSIONS[-1], store)["metadata"]
            lay_into_tables(sql, "parlant_", store, {"metadata": metadata})
            # All versions have the same customer and variable.
            for version in VERSIONS if store == "sessions" else VERSIONS[:1]:
                content = recorded(version, store, ADOPTED)
                del content["metadata"]
                lay_into_tables(sql, "parlant_", store, content)
    database.deploy(find_project())
    for version in VERSIONS:
        import_recorded(invoke, database, version, "--on-conflict", "skip")
    old = {
        (version, suffix): recorded(version, "sessions", suffix)
        for version in VERSIONS
        for suffix in ("", ADOPTED)
    }
    (agent,) = {each["agent_id"] for content in old.values() for each in content["sessions"]}
    monkeypatch.setenv("AGENT_ID", agent)

    with running(APPLICATION, database, tmp_path / "home") as client:
        assert_shows_everything(client, old.values())
        assert_answers_the_next_message(
            client,
            # The others are in manual mode: a person answers there.
            [s["id"] for each in old.values() for s in each["sessions"] if s["mode"] == "auto"],
        )

        first = old[VERSIONS[0], ""]["sessions"][0]["id"]
        assert_page_shows(get(client, f"/sessions/{first}/events", wait_for_data=0))

    with psycopg.connect(database.database_url) as sql:
        assert failed_documents(sql, "") == []


def import_recorded(invoke: Invoke, database: StackDatabase, version: str, *options: str) -> None:
    """Imports the folder of a version."""
    result = invoke("import", str(RECORDED / version), *options, **variables_for(database))
    assert result.exit_code == 0, result.output
    assert "all equal to the source." in result.output
    assert "cannot be" not in result.output


def failed_documents(sql: psycopg.Connection, prefix: str) -> list[tuple[Any, ...]]:
    """The ids and reasons of all failed documents under prefixes that begin so."""
    names = sql.execute(
        "select failed_table_name from parlant_internal.collections where starts_with(prefix, %s)",
        (prefix,),
    ).fetchall()
    assert len(names) >= 10
    return [row for (name,) in names for row in sql.execute(on("select id, reason from {}", name))]


async def assert_stores_have_everything(stores: SupabaseStores, version: str) -> None:
    old = recorded(version, "sessions")
    sessions = {each.id: each for each in (await stores["session_store"].list_sessions()).items}
    assert sessions.keys() == {each["id"] for each in old["sessions"]}
    for each in old["sessions"]:
        session = sessions[each["id"]]
        assert (session.title, session.mode) == (each["title"], each["mode"])
        assert session.metadata == each.get("metadata", {})
        assert sorted(session.labels) == sorted(each.get("labels", []))
        events = await stores["session_store"].list_events(session.id, exclude_deleted=False)
        assert [(e.offset, e.kind.value, e.data, e.deleted) for e in events] == [
            (event["offset"], event["kind"], event["data"], event["deleted"])
            for event in old["events"]
            if event["session_id"] == session.id
        ]
    (old_customer,) = recorded(version, "customers")["customers"]
    (_, customer) = await stores["customer_store"].list_customers()
    assert (customer.id, customer.name) == (old_customer["id"], old_customer["name"])
    assert customer.extra == old_customer["extra"]
    assert len(customer.tags) == 1
    variables = recorded(version, "context_variables")
    (old_variable,) = variables["variables"]
    (variable,) = await stores["variable_store"].list_variables()
    assert (variable.id, variable.name) == (old_variable["id"], old_variable["name"])
    values = await stores["variable_store"].list_values(variable.id)
    assert {key: value.data for key, value in values} == {
        value["key"]: value["data"] for value in variables["values"]
    }


def assert_shows_everything(
    client: httpx.Client, recorded_sessions: Iterable[dict[str, list[dict[str, Any]]]]
) -> None:
    sessions = {session["id"]: session for session in get(client, "/sessions")}
    assert sessions.keys() == {
        session["id"] for old in recorded_sessions for session in old["sessions"]
    }
    for old in recorded_sessions:
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
    (customer,) = recorded(VERSIONS[0], "customers")["customers"]
    shown = get(client, f"/customers/{customer['id']}")
    assert (shown["name"], shown["metadata"]) == (customer["name"], customer["extra"])
    assert len(shown["tags"]) == 1
    variables = recorded(VERSIONS[0], "context_variables")
    (variable,) = variables["variables"]
    shown = get(client, f"/context-variables/{variable['id']}")
    assert {key: value["data"] for key, value in shown["key_value_pairs"].items()} == {
        value["key"]: value["data"] for value in variables["values"]
    }


def assert_answers_the_next_message(client: httpx.Client, sessions: Sequence[str]) -> None:
    after = {}
    for session in sessions:
        sent = client.post(
            f"/sessions/{session}/events",
            json={"kind": "message", "source": "customer", "message": "Anyone there?"},
        ).raise_for_status()
        after[session] = sent.json()["offset"] + 1

    def unanswered() -> list[str]:
        return [
            session
            for session in sessions
            if not any(
                event["kind"] == "message" and event["source"] == "ai_agent"
                for event in get(
                    client,
                    f"/sessions/{session}/events",
                    min_offset=after[session],
                    wait_for_data=0,
                )
            )
        ]

    wait_until(lambda: unanswered() == [], "the answers")


def assert_page_shows(events: list[dict[str, Any]]) -> None:
    """The table in moving-data.md has what the server shows of the first conversation of 3.0."""
    page = (CHECKOUT / "docs" / "moving-data.md").read_text("utf-8")
    row = r"^\| (\d+|…) \| (\w+) \| (\w+) \| Parlant 3\.\d \| (.+) \|$"
    rows = re.findall(row, page, re.MULTILINE)
    assert len(rows) > 5
    shown = [(e["offset"], e["source"], e["kind"], json.dumps(e["data"])) for e in events]
    for offset, source, kind, content in rows:
        text = json.dumps(content)[1:-1]
        assert any(
            (s, k) == (source, kind) and offset in ("…", str(o)) and text in data
            for o, s, k, data in shown
        ), f"{offset}: {content}"


def get(client: httpx.Client, path: str, **parameters: Any) -> Any:
    response = client.get(path, params=parameters)
    assert response.is_success, response.text
    return response.json()
