"""Several servers, each a process of its own, and many tasks use one database at once."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import AsyncExitStack

import psycopg
from parlant.core.agents import AgentId
from parlant.core.common import IdGenerator, ItemNotFoundError
from parlant.core.customers import CustomerId
from parlant.core.sessions import EventKind, EventSource, SessionId
from parlant.core.tags import TagId
from parlant_supabase.deployment.package_files import find_project
from parlant_supabase.local import LocalStack
from parlant_supabase.stores import SupabaseStores
from psycopg.types.json import Jsonb

from tests.supabase_stores.conftest import OpenStores
from tests.tables import on
from tests.waiting import until, within_limit

PROCESSES, EVENTS = 3, 60


async def write_from_processes(
    stack: LocalStack, prefix: str, session_ids: list[SessionId]
) -> None:
    """Has three processes write events to the sessions, all at the same time."""
    processes: list[Process] = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.supabase_stores.writer", stack.url),
            *(stack.service_role_key, prefix, str(EVENTS), *session_ids),
            cwd=find_project(),
            stdin=PIPE,
            stdout=PIPE,
        )
        for _ in range(PROCESSES)
    ]
    try:
        for process in processes:
            assert process.stdout is not None
            line = await within_limit(process.stdout.readline(), "a writer to start")
            assert line == b"ready\n"
        replies = await within_limit(
            asyncio.gather(*(process.communicate(b"go\n") for process in processes)),
            "the writers to end",
        )
        assert [output for output, _ in replies] == [b"done\n"] * PROCESSES
    finally:
        for process in processes:
            if process.returncode is None:
                process.kill()
                await process.wait()


async def test_that_three_processes_leave_no_gap_and_no_repetition(
    stack: LocalStack, prefix: str, stores: SupabaseStores
) -> None:
    store = stores["session_store"]
    session = await store.create_session(CustomerId("c"), AgentId("a"))

    await write_from_processes(stack, prefix, [session.id])

    events = await store.list_events(session.id)
    assert [event.offset for event in events] == list(range(PROCESSES * EVENTS))
    assert len({event.id for event in events}) == PROCESSES * EVENTS


async def test_that_three_processes_writing_to_many_sessions_do_not_stop_one_another(
    stack: LocalStack, prefix: str, stores: SupabaseStores, sql: psycopg.Connection
) -> None:
    store = stores["session_store"]
    session_ids = [(await store.create_session(CustomerId("c"), AgentId("a"))).id for _ in range(5)]
    before = deadlocks(sql)

    await write_from_processes(stack, prefix, session_ids)

    for session_id in session_ids:
        events = await store.list_events(session_id)
        assert [event.offset for event in events] == list(range(PROCESSES * EVENTS))
    assert deadlocks(sql) == before


def deadlocks(sql: psycopg.Connection) -> int:
    sql.execute("select pg_stat_force_next_flush()")
    row = sql.execute(
        "select deadlocks from pg_stat_database where datname = current_database()"
    ).fetchone()
    assert row is not None
    return int(row[0])


async def test_that_events_are_listed_in_the_order_of_their_offsets(
    stores: SupabaseStores,
) -> None:
    store = stores["session_store"]
    session = await store.create_session(CustomerId("c"), AgentId("a"))

    created = await asyncio.gather(
        *(
            store.create_event(session.id, EventSource.CUSTOMER, EventKind.MESSAGE, str(n), {})
            for n in range(50)
        )
    )

    events = await store.list_events(session.id)
    assert [event.offset for event in events] == list(range(50))
    assert sorted(created, key=lambda event: event.offset) == events


async def test_that_no_label_and_no_metadata_is_lost(open_stores: OpenStores) -> None:
    # Two servers, as far as the database can tell.
    async with open_stores() as first, open_stores() as second:
        servers = [first["session_store"], second["session_store"]]
        session = await servers[0].create_session(CustomerId("c"), AgentId("a"), labels={"gone"})

        await asyncio.gather(
            *(servers[n % 2].upsert_labels(session.id, {str(n)}) for n in range(30)),
            *(servers[n % 2].set_metadata(session.id, str(n), n) for n in range(30)),
            servers[0].remove_labels(session.id, {"gone"}),
            servers[1].update_session(session.id, {"title": "New"}),
        )

        read = await servers[0].read_session(session.id)
        assert read.labels == {str(n) for n in range(30)}
        assert read.metadata == {str(n): n for n in range(30)}
        assert read.title == "New"


async def test_that_nothing_of_a_customer_is_lost(open_stores: OpenStores) -> None:
    async with open_stores() as first, open_stores() as second:
        servers = [first["customer_store"], second["customer_store"]]
        customer = await servers[0].create_customer("Ann", {"gone": "x"})

        inserted = await asyncio.gather(
            *(servers[n % 2].upsert_tag(customer.id, TagId(str(n // 2))) for n in range(20))
        )
        await asyncio.gather(
            *(servers[n % 2].upsert_extra(customer.id, {str(n): "x"}) for n in range(20)),
            servers[0].remove_extra(customer.id, ["gone"]),
            servers[1].update_customer(customer.id, {"name": "Anna"}),
        )

        read = await servers[0].read_customer(customer.id)
        assert inserted.count(True) == inserted.count(False) == 10
        assert sorted(read.tags) == sorted(str(n) for n in range(10))
        assert read.extra == {str(n): "x" for n in range(20)}
        assert read.name == "Anna"


async def test_that_one_of_many_gets_an_id(open_stores: OpenStores) -> None:
    async with open_stores() as first, open_stores() as second:
        servers = [first["customer_store"], second["customer_store"]]

        results = await asyncio.gather(
            *(servers[n % 2].create_customer(str(n), id=CustomerId("c")) for n in range(10)),
            return_exceptions=True,
        )

        created = [result for result in results if not isinstance(result, BaseException)]
        assert len(created) == 1
        assert all(isinstance(r, ValueError) for r in results if r is not created[0])
        assert await servers[0].read_customer(CustomerId("c")) == created[0]


async def test_that_servers_that_start_together_share_their_variables(
    open_stores: OpenStores,
) -> None:
    async with AsyncExitStack() as stack:
        servers = [
            (await stack.enter_async_context(open_stores()))["variable_store"] for _ in range(4)
        ]

        created = await asyncio.gather(
            *(server.create_variable("plan", tags=[TagId("agent")]) for server in servers)
        )

        assert len({variable.id for variable in created}) == 1
        assert [v.tags for v in await servers[0].list_variables()] == [["agent"]]


async def test_that_a_deleted_session_leaves_no_event_behind(
    stores: SupabaseStores, prefix: str, sql: psycopg.Connection
) -> None:
    store = stores["session_store"]
    for _ in range(5):
        session = await store.create_session(CustomerId("c"), AgentId("a"))
        results = await asyncio.gather(
            *(
                store.create_event(session.id, EventSource.CUSTOMER, EventKind.MESSAGE, "t", {})
                for _ in range(10)
            ),
            store.delete_session(session.id),
            *(
                store.create_event(session.id, EventSource.CUSTOMER, EventKind.MESSAGE, "t", {})
                for _ in range(10)
            ),
            return_exceptions=True,
        )
        failures = [result for result in results if isinstance(result, BaseException)]
        assert all(isinstance(failure, ItemNotFoundError) for failure in failures)

    [(left,)] = sql.execute(on("select count(*) from {}", f"{prefix}s_events")).fetchall()
    assert left == 0


async def test_that_an_event_on_its_way_goes_with_its_session(
    stack: LocalStack, stores: SupabaseStores, prefix: str, sql: psycopg.Connection
) -> None:
    store = stores["session_store"]
    session = await store.create_session(CustomerId("c"), AgentId("a"))
    event = {"id": "e", "session_id": session.id}
    with psycopg.connect(stack.database_url) as other_server:
        other_server.execute(
            "select public.parlant_create_event(%s, %s)", (f"{prefix}s_", Jsonb(event))
        )
        deletion = asyncio.create_task(store.delete_session(session.id))
        await until(
            lambda: bool(sql.execute("select from pg_locks where not granted").fetchall()),
            "the deletion to wait for a lock",
        )
        other_server.commit()
    await deletion

    assert sql.execute(on("select id from {}", f"{prefix}s_events")).fetchall() == []


async def test_that_two_runs_may_count_ids_alike(open_stores: OpenStores) -> None:
    # Each run of an application counts from one, and both write values at the same moment.
    async with open_stores() as first, open_stores() as second:
        servers = [first["variable_store"], second["variable_store"]]
        assert all(isinstance(server._ids, IdGenerator) for server in servers)
        variable = await servers[0].create_variable("plan")

        await asyncio.gather(
            *(servers[n % 2].update_value(variable.id, "k", n // 2) for n in range(20))
        )

        values = await servers[0].list_values(variable.id)
        assert [key for key, _ in values] == ["k"]
