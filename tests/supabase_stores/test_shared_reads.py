"""What a turn is told of what it began with is what each read of its own would tell it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import psycopg
import pytest
from parlant.core.agents import AgentId
from parlant.core.common import ItemNotFoundError
from parlant.core.context_variables import ContextVariableId, ContextVariableStore
from parlant.core.customers import CustomerId, CustomerStore
from parlant.core.sessions import Event, EventKind, EventSource, SessionId
from parlant.core.tags import TagId
from parlant_supabase.server.turn_reading import TurnReader
from parlant_supabase.stores import (
    SupabaseContextVariableStore,
    SupabaseCustomerStore,
    SupabaseSessionStore,
    SupabaseStores,
)
from parlant_supabase.stores.turn_snapshot import use_snapshot
from psycopg.types.json import Jsonb

from tests.supabase_stores.conftest import OpenStores, RequestLog
from tests.tables import on
from tests.waiting import within_limit

TAG_LISTS = [["agent:a"], [], ["vip", "eu"]]
NOBODY = CustomerId("nobody")


class World:
    """Three stores and what they hold, by names that the test gives."""

    def __init__(self, stores: SupabaseStores) -> None:
        self.sessions: SupabaseSessionStore = stores["session_store"]
        self.customers: SupabaseCustomerStore = stores["customer_store"]
        self.variables: SupabaseContextVariableStore = stores["variable_store"]
        reader = TurnReader.of(self.sessions, self.customers, self.variables)
        assert reader is not None
        self.reader = reader
        self.session: dict[str, SessionId] = {}
        self.customer: dict[str, CustomerId] = {}
        self.variable: dict[str, ContextVariableId] = {}

    async def begin(self, session: str, customer_id: CustomerId) -> None:
        self.session[session] = (await self.sessions.create_session(customer_id, AgentId("a"))).id

    async def say(self, session: str, text: str) -> Event:
        return await self.sessions.create_event(
            self.session[session], EventSource.CUSTOMER, EventKind.MESSAGE, "t", {"message": text}
        )

    async def all_reads(self, session_id: SessionId) -> dict[str, object]:
        """What a turn may ask for, and what each of it comes to."""
        customers = [*self.customer.values(), NOBODY, CustomerStore.GUEST_ID]
        variable_ids = [*self.variable.values(), ContextVariableId("none")]
        keys = [*customers, "tag:vip", "tag:eu", ContextVariableStore.GLOBAL_KEY, "other"]
        reads: dict[str, Awaitable[Any]] = {
            "events": self.sessions.list_events(session_id),
            "messages": self.sessions.list_events(session_id, kinds=[EventKind.MESSAGE]),
            "all events": self.sessions.list_events(session_id, exclude_deleted=False),
            "from an offset": self.sessions.list_events(session_id, min_offset=1),
            "all variables": self.variables.list_variables(),
        }
        for tags in [*TAG_LISTS, ["eu", "vip"], ["vip"]]:
            reads[f"variables {tags}"] = self.variables.list_variables([TagId(t) for t in tags])
        for customer_id in customers:
            reads[f"customer {customer_id}"] = self.customers.read_customer(customer_id)
        for variable_id in variable_ids:
            reads[f"variable {variable_id}"] = self.variables.read_variable(variable_id)
            for key in keys:
                reads[f"value {variable_id} {key}"] = self.variables.read_value(variable_id, key)
        outcomes = await asyncio.gather(*(outcome(read) for read in reads.values()))
        return dict(zip(reads, outcomes, strict=True))

    async def turn(self, session: str, *steps: Callable[[], Awaitable[object]]) -> None:
        """Takes a turn: what is told after the steps is what another task is told."""
        session_id = self.session[session]

        async def turn() -> None:
            await self.reader.read_turn(session_id, TAG_LISTS)
            for step in steps:
                await step()
            await self.check(session_id)

        await asyncio.create_task(turn())

    async def check(self, session_id: SessionId) -> None:
        known = await self.all_reads(session_id)
        asked = await fresh(self.all_reads(session_id))
        assert known == asked


async def outcome(read: Awaitable[Any]) -> object:
    try:
        result = await read
    except ItemNotFoundError as error:
        return type(error), str(error)
    if getattr(result, "id", None) == CustomerStore.GUEST_ID:
        return "the guest"
    # Compared with their names: an Event equals another by its id.
    return [vars_of(item) for item in result] if isinstance(result, list) else vars_of(result)


def vars_of(item: Any) -> Any:
    return vars(item) if hasattr(item, "__dict__") else item


async def fresh(read: Awaitable[Any]) -> Any:
    """What a task is told that takes no part in the turn."""

    async def ask() -> Any:
        use_snapshot(None)
        return await read

    return await asyncio.create_task(ask())


@pytest.fixture
async def world(stores: SupabaseStores) -> World:
    world = World(stores)
    ann = await world.customers.create_customer("Ann", {"k": "v"}, tags=[TagId("vip")])
    bob = await world.customers.create_customer("Bob")
    world.customer = {"Ann": ann.id, "Bob": bob.id}
    for session, customer_id in (
        ("Ann's", ann.id),
        ("Bob's", bob.id),
        ("the guest's", CustomerStore.GUEST_ID),
        ("nobody's", NOBODY),
    ):
        await world.begin(session, customer_id)
        deleted = await world.say(session, "deleted")
        await world.say(session, "first")
        await world.sessions.delete_event(deleted.id)
        await world.say(session, "second")
    for name, tags in (
        ("plan", ["agent:a"]),
        ("language", []),
        ("region", ["eu", "agent:a"]),
        ("another agent's", ["agent:b"]),
    ):
        made = await world.variables.create_variable(name, tags=[TagId(tag) for tag in tags])
        world.variable[name] = made.id
    for variable, key, value in (
        ("plan", ann.id, "pro"),
        ("plan", "tag:vip", {"a": [1, None]}),
        ("plan", ContextVariableStore.GLOBAL_KEY, None),
        ("language", ContextVariableStore.GLOBAL_KEY, "en"),
        ("region", bob.id, 1e22),
        ("another agent's", ann.id, "x"),
    ):
        await world.variables.update_value(world.variable[variable], key, value)
    return world


async def test_that_every_read_tells_what_it_would_tell_by_itself(world: World) -> None:
    for session in world.session:
        await world.turn(session)


async def test_that_a_turn_begins_with_one_request(world: World, requests: RequestLog) -> None:
    session_id, ann = world.session["Ann's"], world.customer["Ann"]
    requests.functions.clear()

    session = await world.reader.read_turn(session_id, TAG_LISTS)
    await world.customers.read_customer(session.customer_id)
    await world.sessions.list_events(session_id)
    for tags in TAG_LISTS:
        for listed in await world.variables.list_variables([TagId(tag) for tag in tags]):
            await world.variables.read_variable(listed.id)
            for key in (ann, "tag:vip", ContextVariableStore.GLOBAL_KEY):
                await world.variables.read_value(listed.id, key)

    assert requests.functions == ["parlant_read_turn"]


async def test_that_the_session_is_read_as_by_itself(world: World) -> None:
    session_id = world.session["Ann's"]

    assert vars(await world.reader.read_turn(session_id, TAG_LISTS)) == vars(
        await world.sessions.read_session(session_id)
    )
    with pytest.raises(ItemNotFoundError) as asked:
        await world.sessions.read_session(SessionId("none"))
    with pytest.raises(ItemNotFoundError) as known:
        await world.reader.read_turn(SessionId("none"), TAG_LISTS)
    assert str(known.value) == str(asked.value)


async def test_that_whatever_this_process_writes_is_seen_at_once(world: World) -> None:
    ann, session_id = world.customer["Ann"], world.session["Ann's"]
    plan, language = world.variable["plan"], world.variable["language"]
    sessions, customers, variables = world.sessions, world.customers, world.variables

    async def update_event() -> None:
        *_, event = await sessions.list_events(session_id)
        await sessions.update_event(session_id, event.id, {"data": {"message": "changed"}})

    async def delete_event() -> None:
        *_, event = await sessions.list_events(session_id)
        await sessions.delete_event(event.id)

    async def create_variable() -> None:
        created = await variables.create_variable("new", tags=[TagId("agent:a")])
        world.variable["new"] = created.id

    steps: list[Callable[[], Awaitable[object]]] = [
        lambda: world.say("Ann's", "third"),
        update_event,
        lambda: world.say("Bob's", "elsewhere"),
        delete_event,
        lambda: customers.update_customer(ann, {"name": "Anna"}),
        lambda: customers.upsert_tag(ann, TagId("eu")),
        lambda: customers.remove_tag(ann, TagId("vip")),
        lambda: customers.upsert_extra(ann, {"k2": "v"}),
        lambda: customers.remove_extra(ann, ["k"]),
        lambda: variables.update_value(plan, ann, "free"),
        lambda: variables.update_value(language, "tag:vip", "de"),
        lambda: variables.delete_value(plan, ann),
        lambda: variables.update_variable(plan, {"name": "Plan"}),
        lambda: variables.add_variable_tag(language, TagId("agent:a")),
        lambda: variables.remove_variable_tag(language, TagId("agent:a")),
        create_variable,
        lambda: variables.delete_variable(plan),
        lambda: customers.delete_customer(ann),
        lambda: sessions.delete_session(session_id),
    ]
    for step in steps:
        await world.turn("Ann's", step)


async def test_that_events_of_ones_own_are_known(world: World, requests: RequestLog) -> None:
    session_id = world.session["Ann's"]
    await world.reader.read_turn(session_id, TAG_LISTS)
    for text in ("third", "fourth"):
        await world.say("Ann's", text)
    requests.functions.clear()

    known = await world.sessions.list_events(session_id)

    assert requests.functions == []
    assert [vars(event) for event in known] == [
        vars(event) for event in await fresh(world.sessions.list_events(session_id))
    ]


async def test_that_events_are_read_again_if_others_may_be_in_between(
    world: World, open_stores: OpenStores
) -> None:
    session_id = world.session["Ann's"]
    async with open_stores() as other_server:

        async def write_elsewhere() -> None:
            await other_server["session_store"].create_event(
                session_id, EventSource.CUSTOMER, EventKind.MESSAGE, "t", {}
            )

        await world.reader.read_turn(session_id, TAG_LISTS)
        await write_elsewhere()
        await world.say("Ann's", "after it")

        await world.check(session_id)


class Gate:
    """Keeps the answer to READ_TURN back."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.opened = asyncio.Event()

    async def hold(self, response: Any) -> None:
        if response.request.url.path.endswith("parlant_read_turn"):
            self.reached.set()
            await self.opened.wait()


