"""Stores that are given to a server use what the server has."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any
from unittest.mock import create_autospec

import pytest
from lagom import Container
from parlant.adapters.db.transient import TransientDocumentDatabase
from parlant.core.background_tasks import BackgroundTaskService
from parlant.core.common import IdGenerator
from parlant.core.context_variables import ContextVariableDocumentStore, ContextVariableStore
from parlant.core.customers import CustomerDocumentStore, CustomerStore
from parlant.core.loggers import Logger
from parlant.core.meter import Meter
from parlant.core.sessions import SessionDocumentStore, SessionListener, SessionStore
from parlant.core.tracer import Tracer
from parlant_supabase import ConfigurationError
from parlant_supabase.server.background_tasks import SessionTaskService
from parlant_supabase.server.turn_tasks import LockedTurnTaskService
from parlant_supabase.stores import SupabaseSessionListener, join_server

from tests.unit.stores.fake_rpc import store_of


class Joined:
    """Stands in for the Observer of a store's database."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    def join(self, *arguments: Any) -> None:
        self.calls.append(arguments)


@pytest.fixture
def container() -> Container:
    """A server's container, with our stores in it."""
    container = Container()
    for interface, kind in (
        (SessionStore, SessionDocumentStore),
        (CustomerStore, CustomerDocumentStore),
        (ContextVariableStore, ContextVariableDocumentStore),
    ):
        store = store_of(kind)
        store._connection.observer = Joined()
        container[interface] = store
    for given in (Logger, Tracer, Meter):
        container[given] = create_autospec(given, instance=True)
    return container


async def join(container: Container, **parts: bool) -> Container:
    """Joins without what would import the engine of Parlant, which takes longer than the tests."""
    off = {"share_reads": False, "defer_status_events": False, "resume_turns": False}
    return await join_server(container, **{**off, **parts})


async def test_that_every_store_is_joined_when_the_listener_is_made(container: Container) -> None:
    assert await join(container) is container

    stores: list[Any] = [
        container[interface] for interface in (SessionStore, CustomerStore, ContextVariableStore)
    ]
    assert [store._connection.observer.calls for store in stores] == [[], [], []]

    listener = container[SessionListener]  # type: ignore[type-abstract]

    assert isinstance(listener, SupabaseSessionListener)
    assert listener._store is stores[0]
    assert container[SessionListener] is listener  # type: ignore[type-abstract]
    given = tuple(container[each] for each in (Logger, Tracer, Meter))
    assert [store._connection.observer.calls for store in stores] == [[given]] * 3


async def test_that_a_store_of_parlants_beside_ours_is_left_alone(container: Container) -> None:
    joined = Container(container)
    joined[CustomerStore] = CustomerDocumentStore(  # type: ignore[type-abstract]
        IdGenerator(), TransientDocumentDatabase()
    )

    (await join(joined))[SessionListener]  # type: ignore[type-abstract]

    sessions: Any = joined[SessionStore]  # type: ignore[type-abstract]
    assert len(sessions._connection.observer.calls) == 1


async def test_that_the_sessions_must_be_ours() -> None:
    container = Container()
    container[SessionStore] = SessionDocumentStore(TransientDocumentDatabase())  # type: ignore[type-abstract]

    joined = await join(container)

    with pytest.raises(ConfigurationError) as caught:
        joined[SessionListener]  # type: ignore[type-abstract]
    assert str(caught.value) == (
        "join_server: the sessions are in a SessionDocumentStore. "
        "Give the server the stores that supabase_stores() opens."
    )


async def test_that_tasks_are_locked_by_session(container: Container) -> None:
    await join(container)

    tasks = container[BackgroundTaskService]
    assert isinstance(tasks, SessionTaskService)
    assert container[BackgroundTaskService] is tasks


async def test_that_a_part_can_be_switched_off(container: Container) -> None:
    await join(container, lock_by_session=False, fence_turns=False)

    assert BackgroundTaskService not in container.defined_types


async def test_that_a_part_is_left_out_where_parlant_lacks_a_name(
    container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr("parlant.core.background_tasks.BackgroundTaskService.collect")

    await join(container)

    logger: Any = container[Logger]  # type: ignore[type-abstract]
    assert isinstance(container[BackgroundTaskService], LockedTurnTaskService)
    [warning] = logger.warning.call_args_list
    assert warning.args == (
        f"join_server: the installed Parlant {version('parlant')} lacks "
        "BackgroundTaskService.collect. A message may wait for the turn of another session. "
        "Pass lock_by_session=False to switch this warning off.",
    )


async def test_that_a_wrong_argument_is_refused(container: Container) -> None:
    with pytest.raises(ConfigurationError, match="lease_seconds must be positive"):
        await join_server(container, lease_seconds=0)
    with pytest.raises(ConfigurationError, match="max_attempts must be 1 or more, got 0"):
        await join_server(container, max_attempts=0)


async def test_that_a_server_that_nobody_starts_resumes_nothing(container: Container) -> None:
    await join(container, resume_turns=True)

    container[BackgroundTaskService]

    logger: Any = container[Logger]  # type: ignore[type-abstract]
    [warning] = logger.warning.call_args_list
    assert "outside the start of a parlant.sdk.Server" in warning.args[0]
    assert "resume_turns=False" in warning.args[0]
