"""`parlant-supabase import` of Parlant's JSON files, as Parlant itself wrote them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from parlant.adapters.db.json_file import JSONFileDocumentDatabase
from parlant.core.agents import AgentId
from parlant.core.common import IdGenerator
from parlant.core.context_variables import ContextVariableDocumentStore
from parlant.core.customers import CustomerDocumentStore, CustomerStore
from parlant.core.loggers import TracingLogger
from parlant.core.sessions import EventKind, EventSource, SessionDocumentStore, SessionId
from parlant.core.tags import TagId
from parlant_supabase.local import LocalStack
from parlant_supabase.stores import supabase_stores

from tests.checkout import CHECKOUT
from tests.cli.conftest import Invoke, Run, assert_one_sentence
from tests.cli.moving import contents, tallies


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What PARLANT_HOME names."""
    folder = tmp_path / "parlant-data"
    folder.mkdir()
    return folder


@asynccontextmanager
async def json_database(folder: Path, store: str, logger: TracingLogger) -> AsyncIterator[Any]:
    async with JSONFileDocumentDatabase(logger, folder / f"{store}.json") as database:
        yield database


@asynccontextmanager
async def stores_in_files(
    folder: Path, logger: TracingLogger
) -> AsyncIterator[
    tuple[SessionDocumentStore, CustomerDocumentStore, ContextVariableDocumentStore]
]:
    """Parlant's stores, in JSON files as by default."""
    async with (
        json_database(folder, "sessions", logger) as session_database,
        json_database(folder, "customers", logger) as customer_database,
        json_database(folder, "context_variables", logger) as variable_database,
        SessionDocumentStore(session_database) as sessions,
        CustomerDocumentStore(IdGenerator(), customer_database) as customers,
        ContextVariableDocumentStore(IdGenerator(), variable_database) as variables,
    ):
        yield sessions, customers, variables


async def run_application(folder: Path, logger: TracingLogger, start: int) -> None:
    """What happens between two starts of an application that keeps its data in JSON files."""
    async with stores_in_files(folder, logger) as (sessions, customers, variables):
        # Its id is made of its content, so it is the same at every start.
        plan = await variables.create_variable(name="plan", tags=[TagId("vip")])
        customer = await customers.create_customer(name=f"Ann {start}", extra={"city": "Köln"})
        await customers.upsert_tag(customer.id, TagId("vip"))
        await variables.update_value(plan.id, customer.id, {"plan": "basic", "price": 1e22})
        session = await sessions.create_session(customer.id, AgentId("a1"), metadata={"n": 1.0})
        for number in range(3):
            await sessions.create_event(
                session.id,
                EventSource.CUSTOMER,
                EventKind.MESSAGE,
                f"trace{number}",
                {
                    "message": f"Wo ist mein Paket? {number} 😀",
                    "participant": {"display_name": "Ann"},
                },
            )


async def history(session_store: Any, customer_store: Any, variable_store: Any) -> Any:
    """Everything that an application sees of its stores."""
    sessions = (await session_store.list_sessions()).items
    # The guest is in no storage, and born anew each time.
    customers = [
        customer
        for customer in (await customer_store.list_customers()).items
        if customer.id != CustomerStore.GUEST_ID
    ]
    variables = {variable.id: variable for variable in await variable_store.list_variables()}
    return (
        sorted(sessions, key=lambda session: str(session.id)),
        {session.id: await session_store.list_events(session.id) for session in sessions},
        sorted(customers, key=lambda customer: str(customer.id)),
        {
            # A variable that was created twice has its tags twice in the files.
            id: (variable.name, set(variable.tags), dict(await variable_store.list_values(id)))
            for id, variable in variables.items()
        },
    )


async def in_files(folder: Path, logger: TracingLogger) -> Any:
    async with stores_in_files(folder, logger) as (sessions, customers, variables):
        return await history(sessions, customers, variables)


async def in_project(connection: dict[str, str], prefix: str) -> Any:
    async with supabase_stores(
        {"url": connection["SUPABASE_URL"], "key": connection["SUPABASE_KEY"]},
        session_prefix=f"{prefix}sessions_",
        customer_prefix=f"{prefix}customers_",
        variable_prefix=f"{prefix}context_variables_",
    ) as stores:
        return await history(
            stores["session_store"], stores["customer_store"], stores["variable_store"]
        )


