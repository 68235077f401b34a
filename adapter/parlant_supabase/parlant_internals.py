"""Everything that this package uses of Parlant beyond its documented names.

A new Parlant may rename or remove any of it without notice. `check_parlant` says so when a store is
opened, so that nobody meets an AttributeError in the middle of a conversation.
"""

from __future__ import annotations

import asyncio
import sys
import warnings
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, cast

from lagom import Container
from parlant.core.context_variables import (
    ContextVariable,
    ContextVariableDocumentStore,
    ContextVariableId,
    ContextVariableValue,
)
from parlant.core.customers import Customer, CustomerDocumentStore
from parlant.core.loggers import Logger
from parlant.core.sessions import (
    Event,
    Session,
    SessionDocumentStore,
    SessionId,
    SessionListener,
    SessionUpdateParams,
)
from parlant.core.tracer import Tracer

from parlant_supabase.errors import VersionMismatchError

if TYPE_CHECKING:
    from parlant.core.agents import Agent
    from parlant.core.app_modules.sessions import SessionModule
    from parlant.core.background_tasks import BackgroundTaskService
    from parlant.core.emission.event_publisher import EventPublisherFactory
    from parlant.core.emissions import EventEmitter
    from parlant.core.entity_cq import EntityQueries
    from parlant.core.loggers import TracingLogger
    from parlant.core.sessions import PollingSessionListener
    from parlant.core.tracer import LocalTracer

_SUPPORTED = "3.3"

_NAMES = (
    "parlant.core.loggers:TracingLogger",
    "parlant.core.sessions:PollingSessionListener",
    "parlant.core.sessions:SessionDocumentStore._deserialize_event",
    "parlant.core.sessions:SessionDocumentStore._deserialize_session",
    "parlant.core.sessions:SessionDocumentStore._serialize_event",
    "parlant.core.sessions:SessionDocumentStore._serialize_session_update_params",
    "parlant.core.customers:CustomerDocumentStore._serialize_customer",
    "parlant.core.context_variables:ContextVariableDocumentStore._deserialize_context_variable_value",
    "parlant.core.context_variables:ContextVariableDocumentStore._serialize_context_variable",
    "parlant.core.context_variables:ContextVariableDocumentStore._serialize_context_variable_value",
    "parlant.core.tracer:LocalTracer",
)

# What parts of `join_server` need besides. Without one of these the part is left out.
_NAMES_OF_PARTS = {
    "lock_by_session": (
        "parlant.core.background_tasks:BackgroundTaskService.cancel",
        "parlant.core.background_tasks:BackgroundTaskService.cancel_all",
        "parlant.core.background_tasks:BackgroundTaskService.collect",
        "parlant.core.background_tasks:BackgroundTaskService.restart",
        "parlant.core.background_tasks:BackgroundTaskService.start",
    ),
    "defer_status_events": (
        "parlant.core.app_modules.sessions:SessionModule._process_session",
        "parlant.core.emission.event_publisher:EventPublisherFactory",
        "parlant.core.emissions:EventEmitter.emit_custom_event",
        "parlant.core.emissions:EventEmitter.emit_message_event",
        "parlant.core.emissions:EventEmitter.emit_status_event",
        "parlant.core.emissions:EventEmitter.emit_tool_event",
    ),
    "share_reads": (
        "parlant.core.app_modules.sessions:SessionModule.create_customer_message",
        "parlant.core.entity_cq:EntityQueries.read_agent",
        "parlant.core.entity_cq:EntityQueries.read_session",
    ),
    "fence_turns": (
        "parlant.core.background_tasks:BackgroundTaskService.cancel_all",
        "parlant.core.background_tasks:BackgroundTaskService.restart",
    ),
    "resume_turns": (
        "parlant.core.app_modules.sessions:SessionModule.dispatch_processing_task",
        "parlant.core.application:Application",
        "parlant.core.background_tasks:BackgroundTaskService.cancel_all",
        "parlant.core.background_tasks:BackgroundTaskService.restart",
    ),
}

# Bases of classes that only a server needs: importing these takes longer than all else.
_BASES = {
    "Agent": "parlant.core.agents:Agent",
    "EntityQueries": "parlant.core.entity_cq:EntityQueries",
    "EventEmitter": "parlant.core.emissions:EventEmitter",
    "EventPublisherFactory": "parlant.core.emission.event_publisher:EventPublisherFactory",
    "SessionModule": "parlant.core.app_modules.sessions:SessionModule",
}