@pytest.fixture
async def gate(client: Any) -> Gate:
    gate = Gate()
    client.postgrest.session.event_hooks["response"].append(gate.hold)
    return gate


async def test_that_what_is_written_while_a_turn_is_read_is_not_missed(
    world: World, gate: Gate
) -> None:
    ann, session_id, plan = world.customer["Ann"], world.session["Ann's"], world.variable["plan"]

    async def turn() -> None:
        await world.reader.read_turn(session_id, TAG_LISTS)
        await world.check(session_id)

    taking = asyncio.create_task(turn())
    await within_limit(gate.reached.wait(), "the answer of the database")
    await world.say("Ann's", "meanwhile")
    await world.variables.update_value(plan, ann, "changed")
    await world.variables.update_variable(plan, {"name": "Plan"})
    await world.customers.update_customer(ann, {"name": "Anna"})
    gate.opened.set()

    await within_limit(taking, "the turn")


async def test_that_whatever_outlives_a_turn_reads_by_itself(
    world: World, open_stores: OpenStores
) -> None:
    ann = world.customer["Ann"]
    ended = asyncio.Event()

    async def later() -> str:
        await ended.wait()
        return (await world.customers.read_customer(ann)).name

    async def turn() -> asyncio.Task[str]:
        await world.reader.read_turn(world.session["Ann's"], TAG_LISTS)
        return asyncio.create_task(later())

    reading = await asyncio.create_task(turn())
    async with open_stores() as other_server:
        await other_server["customer_store"].update_customer(ann, {"name": "Anna"})
    ended.set()

    assert await within_limit(reading, "the read") == "Anna"