def test_that_an_application_finds_its_history(
    invoke: Invoke,
    connection: dict[str, str],
    prefix: str,
    folder: Path,
    logger: TracingLogger,
) -> None:
    for start in range(2):
        asyncio.run(run_application(folder, logger, start))
    (folder / "agents.json").write_text("{}")
    arguments = ("import", str(folder), "--rename", f"parlant_={prefix}")

    result = invoke(*arguments, "--json", **connection)

    assert result.exit_code == 0, result.output
    counts = tallies(result.stdout)
    assert counts["events", False]["imported"] == counts["events", False]["verified"] == 6
    assert counts["variables", False]["repeated"] == 1
    (note,) = json.loads(result.stdout)["left_out"]
    assert note.startswith("agents.json: ")

    again = invoke(*arguments, **connection)
    assert again.exit_code == 0, again.output
    assert "Imported 0 documents" in again.stdout
    assert "as Parlant writes them when an application starts again" in again.stdout

    expected = asyncio.run(in_files(folder, logger))
    assert len(expected[0]) == len(expected[2]) == 2
    assert asyncio.run(in_project(connection, prefix)) == expected


def test_that_one_file_can_be_imported(
    invoke: Invoke,
    stack: LocalStack,
    connection: dict[str, str],
    prefix: str,
    folder: Path,
    logger: TracingLogger,
) -> None:
    asyncio.run(run_application(folder, logger, 0))

    result = invoke(
        "import", str(folder / "customers.json"), "--rename", f"parlant_={prefix}", **connection
    )

    assert result.exit_code == 0
    assert contents(stack, prefix).keys() == {"customers", "customer_tag_associations", "metadata"}


def test_that_documents_of_an_older_version_are_converted_when_the_store_is_opened(
    invoke: Invoke,
    stack: LocalStack,
    connection: dict[str, str],
    prefix: str,
    folder: Path,
) -> None:
    session = {
        "id": "s1",
        "version": "0.8.0",
        "creation_utc": "2026-01-01T00:00:00+00:00",
        "customer_id": "c1",
        "agent_id": "a1",
        "mode": "auto",
        "title": "Old",
        "consumption_offsets": {"client": 0},
        "agent_states": [],
        "metadata": {},
    }
    (folder / "sessions.json").write_text(
        json.dumps({"sessions": [session], "metadata": [{"id": "m", "version": "0.8.0"}]})
    )

    assert (
        invoke("import", str(folder), "--rename", f"parlant_={prefix}", **connection).exit_code == 0
    )

    assert json.loads(contents(stack, prefix)["sessions"].documents[0]) == session
    sessions, *_ = asyncio.run(in_project(connection, prefix))
    assert [session.title for session in sessions] == ["Old"]
    (stored,) = contents(stack, prefix)["sessions"].documents
    assert json.loads(stored)["version"] == SessionDocumentStore.VERSION.to_string()


def test_that_what_parlant_could_not_read_is_kept_with_the_failed_documents(
    invoke: Invoke,
    stack: LocalStack,
    connection: dict[str, str],
    prefix: str,
    folder: Path,
) -> None:
    failed = {
        "sessions": [{"id": "s"}, {"id": "e", "session_id": "s"}],
        "customers": [{"id": "c"}, {"id": "a", "customer_id": "c", "tag_id": "t"}],
        "context_variables": [
            {"id": "v"},
            {"id": "b", "variable_id": "v", "tag_id": "t"},
            {"id": "w", "variable_id": "v", "key": "c"},
        ],
    }
    for store, documents in failed.items():
        (folder / f"{store}.json").write_text(json.dumps({"failed_migrations": documents}))
    arguments = ("import", str(folder), "--rename", f"parlant_={prefix}")

    for _ in range(2):
        assert invoke(*arguments, **connection).exit_code == 0

    found = {
        collection: [(id, reason) for id, _, reason, _ in each.failed]
        for collection, each in contents(stack, prefix).items()
    }
    assert found == {
        "sessions": [("s", "unknown")],
        "events": [("e", "unknown")],
        "customers": [("c", "unknown")],
        "customer_tag_associations": [("a", "unknown")],
        "variables": [("v", "unknown")],
        "variable_tag_associations": [("b", "unknown")],
        "values": [("w", "unknown")],
    }


