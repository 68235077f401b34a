"""What `warm_start` uses of the server, and that nothing of it keeps a server from starting."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import pytest
from lagom import Container
from parlant.adapters.db.transient import TransientDocumentDatabase
from parlant.core.common import IdGenerator
from parlant.core.context_variables import ContextVariableDocumentStore, ContextVariableStore
from parlant.core.customers import CustomerDocumentStore, CustomerStore
from parlant.core.loggers import Logger
from parlant.core.sessions import SessionDocumentStore, SessionStore
from parlant_supabase.errors import ConfigurationError
from parlant_supabase.parlant_internals import parlant_version
from parlant_supabase.store_layout import cache_prefix
from parlant_supabase.stores import SupabaseSessionStore, warm_start

from tests.unit.server.agent_cache.caches import rpc_of_an_empty_cache
from tests.unit.stores.fake_rpc import FakeRpc, a_logger, fake_database

PACKAGE = "parlant_supabase.server"


class Rpc(FakeRpc):
    """A FakeRpc that is never closed."""

    def __init__(self) -> None:
        super().__init__()
        self.replies = rpc_of_an_empty_cache().replies
        self.closing: list[Any] = []

    def before_closing(self, callback: Any) -> None:
        self.closing.append(callback)


@pytest.fixture
def rpc() -> Rpc:
    return Rpc()


@pytest.fixture
def used(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the parts were given; a part that is an exception raises it."""
    used: dict[str, Any] = {}

    def part(name: str) -> Any:
        def use(container: Container, values: Any) -> list[str]:
            if isinstance(used.get(name), Exception):
                raise used[name]
            used[name] = values.collection
            return ["something is lost"] if used.get("lost") else []

        return use

    for name in ("evaluations", "embeddings"):
        module = ModuleType(name)
        setattr(module, f"use_{name}", part(name))
        monkeypatch.setitem(sys.modules, f"{PACKAGE}.agent_cache.{name}", module)

    def start_changed_journeys_over(container: Container, sessions: Any) -> list[str]:
        used["changed_journeys"] = type(sessions)
        return []

    journeys = ModuleType("changed_journeys")
    setattr(journeys, "start_changed_journeys_over", start_changed_journeys_over)  # noqa: B010
    monkeypatch.setitem(sys.modules, f"{PACKAGE}.changed_journeys", journeys)
    return used


def a_container(rpc: Rpc | None, prefix: str = "p_sessions_") -> Container:
    """A server's container whose sessions are in a project, unless there is none."""
    container = Container()
    database = TransientDocumentDatabase()
    container[Logger] = a_logger()  # type: ignore[type-abstract]
    container[SessionStore] = (  # type: ignore[type-abstract]
        SessionDocumentStore(database)
        if rpc is None
        else SupabaseSessionStore(fake_database(rpc, prefix))
    )
    container[CustomerStore] = CustomerDocumentStore(IdGenerator(), database)  # type: ignore[type-abstract]
    container[ContextVariableStore] = ContextVariableDocumentStore(  # type: ignore[type-abstract]
        IdGenerator(), database
    )
    return container


async def test_that_all_parts_are_used(rpc: Rpc, used: dict[str, Any]) -> None:
    await warm_start(a_container(rpc))

    assert used == {
        "evaluations": "cached_evaluations",
        "embeddings": "cached_embeddings",
        "changed_journeys": SupabaseSessionStore,
    }
    assert rpc.calls[0][0] == "open_cache"
    assert rpc.calls[0][1]["p_prefix"] == "p_"
    for close in rpc.closing:
        await close()


@pytest.mark.parametrize("part", ["evaluations", "embeddings", "changed_journeys"])
async def test_that_a_part_can_be_switched_off(rpc: Rpc, used: dict[str, Any], part: str) -> None:
    await warm_start(a_container(rpc), **{part: False})

    assert used.keys() == {"evaluations", "embeddings", "changed_journeys"} - {part}
    for close in rpc.closing:
        await close()


async def test_that_nothing_is_asked_if_all_is_switched_off(rpc: Rpc, used: dict[str, Any]) -> None:
    await warm_start(a_container(rpc), evaluations=False, embeddings=False, changed_journeys=False)

    assert (used, rpc.calls) == ({}, [])


async def test_that_a_time_to_keep_must_be_one(rpc: Rpc) -> None:
    with pytest.raises(ConfigurationError, match=r"keep_days must be positive and finite, got -1"):
        await warm_start(a_container(rpc), keep_days=-1)


async def test_that_stores_elsewhere_are_told(
    used: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    await warm_start(a_container(None))

    assert used == {}
    assert "none of the server's stores is in a Supabase project" in caplog.text


async def test_that_a_part_that_fails_keeps_no_server_from_starting(
    rpc: Rpc, used: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    used["evaluations"] = KeyError("new Parlant")

    await warm_start(a_container(rpc))

    assert used["embeddings"] == "cached_embeddings"
    assert f"the installed Parlant {parlant_version()}: KeyError: 'new Parlant'." in caplog.text
    for close in rpc.closing:
        await close()


async def test_that_what_is_lost_is_told_once(
    rpc: Rpc, used: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    used["lost"] = True

    await warm_start(a_container(rpc), embeddings=False)

    assert caplog.text.count(": something is lost.") == 1
    for close in rpc.closing:
        await close()


@pytest.mark.parametrize(
    ("session_prefix", "expected"),
    [
        ("parlant_sessions_", "parlant_"),
        ("shop_", "shop_"),
        ("my_sessions_", "my_"),
        ("sessions_", "sessions_"),
    ],
)
def test_that_a_cache_is_beside_the_sessions(session_prefix: str, expected: str) -> None:
    assert cache_prefix(session_prefix) == expected
