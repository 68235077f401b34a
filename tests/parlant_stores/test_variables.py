"""ContextVariableDocumentStore through its public methods."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import cast

import pytest
from parlant.core.common import ItemNotFoundError, JSONSerializable
from parlant.core.context_variables import (
    ContextVariable,
    ContextVariableDocumentStore,
    ContextVariableId,
)
from parlant.core.tags import TagId
from parlant.core.tools import ToolId

NOON = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
VIP, NEW = TagId("vip"), TagId("new")

VALUES: list[JSONSerializable] = [
    "pro",
    "",
    0,
    1.0,
    1e22,
    True,
    None,
    [],
    {"plan": "pro", "limits": [1, 2.5, None], "ünïcode": "😀"},
]


@pytest.fixture
async def plan(variables: ContextVariableDocumentStore) -> ContextVariable:
    return await variables.create_variable("plan")


class TestVariables:
    async def test_that_a_variable_is_read_as_it_was_created(
        self, variables: ContextVariableDocumentStore
    ) -> None:
        created = await variables.create_variable(
            "plan",
            description="What the customer pays for",
            creation_utc=NOON,
            tool_id=ToolId("billing", "read_plan"),
            freshness_rules="0 * * * *",
            tags=[VIP],
        )

        assert await variables.read_variable(created.id) == created

    async def test_that_variables_are_listed_oldest_first(
        self, variables: ContextVariableDocumentStore
    ) -> None:
        created = [
            await variables.create_variable(name, creation_utc=NOON - timedelta(seconds=n))
            for n, name in enumerate(["c", "b", "a"])
        ]

        assert list(await variables.list_variables()) == created[::-1]

    async def test_that_variables_are_found_by_their_tags(
        self, variables: ContextVariableDocumentStore
    ) -> None:
        vip = await variables.create_variable("vip", tags=[VIP])
        both = await variables.create_variable("both", tags=[VIP, NEW])
        neither = await variables.create_variable("neither")

        found = await variables.list_variables(tags=[NEW, TagId("other")])
        assert [variable.id for variable in found] == [both.id]
        found = await variables.list_variables(tags=[VIP])
        assert {variable.id for variable in found} == {vip.id, both.id}
        assert list(await variables.list_variables(tags=[])) == [neither]
        assert list(await variables.list_variables(tags=[TagId("nobody's")])) == []

    async def test_that_a_variable_can_be_updated(
        self, variables: ContextVariableDocumentStore, plan: ContextVariable
    ) -> None:
        updated = await variables.update_variable(
            plan.id,
            {
                "name": "tariff",
                "description": "New",
                "tool_id": ToolId("s", "t"),
                "freshness_rules": "* * * * *",
            },
        )

        assert updated == await variables.read_variable(plan.id)
        assert (updated.name, updated.description) == ("tariff", "New")
        assert updated.tool_id == ToolId("s", "t")
        assert updated.freshness_rules == "* * * * *"

    async def test_that_tags_are_added_once_and_removed(
        self, variables: ContextVariableDocumentStore, plan: ContextVariable
    ) -> None:
        await variables.add_variable_tag(plan.id, VIP, NOON)
        await variables.add_variable_tag(plan.id, VIP)
        tagged = await variables.add_variable_tag(plan.id, NEW)
        assert tagged.tags == [VIP, NEW]

        untagged = await variables.remove_variable_tag(plan.id, VIP)
        assert untagged.tags == [NEW]
        with pytest.raises(ItemNotFoundError):
            await variables.remove_variable_tag(plan.id, VIP)

    async def test_that_a_deleted_variable_takes_tags_and_values_along(
        self, variables: ContextVariableDocumentStore
    ) -> None:
        doomed = await variables.create_variable("doomed", tags=[VIP, NEW])
        kept = await variables.create_variable("kept", tags=[VIP])
        for variable in (doomed, kept):
            await variables.update_value(variable.id, "ann", 1)
            await variables.update_value(variable.id, "bob", 2)

        await variables.delete_variable(doomed.id)

        with pytest.raises(ItemNotFoundError):
            await variables.read_variable(doomed.id)
        assert list(await variables.list_values(doomed.id)) == []
        found = await variables.list_variables(tags=[VIP, NEW])
        assert [variable.id for variable in found] == [kept.id]
        assert len(await variables.list_values(kept.id)) == 2

    async def test_that_what_does_not_exist_is_not_found(
        self, variables: ContextVariableDocumentStore
    ) -> None:
        nothing = ContextVariableId("nothing")

        with pytest.raises(ItemNotFoundError):
            await variables.read_variable(nothing)
        with pytest.raises(ItemNotFoundError):
            await variables.delete_variable(nothing)
        with pytest.raises(ItemNotFoundError):
            await variables.update_variable(nothing, {"name": "x"})


class TestValues:
    @pytest.mark.parametrize("data", VALUES)
    async def test_that_a_value_is_read_as_it_was_written(
        self,
        variables: ContextVariableDocumentStore,
        plan: ContextVariable,
        data: JSONSerializable,
    ) -> None:
        written = await variables.update_value(plan.id, "ann", data)

        read = await variables.read_value(plan.id, "ann")
        assert read == written
        assert read is not None
        assert repr(read.data) == repr(data) or isinstance(data, dict)

    async def test_that_a_value_is_replaced(
        self, variables: ContextVariableDocumentStore, plan: ContextVariable
    ) -> None:
        # With every value the document gets another id, also when an earlier value returns.
        for data in ("free", "pro", "free", "free", {"a": 1}):
            written = await variables.update_value(plan.id, "ann", data)
            assert await variables.read_value(plan.id, "ann") == written

        assert list(await variables.list_values(plan.id)) == [("ann", written)]

    async def test_that_each_key_has_its_value(
        self, variables: ContextVariableDocumentStore, plan: ContextVariable
    ) -> None:
        other = await variables.create_variable("other")
        keys = ["ann", "tag:vip", "DEFAULT", "Ann", ""]
        written = {key: await variables.update_value(plan.id, key, f"for {key}") for key in keys}
        await variables.update_value(other.id, "ann", "other")

        assert {key: value.data for key, value in await variables.list_values(plan.id)} == {
            key: f"for {key}" for key in keys
        }
        for key in keys:
            assert await variables.read_value(plan.id, key) == written[key]

    async def test_that_a_value_that_was_never_written_is_none(
        self, variables: ContextVariableDocumentStore, plan: ContextVariable
    ) -> None:
        assert await variables.read_value(plan.id, "nobody") is None
        assert await variables.read_value(cast(ContextVariableId, "nothing"), "ann") is None

    async def test_that_a_deleted_value_is_gone(
        self, variables: ContextVariableDocumentStore, plan: ContextVariable
    ) -> None:
        await variables.update_value(plan.id, "ann", 1)
        await variables.update_value(plan.id, "bob", 2)

        await variables.delete_value(plan.id, "ann")
        await variables.delete_value(plan.id, "nobody")

        assert await variables.read_value(plan.id, "ann") is None
        assert [key for key, _ in await variables.list_values(plan.id)] == ["bob"]