def test_that_of_two_that_share_an_id_the_one_that_parlant_reads_is_imported(
    invoke: Invoke,
    stack: LocalStack,
    connection: dict[str, str],
    prefix: str,
    folder: Path,
) -> None:
    customers = [
        {"id": "c", "creation_utc": "2026-01-01", "name": "Ann"},
        {"id": "c", "creation_utc": "2026-01-02", "name": "Ann"},
        {"id": "c", "creation_utc": "2026-01-03", "name": "Ann", "extra": {"other": "person"}},
    ]
    (folder / "customers.json").write_text(json.dumps({"customers": customers}))

    result = invoke("import", str(folder), "--rename", f"parlant_={prefix}", "--json", **connection)

    assert result.exit_code == 1
    tally = tallies(result.stdout)["customers", False]
    assert (tally["imported"], tally["repeated"], tally["contradicted"]) == (1, 1, ["c"])
    assert tally["different"] == [], "that is about the project"
    assert [
        json.loads(text) for text in contents(stack, prefix)["customers"].documents
    ] == customers[:1]
    again = invoke("import", str(folder), "--rename", f"parlant_={prefix}", **connection)
    assert again.exit_code == 1
    assert "has the id c more than once, with different contents" in again.stdout
    assert "--on-conflict skip" in again.stdout
    skipped = invoke(
        *("import", str(folder), "--rename", f"parlant_={prefix}", "--on-conflict", "skip"),
        **connection,
    )
    assert skipped.exit_code == 0


async def test_that_what_parlant_cannot_read_is_counted_and_takes_nothing_with_it(
    invoke: Invoke, stack: LocalStack, connection: dict[str, str], prefix: str, folder: Path
) -> None:
    recorded = CHECKOUT / "tests" / "data" / "parlant" / "3.1.2" / "sessions.json"
    content = json.loads(recorded.read_text("utf-8"))
    (session, *_) = [each["id"] for each in content["sessions"]]
    unknown, lacking, *rest = [e for e in content["events"] if e["session_id"] == session]
    unknown["version"] = "0.0.1"
    del unknown["metadata"]
    del lacking["trace_id"]
    (folder / "sessions.json").write_text(json.dumps(content))
    arguments = ("import", str(folder), "--rename", f"parlant_={prefix}")

    foreseen = await asyncio.to_thread(invoke, *arguments, "--dry-run", **connection)
    for output in (foreseen, await asyncio.to_thread(invoke, *arguments, **connection)):
        assert output.exit_code == 0, output.output
        last = output.stdout.strip().splitlines()[-1]
        assert "2 documents cannot be read by Parlant" in last
        assert f"{unknown['id']} cannot be read by Parlant: raised: KeyError: '0.0.1'" in (
            output.stdout
        )
    part = ("--prefix", f"{prefix}sessions_", "--collection", "events")
    listed = await asyncio.to_thread(invoke, "failed", "list", *part, **connection)
    assert unknown["id"] in listed.stdout
    assert lacking["id"] in listed.stdout
    doctor = await asyncio.to_thread(invoke, "doctor", **connection)
    assert "failed documents" in doctor.stdout

    async with supabase_stores(
        {"url": stack.url, "key": stack.service_role_key},
        session_prefix=f"{prefix}sessions_",
        customer_prefix=f"{prefix}customers_",
        variable_prefix=f"{prefix}context_variables_",
    ) as stores:
        events = await stores["session_store"].list_events(SessionId(session))

    assert {event.id for event in events} == {e["id"] for e in rest if not e["deleted"]}
    failed = contents(stack, f"{prefix}sessions_")["events"].failed
    assert sorted(id for id, *_ in failed if id) == sorted([unknown["id"], lacking["id"]])