_LOCK = "_lock"

# What follows is used where it is there. What is lost without it is said when a server starts.

# Attributes of a server's evaluator.
_EVALUATION_CACHES = ("_guideline_collection", "_journey_collection")

_EVALUATOR = "parlant.core.services.indexing.behavioral_change_evaluation:BehavioralChangeEvaluator"

JOURNEY_PROJECTION = "JourneyGuidelineProjection"
"""What turns a journey into guidelines, by the name of its class."""

_FOLLOW_UPS = (
    f"parlant.core.journey_guideline_projection:{JOURNEY_PROJECTION}.project_journey_to_guidelines"
)
_CYCLES = (
    "parlant.core.services.indexing.journey_reachable_nodes_evaluation:"
    "JourneyReachableNodesEvaluator._find_cycles"
)


def parlant_version() -> str:
    """The version of the installed Parlant."""
    return version("parlant")


def _found(name: str) -> Any | None:
    module, _, path = name.partition(":")
    try:
        with warnings.catch_warnings():
            # What other packages say while Parlant imports them.
            warnings.simplefilter("ignore")
            found: Any = import_module(module)
    except ModuleNotFoundError:
        return None
    for part in path.split("."):
        found = getattr(found, part, None)
    return found


if not TYPE_CHECKING:
    # Without one of these the package can be imported, and `check_parlant` says what is missing.
    TracingLogger = _found("parlant.core.loggers:TracingLogger") or Logger
    PollingSessionListener = (
        _found("parlant.core.sessions:PollingSessionListener") or SessionListener
    )
    LocalTracer = _found("parlant.core.tracer:LocalTracer") or Tracer
    BackgroundTaskService = _found("parlant.core.background_tasks:BackgroundTaskService") or object

    def __getattr__(name: str) -> Any:
        if name not in _BASES:
            raise AttributeError(name)
        return _found(_BASES[name]) or object


__all__ = [
    "Agent",
    "BackgroundTaskService",
    "EntityQueries",
    "EventEmitter",
    "EventPublisherFactory",
    "LocalTracer",
    "PollingSessionListener",
    "SessionModule",
    "TracingLogger",
]


def evaluator_class() -> type | None:
    """What evaluates guidelines and journeys; None if the installed Parlant has it elsewhere."""
    return cast("type | None", _found(_EVALUATOR))


def evaluation_caches() -> Mapping[str, Any] | None:
    """The running server's own caches of evaluations, by the attribute that holds each.

    Returns:
        None if the installed Parlant keeps them elsewhere.
    """
    evaluator = _evaluator_of_server()
    caches = {name: getattr(evaluator, name, None) for name in _EVALUATION_CACHES}
    return None if None in caches.values() else caches


def replace_evaluation_cache(name: str, cache: object) -> None:
    """Has the running server look for evaluations in another place."""
    setattr(_evaluator_of_server(), name, cache)


def _evaluator_of_server() -> object:
    return getattr(import_module("parlant.sdk").Server.current, "_evaluator", None)


def keep_order_of_steps(evaluator_parts: Mapping[type, object]) -> list[str]:
    """Has a journey put the same questions to the model in every process.

    Parlant collects the follow-ups of a step, and the cycles of a journey, in sets of texts, which
    each process orders in its own way.

    Args:
        evaluator_parts: By class, the objects that evaluate journeys; methods of theirs are
            replaced.

    Returns:
        What the installed Parlant lacks for it.
    """
    missing = []
    for name, sort in ((_FOLLOW_UPS, _sorted_follow_ups), (_CYCLES, _sorted_cycles)):
        class_name, method_name = name.partition(":")[2].split(".")
        owner = _found(name.rpartition(".")[0])
        part = None if owner is None else evaluator_parts.get(owner)
        if _found(name) is None or part is None:
            missing.append(f"{class_name}.{method_name}")
            continue
        setattr(part, method_name, sort(getattr(part, method_name)))
    return missing


def _sorted_follow_ups(
    project: Callable[[Any], Awaitable[Sequence[Any]]],
) -> Callable[[Any], Awaitable[Sequence[Any]]]:
    async def project_in_order(journey_id: Any) -> Sequence[Any]:
        steps = await project(journey_id)
        places = {step.id: place for place, step in enumerate(steps)}
        for step in steps:
            node = step.metadata["journey_node"]
            node["follow_ups"] = sorted(
                node.get("follow_ups", ()), key=lambda id: places.get(id, len(places))
            )
        return steps

    return project_in_order