async def test_that_nobody_changes_what_others_are_told(world: World) -> None:
    session_id = world.session["Ann's"]
    await world.reader.read_turn(session_id, TAG_LISTS)

    for event in await world.sessions.list_events(session_id):
        event.data["message"] = "changed in memory"  # type: ignore[index]
    value = await world.variables.read_value(world.variable["plan"], "tag:vip")
    assert value is not None
    value.data["a"].append("changed in memory")  # type: ignore[index, call-overload, union-attr]

    await world.check(session_id)


async def test_that_what_cannot_be_read_is_left_out_of_a_turn_too(
    world: World, prefix: str, sql: psycopg.Connection
) -> None:
    bad: list[tuple[str, dict[str, object]]] = [
        ("s_events", {"id": "e", "session_id": world.session["Ann's"], "deleted": False}),
        ("v_variables", {"id": "v", "creation_utc": "2026"}),
        (
            "v_values",
            {"id": "x", "variable_id": world.variable["language"], "key": world.customer["Ann"]},
        ),
    ]
    for table, document in bad:
        sql.execute(on("insert into {} (data) values (%s)", prefix + table), [Jsonb(document)])
    world.variable["unreadable"] = ContextVariableId("v")
    await world.turn("Ann's")

    sql.execute(
        on("update {} set data = data - 'name' where id = %s", f"{prefix}c_customers"),
        [world.customer["Ann"]],
    )
    await world.turn("Ann's")