def test_that_what_cannot_be_stored_is_replaced_where_that_is_asked_for(
    invoke: Invoke, stack: LocalStack, connection: dict[str, str], prefix: str, folder: Path
) -> None:
    ann = {
        "id": "c",
        "version": "0.1.0",
        "creation_utc": "2025-01-01",
        "name": "A\0nn",
        "extra": {"score": float("nan")},
    }
    bo = {**ann, "id": "d", "name": "Bo", "extra": {}}
    (folder / "customers.json").write_text(json.dumps({"customers": [ann, bo]}))
    arguments = ("import", str(folder), "--rename", f"parlant_={prefix}")

    refused = invoke(*arguments, **connection)
    assert refused.exit_code == 1
    assert "c cannot be stored: document['name'] holds the character U+0000" in refused.stdout
    assert "--replace-unstorable imports" in refused.stdout.splitlines()[-1]

    replaced = invoke(*arguments, "--replace-unstorable", **connection)
    assert replaced.exit_code == 0, replaced.output
    assert (
        "c: replaced what cannot be stored in document['name'], document['extra']['score']"
        in replaced.stdout
    )
    assert (
        "all equal to the source, but for values of 1 document that cannot be stored."
        in replaced.stdout
    )
    again = invoke(*arguments, "--replace-unstorable", "--json", **connection)
    assert tallies(again.stdout)["customers", False]["unchanged"] == 2
    stored = contents(stack, f"{prefix}customers_")["customers"].documents
    assert [json.loads(text) for text in stored] == [
        bo,
        {**ann, "name": "A\ufffdnn", "extra": {"score": None}},
    ]


def test_that_a_file_of_parlant_1_is_read(
    invoke: Invoke, stack: LocalStack, connection: dict[str, str], prefix: str, folder: Path
) -> None:
    ann = {"id": "c", "version": "0.1.0", "creation_utc": "2025-01-01", "name": "Ann", "extra": {}}
    schema = {"module_path": "parlant.core.customers", "model_path": "_CustomerDocument"}
    content = {"__schemas__": {"customers": schema}, "customers": [ann]}
    (folder / "customers.json").write_text(json.dumps(content))

    result = invoke("import", str(folder), "--rename", f"parlant_={prefix}", **connection)

    assert result.exit_code == 0, result.output
    stored = contents(stack, f"{prefix}customers_")
    assert [json.loads(text) for text in stored["customers"].documents] == [ann]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252", "shift-jis"])
def test_that_a_file_in_another_encoding_is_read_or_said_to_be_in_one(
    invoke: Invoke,
    stack: LocalStack,
    connection: dict[str, str],
    prefix: str,
    folder: Path,
    encoding: str,
) -> None:
    name = "ソ" if encoding == "shift-jis" else "Zoë"
    zoe = {"id": "c", "version": "0.1.0", "creation_utc": "2025-01-01", "name": name, "extra": {}}
    text = json.dumps({"customers": [zoe]}, ensure_ascii=False)
    (folder / "customers.json").write_text(text, encoding)

    result = invoke("import", str(folder), "--rename", f"parlant_={prefix}", **connection)

    if encoding.startswith("utf"):
        assert result.exit_code == 0, result.output
        stored = contents(stack, f"{prefix}customers_")
        assert [json.loads(text) for text in stored["customers"].documents] == [zoe]
    else:
        assert result.exit_code == 1
        assert "customers.json is not UTF-8: it has the byte 0x" in result.output
        assert "iconv -f cp1252 -t utf-8" in result.output


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"sessions": [', "sessions.json is damaged"),
        ("[]", "is no file of Parlant's"),
        ('{"sessions": [1]}', "is no file of Parlant's"),
    ],
)
def test_that_a_file_that_is_not_parlants_is_said(
    invoke: Invoke, connection: dict[str, str], folder: Path, content: str, words: str
) -> None:
    (folder / "sessions.json").write_text(content)

    result = invoke("import", str(folder), **connection)

    assert result.exit_code == 1
    assert words in result.stdout


def test_that_a_folder_without_files_is_one_sentence(
    run: Run, connection: dict[str, str], folder: Path
) -> None:
    assert_one_sentence(run("import", str(folder), **connection), "holds none of sessions.json")