def _sorted_cycles(
    find: Callable[[Any], list[list[str]]],
) -> Callable[[Any], list[list[str]]]:
    return lambda graph: sorted(find(graph))


def check_parlant(store: object | None = None) -> None:
    """Checks that the installed Parlant has all that this package uses of it.

    Args:
        store: One of Parlant's stores that is about to be opened.

    Raises:
        VersionMismatchError: Something is missing.
    """
    missing = [name.partition(":")[2] for name in _NAMES if _found(name) is None]
    if store is not None and not hasattr(store, _LOCK):
        missing.append(f"{type(store).__name__}.{_LOCK}")
    if missing:
        raise VersionMismatchError(
            f"opening the stores: the installed Parlant {version('parlant')} lacks "
            f"{', '.join(missing)}. This release of parlant-supabase works with Parlant "
            f"{_SUPPORTED}: run `pip install 'parlant~={_SUPPORTED}.0'`, or "
            "`pip install --upgrade parlant-supabase` for a release that works with later ones."
        )


def missing_for(part: str, what_is_lost: str) -> str | None:
    """What the installed Parlant lacks of what a part of `join_server` needs, as a warning.

    Args:
        part: The name of the argument that switches the part off.
        what_is_lost: What the server does without the part.

    Returns:
        None if nothing is missing.
    """
    missing = [name.partition(":")[2] for name in _NAMES_OF_PARTS[part] if _found(name) is None]
    if not missing:
        return None
    return (
        f"join_server: the installed Parlant {version('parlant')} lacks {', '.join(missing)}. "
        f"{what_is_lost} Pass {part}=False to switch this warning off."
    )


async def process_session(container: Container, session: Session) -> None:
    """Has a server process a session, as the message of a customer does."""
    # Imported here: it takes seconds, and a server has done so anyway.
    application = container[cast("type[Any]", _found("parlant.core.application:Application"))]
    await application.sessions.dispatch_processing_task(session)


def current_server_ready() -> asyncio.Event | None:
    """What is set when the server that is being started serves requests; None without one."""
    sdk = sys.modules.get("parlant.sdk")
    try:
        ready = sdk.Server.current.ready if sdk else None
    except (AttributeError, RuntimeError):
        return None
    return ready if isinstance(ready, asyncio.Event) else None


def remove_lock(store: object) -> None:
    """Lets calls of a store run side by side, because the database serializes them."""
    setattr(store, _LOCK, _NoLock())


class _NoLock:
    """A reader-writer lock that never waits.

    A lock of this process would keep no other server out, and would make callers wait for each
    other's requests.
    """

    @property
    def reader_lock(self) -> AbstractAsyncContextManager[None]:
        return nullcontext()

    @property
    def writer_lock(self) -> AbstractAsyncContextManager[None]:
        return nullcontext()


def event_document(
    store: SessionDocumentStore, event: Event, session_id: SessionId
) -> dict[str, Any]:
    """The document of an event."""
    return {**store._serialize_event(event, session_id)}


def event_of(store: SessionDocumentStore, document: Mapping[str, Any]) -> Event:
    """The event that a document holds."""
    return store._deserialize_event(cast(Any, document))


def session_of(store: SessionDocumentStore, document: Mapping[str, Any]) -> Session:
    """The session that a document holds."""
    return store._deserialize_session(cast(Any, document))


def session_changes(store: SessionDocumentStore, params: SessionUpdateParams) -> dict[str, Any]:
    """The fields of a session's document that an update changes."""
    return {**store._serialize_session_update_params(params)}


def customer_document(store: CustomerDocumentStore, customer: Customer) -> dict[str, Any]:
    """The document of a customer, without its tags."""
    return {**store._serialize_customer(customer)}


def variable_document(
    store: ContextVariableDocumentStore, variable: ContextVariable
) -> dict[str, Any]:
    """The document of a context variable, without its tags."""
    return {**store._serialize_context_variable(variable)}


def value_of(
    store: ContextVariableDocumentStore, document: Mapping[str, Any]
) -> ContextVariableValue:
    """The value that a document holds."""
    return store._deserialize_context_variable_value(cast(Any, document))


def value_document(
    store: ContextVariableDocumentStore,
    value: ContextVariableValue,
    variable_id: ContextVariableId,
    key: str,
) -> dict[str, Any]:
    """The document of a variable's value for a key."""
    return {**store._serialize_context_variable_value(value, variable_id, key)}
