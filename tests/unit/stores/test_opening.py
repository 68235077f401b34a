"""A store is opened in one request, and its version is written when it has changed."""

from __future__ import annotations

from typing import Any

import pytest
from parlant.core.common import Version
from parlant.core.context_variables import ContextVariableDocumentStore
from parlant.core.customers import CustomerDocumentStore
from parlant.core.persistence.common import MigrationRequired, ServerOutdated
from parlant.core.persistence.document_database import BaseDocument
from parlant.core.sessions import SessionDocumentStore
from parlant_supabase.store_layout import CONTEXT_VARIABLES, CUSTOMERS, SESSIONS, StoreLayout
from parlant_supabase.stores.opening import StoreDatabase
from parlant_supabase.stores.store import SupabaseStore

from tests.unit.stores.fake_rpc import FakeRpc, fake_database, store_of

STORES = [
    (SessionDocumentStore, SESSIONS),
    (CustomerDocumentStore, CUSTOMERS),
    (ContextVariableDocumentStore, CONTEXT_VARIABLES),
]


def opened(layout: StoreLayout, *metadata: dict[str, Any]) -> dict[str, Any]:
    """The reply for a store without documents that need its loader."""
    empty = {"created": False, "documents": [], "next": None, "table": "t", "failed_table": "f"}
    return {
        "metadata": [*metadata],
        "collections": {name: {**empty} for name in layout.collections},
    }


@pytest.fixture
def rpc() -> FakeRpc:
    rpc = FakeRpc()
    rpc.answer("ensure_indexes", {"created": 0})
    rpc.answer("update_one", {"matched_count": 1, "modified_count": 1, "updated_document": {}})
    return rpc


def operations(rpc: FakeRpc) -> list[str]:
    return [operation for operation, _ in rpc.calls if operation != "ensure_indexes"]


@pytest.mark.parametrize(("kind", "layout"), STORES)
async def test_that_a_current_store_is_opened_in_one_request(
    rpc: FakeRpc, kind: Any, layout: StoreLayout
) -> None:
    store = store_of(kind, rpc)
    version = store.VERSION.to_string()
    rpc.answer("open_store", opened(layout, {"id": "m", "version": version}))

    async with store as entered:
        assert entered is store

    assert operations(rpc) == ["open_store"]
    assert rpc.calls[0][1] == {
        "p_prefix": "p_",
        "p_collections": [*layout.collections],
        "p_version": version,
    }


@pytest.mark.parametrize(("kind", "layout"), STORES)
async def test_that_a_new_store_writes_down_its_version(
    rpc: FakeRpc, kind: Any, layout: StoreLayout
) -> None:
    store = store_of(kind, rpc)
    rpc.answer("open_store", opened(layout))

    async with store:
        pass

    assert operations(rpc) == ["open_store", "update_one"]
    operation, arguments = rpc.last
    document = arguments["p_params"]
    assert (operation, arguments) == (
        "update_one",
        {
            "p_collection": "metadata",
            "p_filters": {"id": {"$eq": document["id"]}},
            "p_params": document,
            "p_upsert": True,
        },
    )
    assert document["version"] == store.VERSION.to_string()


async def test_that_an_older_store_is_migrated_if_it_may_be(rpc: FakeRpc) -> None:
    store = store_of(SessionDocumentStore, rpc)
    rpc.answer("open_store", opened(SESSIONS, {"id": "m", "version": "0.0.1", "note": "kept"}))

    with pytest.raises(MigrationRequired, match="SupabaseSessionStore"):
        await store.__aenter__()
    assert operations(rpc) == ["open_store"]

    store._allow_migration = True
    async with store:
        pass
    assert rpc.last[1]["p_params"] == {
        "id": "m",
        "version": store.VERSION.to_string(),
        "note": "kept",
    }


async def test_that_a_newer_store_is_not_opened(rpc: FakeRpc) -> None:
    rpc.answer("open_store", opened(SESSIONS, {"id": "m", "version": "99.0.0"}))

    with pytest.raises(ServerOutdated):
        await store_of(SessionDocumentStore, rpc).__aenter__()
    assert operations(rpc) == ["open_store"]


async def load(document: BaseDocument) -> BaseDocument:
    return document


async def test_that_each_collection_is_served_once_and_only_while_opening(rpc: FakeRpc) -> None:
    database = StoreDatabase(fake_database(rpc))
    rpc.answer("open_store", opened(SESSIONS, {"id": "m", "version": "1.0.0"}))
    rpc.answer(
        "get_or_create_collection",
        {"created": False, "documents": [], "next": None, "table": "t", "failed_table": "f"},
    )

    async with database.opening(["sessions"], Version.from_string("1.0.0")):
        for _ in range(2):
            metadata = await database.get_or_create_collection("metadata", BaseDocument, load)
            assert (await metadata.find({})).total_count == 1
        await database.get_or_create_collection("sessions", BaseDocument, load)
        assert operations(rpc) == ["open_store"]
        await database.get_or_create_collection("sessions", BaseDocument, load)
        assert operations(rpc)[1:] == ["get_or_create_collection"]
    await database.get_or_create_collection("events", BaseDocument, load)
    await database.get_or_create_collection("metadata", BaseDocument, load)

    assert [
        arguments["p_collection"]
        for operation, arguments in rpc.calls
        if operation == "get_or_create_collection"
    ] == ["sessions", "events", "metadata"]


async def test_that_a_failed_opening_leaves_nothing_behind(rpc: FakeRpc) -> None:
    database = StoreDatabase(fake_database(rpc))
    rpc.answer("open_store", opened(SESSIONS))
    rpc.answer(
        "get_or_create_collection",
        {"created": False, "documents": [], "next": None, "table": "t", "failed_table": "f"},
    )

    with pytest.raises(ZeroDivisionError):
        async with database.opening(["sessions"], Version.from_string("1.0.0")):
            raise ZeroDivisionError
    for name in ("sessions", "metadata"):
        await database.get_or_create_collection(name, BaseDocument, load)

    assert operations(rpc) == ["open_store", *["get_or_create_collection"] * 2]


async def test_that_all_else_goes_to_the_database(rpc: FakeRpc) -> None:
    database = StoreDatabase(fake_database(rpc))
    rpc.answer("create_collection", {"created": True})
    rpc.answer(
        "get_collection",
        {"created": False, "documents": [], "next": None, "table": "t", "failed_table": "f"},
    )
    rpc.answer("delete_collection", {"deleted": True})

    assert await database.create_collection("notes", BaseDocument)
    assert await database.get_collection("notes", BaseDocument, load)
    await database.delete_collection("notes")

    assert [arguments["p_collection"] for _, arguments in rpc.calls] == ["notes"] * 3
    assert operations(rpc) == ["create_collection", "get_collection", "delete_collection"]


@pytest.mark.parametrize(("kind", "layout"), STORES)
def test_that_a_store_is_one_of_this_package(kind: Any, layout: StoreLayout) -> None:
    store = store_of(kind)

    assert isinstance(store, SupabaseStore)
    assert store._layout is layout
