"""What the variable store asks of the database, and what it makes of the replies."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any, cast

import pytest
from parlant.core.common import ItemNotFoundError
from parlant.core.context_variables import (
    ContextVariableDocumentStore,
    ContextVariableId,
)
from parlant.core.tags import TagId
from parlant.core.tools import ToolId
from parlant_supabase import DuplicateDocumentError, UnstorableValueError
from parlant_supabase.stores import SupabaseContextVariableStore
from parlant_supabase.stores.ids import checksum_of

from tests.unit.stores.fake_rpc import CountingIds, FakeRpc, store_of

MOMENT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
V1 = ContextVariableId("v1")
VIP = TagId("vip")
TAKEN = DuplicateDocumentError("another document has that id")
NOT_FOUND = r"^Item 'v1' not found$"


def document(id: str = "v1", **more: Any) -> dict[str, Any]:
    return {
        "id": id,
        "version": "0.3.0",
        "creation_utc": MOMENT.isoformat(),
        "name": "plan",
        "description": "what they pay for",
        "tool_id": "svc:tool",
        "freshness_rules": "* * * * *",
        **more,
    }


def tagged(found: Any = None, tags: Any = ("vip",)) -> dict[str, Any]:
    return {"document": found, "tags": [*tags]}


def association(id: str, variable_id: str = "v1") -> dict[str, Any]:
    return {
        "id": id,
        "version": "0.3.0",
        "creation_utc": MOMENT.isoformat(),
        "variable_id": variable_id,
        "tag_id": "vip",
    }


@pytest.fixture
def rpc() -> FakeRpc:
    return FakeRpc()


@pytest.fixture
def ids() -> CountingIds:
    return CountingIds()


@pytest.fixture
def store(rpc: FakeRpc, ids: CountingIds) -> SupabaseContextVariableStore:
    return cast(SupabaseContextVariableStore, store_of(ContextVariableDocumentStore, rpc, ids))


async def test_that_a_variable_is_created_with_its_tags(
    rpc: FakeRpc, ids: CountingIds, store: SupabaseContextVariableStore
) -> None:
    rpc.answer("create_variable", {"created": True, **tagged({})})
    before = datetime.now(timezone.utc)

    variable = await store.create_variable(
        "plan", "what they pay for", MOMENT, ToolId("svc", "tool"), "* * * * *", [VIP]
    )

    assert (variable.id, variable.name, variable.description) == (
        "id1",
        "plan",
        "what they pay for",
    )
    assert (variable.tool_id, variable.freshness_rules) == (ToolId("svc", "tool"), "* * * * *")
    assert (variable.creation_utc, variable.tags) == (MOMENT, [VIP])
    operation, arguments = rpc.last
    given = datetime.fromisoformat(arguments["p_associations"][0].pop("creation_utc"))
    assert before <= given <= datetime.now(timezone.utc)
    tag = association("id2", "id1")
    del tag["creation_utc"]
    assert (operation, arguments) == (
        "create_variable",
        {"p_variable": document("id1"), "p_associations": [tag]},
    )
    assert ids.given == [
        checksum_of("planwhat they pay forsvc:tool* * * * *['vip']"),
        checksum_of("id1vip"),
    ]


async def test_that_a_variable_may_be_created_with_a_name_alone(
    rpc: FakeRpc, ids: CountingIds, store: SupabaseContextVariableStore
) -> None:
    rpc.answer("create_variable", {"created": True, **tagged({})})
    before = datetime.now(timezone.utc)

    variable = await store.create_variable("plan")

    assert before <= variable.creation_utc <= datetime.now(timezone.utc)
    assert (variable.description, variable.tool_id, variable.freshness_rules) == (None, None, None)
    assert variable.tags == []
    assert rpc.last[1]["p_associations"] == []
    assert ids.given == [checksum_of("planNoneNoneNoneNone")]


async def test_that_a_variable_that_is_there_is_handed_out_as_it_is(
    rpc: FakeRpc, store: SupabaseContextVariableStore
) -> None:
    rpc.answer("create_variable", {"created": False, **tagged(document("id1"), ("a", "b"))})

    variable = await store.create_variable("plan")

    assert (variable.id, variable.description) == ("id1", "what they pay for")
    assert variable.tags == ["a", "b"]


async def test_that_the_next_id_is_taken_if_one_is_of_another_variable(
    rpc: FakeRpc, store: SupabaseContextVariableStore
) -> None:
    rpc.answer("create_variable", *[TAKEN] * 9, {"created": True, **tagged({})})

    assert (await store.create_variable("plan")).id == "id10"


async def test_that_ten_ids_are_tried(
    rpc: FakeRpc, ids: CountingIds, store: SupabaseContextVariableStore
) -> None:
    rpc.answer("create_variable", TAKEN)
    rpc.answer("update_one", TAKEN)

    with pytest.raises(DuplicateDocumentError, match=r"^creating a variable: all 10"):
        await store.create_variable("plan")
    assert len(rpc.calls) == len(ids.given) == 10
    with pytest.raises(DuplicateDocumentError, match=r"^creating a value: all 10"):
        await store.update_value(V1, "k", 1)
    assert len(rpc.calls) == len(ids.given) == 20


async def test_that_a_users_unique_index_is_not_taken_for_a_taken_id(
    rpc: FakeRpc, store: SupabaseContextVariableStore
) -> None:
    error = DuplicateDocumentError("another variable has that name", code="23505")
    rpc.answer("create_variable", error)
    rpc.answer("update_one", error)

    with pytest.raises(DuplicateDocumentError) as caught:
        await store.create_variable("plan")
    assert caught.value is error
    with pytest.raises(DuplicateDocumentError) as caught:
        await store.update_value(V1, "k", 1)
    assert caught.value is error
    assert len(rpc.calls) == 2


@pytest.mark.parametrize(
    ("params", "changes"),
    [
        ({"name": "tier"}, {"name": "tier"}),
        ({"description": None}, {"description": None}),
        ({"description": "d"}, {"description": "d"}),
        ({"tool_id": ToolId("svc", "tool")}, {"tool_id": "svc:tool"}),
        ({"tool_id": None}, {"tool_id": None}),
        ({"freshness_rules": "* * * * *"}, {"freshness_rules": "* * * * *"}),
        ({"freshness_rules": ""}, {"freshness_rules": None}),
        ({}, {}),
    ],
)
async def test_that_an_update_changes_what_it_mentions(
    rpc: FakeRpc, store: SupabaseContextVariableStore, params: Any, changes: dict[str, Any]
) -> None:
    rpc.answer("update_variable", tagged(document()), tagged())

    assert (await store.update_variable(V1, params)).id == "v1"
    assert rpc.last == ("update_variable", {"p_variable_id": "v1", "p_params": changes})
    with pytest.raises(ItemNotFoundError, match=NOT_FOUND):
        await store.update_variable(V1, params)


async def test_that_a_variable_is_deleted(
    rpc: FakeRpc, store: SupabaseContextVariableStore
) -> None:
    rpc.answer("delete_variable", {"deleted": True}, {"deleted": False})

    await store.delete_variable(V1)
    assert rpc.last == ("delete_variable", {"p_variable_id": "v1"})
    with pytest.raises(ItemNotFoundError, match=NOT_FOUND):
        await store.delete_variable(V1)


async def test_that_a_variable_is_read(rpc: FakeRpc, store: SupabaseContextVariableStore) -> None:
    rpc.answer("read_variable", tagged(document()), tagged())

    variable = await store.read_variable(V1)

    assert (variable.id, variable.name, variable.creation_utc) == ("v1", "plan", MOMENT)
    assert (variable.tool_id, variable.freshness_rules) == (ToolId("svc", "tool"), "* * * * *")
    assert (variable.description, variable.tags) == ("what they pay for", ["vip"])
    assert rpc.last == ("read_variable", {"p_variable_id": "v1"})
    with pytest.raises(ItemNotFoundError, match=NOT_FOUND):
        await store.read_variable(V1)


async def test_that_a_variable_may_lack_a_tool_and_a_description(
    rpc: FakeRpc, store: SupabaseContextVariableStore
) -> None:
    without = document(tool_id=None)
    del without["description"]
    rpc.answer("read_variable", tagged(without))

    variable = await store.read_variable(V1)
    assert (variable.tool_id, variable.description) == (None, None)


@pytest.mark.parametrize(
    ("tags", "arguments"), [(None, {}), ([], {"p_tags": []}), ((VIP,), {"p_tags": ["vip"]})]
)
async def test_that_variables_are_filtered_by_tags(
    rpc: FakeRpc, store: SupabaseContextVariableStore, tags: Any, arguments: dict[str, Any]
) -> None:
    rpc.answer("list_variables", {"items": [tagged(document("v1")), tagged(document("v2"))]})

    assert [variable.id for variable in await store.list_variables(tags)] == ["v1", "v2"]
    assert rpc.last == ("list_variables", arguments)


async def test_that_a_value_is_written_over_the_one_of_its_key(
    rpc: FakeRpc, ids: CountingIds, store: SupabaseContextVariableStore
) -> None:
    rpc.answer("update_one", {"matched_count": 0, "modified_count": 0, "updated_document": {}})
    before = datetime.now(timezone.utc)

    value = await store.update_value(V1, "k", {"a": 1})

    assert (value.id, value.data) == ("id1", {"a": 1})
    assert before <= value.last_modified <= datetime.now(timezone.utc)
    operation, arguments = rpc.last
    arguments.pop("p_required_fields")
    assert (operation, arguments) == (
        "update_one",
        {
            "p_collection": "values",
            "p_filters": {"variable_id": {"$eq": "v1"}, "key": {"$eq": "k"}},
            "p_params": {
                "id": "id1",
                "version": "0.3.0",
                "creation_utc": value.last_modified.isoformat(),
                "last_modified": value.last_modified.isoformat(),
                "variable_id": "v1",
                "key": "k",
                "data": {"a": 1},
            },
            "p_upsert": True,
        },
    )
    assert ids.given == [checksum_of("v1k{'a': 1}")]


async def test_that_the_next_id_is_taken_if_one_is_of_another_value(
    rpc: FakeRpc, store: SupabaseContextVariableStore
) -> None:
    written = {"matched_count": 1, "modified_count": 1, "updated_document": {}}
    rpc.answer("update_one", *[TAKEN] * 9, written)

    assert (await store.update_value(V1, "k", 1)).id == "id10"


async def test_that_a_value_that_is_not_text_is_refused_with_its_field(
    store: SupabaseContextVariableStore,
) -> None:
    with pytest.raises(UnstorableValueError, match=r"^document\['data'\] holds half of"):
        await store.update_value(V1, "k", "\ud800")


async def test_that_a_tag_is_given(
    rpc: FakeRpc, ids: CountingIds, store: SupabaseContextVariableStore
) -> None:
    rpc.answer("add_variable_tag", tagged(document()), tagged(document()), tagged())

    assert (await store.add_variable_tag(V1, VIP, MOMENT)).tags == ["vip"]
    assert rpc.last == ("add_variable_tag", {"p_association": association("id1")})
    assert ids.given == [checksum_of("v1vip")]
    before = datetime.now(timezone.utc)
    await store.add_variable_tag(V1, VIP)
    given = datetime.fromisoformat(rpc.last[1]["p_association"]["creation_utc"])
    assert before <= given <= datetime.now(timezone.utc)
    with pytest.raises(ItemNotFoundError, match=NOT_FOUND):
        await store.add_variable_tag(V1, VIP)


async def test_that_a_tag_is_removed(rpc: FakeRpc, store: SupabaseContextVariableStore) -> None:
    rpc.answer(
        "remove_variable_tag",
        {"removed": True, **tagged(document(), ())},
        {"removed": False, **tagged(document())},
        {"removed": True, **tagged()},
    )

    assert (await store.remove_variable_tag(V1, VIP)).tags == []
    assert rpc.last == ("remove_variable_tag", {"p_variable_id": "v1", "p_tag_id": "vip"})
    with pytest.raises(ItemNotFoundError, match=r"^Item 'vip' not found$"):
        await store.remove_variable_tag(V1, VIP)
    with pytest.raises(ItemNotFoundError, match=NOT_FOUND):
        await store.remove_variable_tag(V1, VIP)


def stored_value(**changes: Any) -> dict[str, Any]:
    moment = MOMENT.isoformat()
    return {"id": "x", "last_modified": moment, "key": "k", "data": 1, **changes}


async def test_that_values_are_listed_by_key(
    rpc: FakeRpc, store: SupabaseContextVariableStore
) -> None:
    items = [stored_value(), stored_value(key="l", data=2), stored_value(id="y")]
    del items[2]["key"]
    page = {"items": items, "total_count": 3, "has_more": False, "next_cursor": None}
    rpc.answer("find", page)

    values = await store.list_values(V1)

    # One that cannot be read is left out.
    assert [(key, value.id, value.data) for key, value in values] == [("k", "x", 1), ("l", "x", 2)]
    operation, arguments = rpc.last
    assert (operation, arguments["p_collection"], arguments["p_filters"]) == (
        "find",
        "values",
        {"variable_id": {"$eq": "v1"}},
    )
