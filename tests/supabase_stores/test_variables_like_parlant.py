"""Whatever is done to context variables, the answers are those of Parlant's own store."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from datetime import datetime, timedelta, timezone

import pytest
from parlant.adapters.db.transient import TransientDocumentDatabase
from parlant.core.common import IdGenerator
from parlant.core.context_variables import ContextVariableDocumentStore, ContextVariableId
from parlant.core.tags import TagId
from parlant.core.tools import ToolId
from parlant_supabase.stores import SupabaseStores

from tests.supabase_stores.conftest import OpenStores
from tests.supabase_stores.twins import Name, Twins

LONG_AGO = datetime(2001, 2, 3, 4, 5, 6, tzinfo=timezone.utc)
TAGS = [TagId("agent:a"), TagId("vip"), TagId("Zoë")]
VALUES = [None, False, 7, 1e22, "", "Zoë", ["a", [1]], {"k": {"": None}}]
STEPS = 80


@pytest.fixture
async def both(stores: SupabaseStores) -> AsyncIterator[Twins]:
    """Parlant's store on its reference database, and ours, which derives the same ids."""
    reference = ContextVariableDocumentStore(IdGenerator(), TransientDocumentDatabase())
    async with reference:
        yield Twins(reference, stores["variable_store"])


async def test_that_a_variable_lives_as_in_parlant(both: Twins) -> None:
    tool = ToolId("service", "tool")
    await both("create_variable", "plan", "What they pay", LONG_AGO, tool, "* * * * *", TAGS[:2])
    plan = (await both("create_variable", "plan", tags=TAGS[:1]))["id"]
    await both("read_variable", plan)
    await both("update_variable", plan, {"name": "Plan", "freshness_rules": "0 * * * *"})
    await both("update_variable", plan, {"tool_id": tool, "freshness_rules": ""})
    await both("update_variable", plan, {"description": None, "freshness_rules": None})
    await both("update_variable", "nothing", {"name": "x"})
    await both("add_variable_tag", plan, "vip")
    await both("add_variable_tag", plan, "vip")
    await both("add_variable_tag", "nothing", "vip")
    await both("remove_variable_tag", plan, "vip")
    await both("remove_variable_tag", plan, "vip")
    await both("remove_variable_tag", "nothing", "vip")
    await both("list_variables")
    await both("list_variables", ["vip", "nothing"])
    await both("list_variables", [])
    await both("list_variables", ["nothing"])
    await both("update_value", plan, "DEFAULT", 1)
    await both("delete_variable", plan)
    await both("delete_variable", plan)
    await both("read_variable", plan)
    await both("list_values", plan)
    await both("list_variables")


async def test_that_a_value_lives_as_in_parlant(both: Twins) -> None:
    variable = (await both("create_variable", "plan"))["id"]
    ids = {
        (await both("update_value", variable, "k", value))["id"]
        for value in [1, 2, 1, {"a": [None]}, "1"]
    }
    assert len(ids) == 5
    await both("read_value", variable, "k")
    await both("read_value", variable, "other")
    await both("update_value", variable, "other", None)
    await both("list_values", variable)
    await both("list_values", "nothing")
    await both("delete_value", variable, "k")
    await both("delete_value", variable, "k")
    await both("read_value", variable, "k")
    await both("update_value", "nothing", "k", 1)
    await both("read_value", "nothing", "k")


@pytest.mark.parametrize("seed", range(3))
async def test_that_any_history_reads_as_in_parlant(both: Twins, seed: int) -> None:
    chance = random.Random(seed)
    names = ["nothing"]
    # No two of them alike, as ids that the stores do not share break ties.
    moments = iter(chance.sample(range(10_000), STEPS))

    def moment() -> datetime:
        return LONG_AGO + timedelta(seconds=next(moments))

    for _ in range(STEPS):
        variable, key = Name(chance.choice(names)), chance.choice(["DEFAULT", "c1", "tag:vip"])
        step = chance.randrange(10)
        if step < 2:
            name = f"v{len(names)}"
            tags = chance.choice([None, [], [chance.choice(TAGS)]])
            await both(
                "create_variable", chance.choice("ab"), None, moment(), tags=tags, named=name
            )
            names.append(name)
        elif step == 2:
            await both("add_variable_tag", variable, chance.choice(TAGS), moment())
        elif step == 3:
            await both("remove_variable_tag", variable, chance.choice(TAGS))
        elif step < 6:
            await both("update_value", variable, key, chance.choice(VALUES))
        elif step == 6:
            await both("read_value", variable, key)
        elif step == 7:
            await both("list_variables", chance.choice([None, [], TAGS[:1], TAGS[1:]]))
        elif step == 8:
            await both("delete_value", variable, key)
        elif chance.random() < 0.3:
            await both("delete_variable", variable)
    await both("list_variables")
    for name in names:
        await both("list_values", Name(name))


async def test_that_a_restarted_application_finds_its_variables(open_stores: OpenStores) -> None:
    async with open_stores() as stores:
        first = await stores["variable_store"].create_variable("plan", tags=TAGS[:1])
        await stores["variable_store"].update_value(first.id, "c1", "pro")

    async with open_stores() as stores:
        second = await stores["variable_store"].create_variable("plan", tags=TAGS[:1])
        value = await stores["variable_store"].read_value(second.id, "c1")

        assert second == first
        assert await stores["variable_store"].list_variables() == [first]
        assert value is not None
        assert value.data == "pro"


async def test_that_a_restarted_application_finds_a_variable_that_was_changed(
    open_stores: OpenStores,
) -> None:
    async with open_stores() as stores:
        created = await stores["variable_store"].create_variable("plan", "old", tags=TAGS[:2])
        await stores["variable_store"].update_variable(created.id, {"description": "new"})
        await stores["variable_store"].remove_variable_tag(created.id, TAGS[1])

    async with open_stores() as stores:
        found = await stores["variable_store"].create_variable("plan", "old", tags=TAGS[:2])

        assert (found.id, found.description) == (created.id, "new")
        assert set(found.tags) == set(TAGS[:2])
        assert await stores["variable_store"].list_variables() == [found]


async def test_that_two_variables_whose_content_reads_alike_stay_two(
    open_stores: OpenStores,
) -> None:
    # Parlant derives the id from the name and the description, one after the other.
    async with open_stores() as stores:
        first = await stores["variable_store"].create_variable("plan", "A")

    async with open_stores() as stores:
        second = await stores["variable_store"].create_variable("planA", "")

        assert (second.name, second.description) == ("planA", "")
        assert second.id != first.id
        assert len(await stores["variable_store"].list_variables()) == 2


async def test_that_two_values_whose_content_reads_alike_stay_two(open_stores: OpenStores) -> None:
    variable_id = ContextVariableId("v")
    async with open_stores() as stores:
        await stores["variable_store"].update_value(variable_id, "customer1", 10)

    async with open_stores() as stores:
        await stores["variable_store"].update_value(variable_id, "customer11", 0)
        values = await stores["variable_store"].list_values(variable_id)

        assert {key: value.data for key, value in values} == {"customer1": 10, "customer11": 0}
        assert len({value.id for _, value in values}) == 2


# Where Parlant's store does not do what its interface says.


async def test_that_an_update_changes_what_it_mentions_and_nothing_else(
    stores: SupabaseStores,
) -> None:
    store = stores["variable_store"]
    variable = await store.create_variable(
        "plan", "old", tool_id=ToolId("service", "tool"), freshness_rules="* * * * *"
    )

    renamed = await store.update_variable(variable.id, {"name": "tariff"})
    without_tool = await store.update_variable(variable.id, {"tool_id": None})

    assert renamed.freshness_rules == "* * * * *"
    assert renamed.tool_id == ToolId("service", "tool")
    assert (without_tool.name, without_tool.tool_id) == ("tariff", None)
