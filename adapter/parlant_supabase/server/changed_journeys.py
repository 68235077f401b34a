"""Lets a journey start over if it has been changed since the customer was in it.

Parlant keeps the numbers of the steps that a customer has taken. In a journey that was shortened
there may be no such step, and every message fails; in one that was reordered the customer goes on
at another step.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict, deque
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lagom import Container
from parlant.core.common import ItemNotFoundError
from parlant.core.journeys import JourneyId, JourneyStore
from parlant.core.loggers import Logger
from parlant.core.sessions import Session

from parlant_supabase.stores.agent_states import Paths, graphs_of
from parlant_supabase.stores.session_store import SupabaseSessionStore

if TYPE_CHECKING:
    from parlant.core.engines.alpha.engine_context import EngineContext


@dataclass(frozen=True)
class Graph:
    """The steps of a journey, as Parlant numbers them.

    Attributes:
        title: The journey's title.
        digest: Of all steps and transitions, without their ids.
        steps: How many steps there are; the first has the number 1.
    """

    title: str
    digest: str
    steps: int


class JourneyGraphs:
    """The graphs of a server's journeys.

    Args:
        journeys: The server's store.
        logger: Hears of the first error.
    """

    def __init__(self, journeys: JourneyStore, logger: Logger) -> None:
        self._journeys = journeys
        self._logger = logger
        self._has_failed = False

    async def find(self, paths: Paths) -> dict[str, str]:
        """By journey, the digest of its graph, for those in which a customer is."""
        found = {}
        for journey_id, path in paths.items():
            graph = await self.graph(journey_id) if _is_in_journey(path) else None
            if graph is not None:
                found[str(journey_id)] = graph.digest
        return found

    async def drop_outdated(
        self, session: Session, paths: MutableMapping[JourneyId, list[str | None]]
    ) -> None:
        """Takes out the paths that no longer fit their journeys.

        Args:
            session: The session, as it was read.
            paths: The paths of its last state, which a turn begins with.
        """
        states = session.agent_states
        known = (graphs_of(states[-1]) or {}) if states else {}
        for journey_id, path in list(paths.items()):
            graph = await self.graph(journey_id) if _is_in_journey(path) else None
            if graph is not None and not _fits(path, graph, known.get(str(journey_id))):
                del paths[journey_id]
                self._logger.info(
                    f"Session {session.id}: the journey {graph.title!r} has been changed since the "
                    "customer was in it, and starts over."
                )

    async def graph(self, journey_id: JourneyId) -> Graph | None:
        """The graph of a journey; None if there is none, or if it cannot be read."""
        try:
            return await self._read(journey_id)
        except ItemNotFoundError:
            # It may be another agent's, or one that another server has.
            return None
        except Exception as error:
            # A customer is answered even where it is not known whether a path fits.
            if not self._has_failed:
                self._has_failed = True
                self._logger.warning(
                    "warm_start: a journey cannot be compared with what it was when the customer "
                    f"was in it, so one that was changed may fail: {type(error).__name__}: {error}"
                )
            return None

    async def _read(self, journey_id: JourneyId) -> Graph:
        journey = await self._journeys.read_journey(journey_id)
        nodes = {node.id: node for node in await self._journeys.list_nodes(journey_id)}
        edges = defaultdict(list)
        for edge in await self._journeys.list_edges(journey_id):
            edges[edge.source].append(edge)

        # In the order in which Parlant numbers them.
        numbers = {journey.root_id: 1}
        queue = deque([journey.root_id])
        steps: list[object] = []
        while queue:
            node = nodes[queue.popleft()]
            for edge in edges[node.id]:
                if edge.target not in numbers:
                    numbers[edge.target] = len(numbers) + 1
                    queue.append(edge.target)
            steps.append(
                [
                    node.action,
                    node.description,
                    [tool.to_string() for tool in node.tools],
                    _kind(node.metadata),
                    [[numbers[edge.target], edge.condition] for edge in edges[node.id]],
                ]
            )
        text = json.dumps(steps)
        # As much as tells the few versions of one journey from each other.
        digest = hashlib.sha256(text.encode()).hexdigest()[:16]
        return Graph(journey.title, digest, len(steps))


def start_changed_journeys_over(container: Container, sessions: SupabaseSessionStore) -> list[str]:
    """Has a server compare its journeys with those that its customers were in.

    Args:
        container: The server's.
        sessions: Where the sessions are.

    Returns:
        Nothing, because nothing can be lost.
    """
    # It imports Parlant's engine, which takes seconds wherever no server runs.
    from parlant.core.engines.alpha.hooks import EngineHookResult, EngineHooks

    graphs = JourneyGraphs(
        container[JourneyStore],  # type: ignore[type-abstract]
        container[Logger],  # type: ignore[type-abstract]
    )

    async def drop_outdated(
        context: EngineContext, payload: Any, error: Exception | None = None
    ) -> EngineHookResult:
        await graphs.drop_outdated(context.session, context.state.journey_paths)
        return EngineHookResult.CALL_NEXT

    sessions._find_graphs = graphs.find
    # Before the hooks of the application, which may look at the paths.
    container[EngineHooks].on_acknowledging.insert(0, drop_outdated)
    return []


def _is_in_journey(path: Sequence[str | None]) -> bool:
    return any(step is not None for step in path)


def _fits(path: Sequence[str | None], graph: Graph, digest: str | None) -> bool:
    if digest is not None:
        return digest == graph.digest
    # A state of the time before digests were kept. Parlant fails on a number that is not there.
    return all(int(step) <= graph.steps for step in path if step and step.isdecimal())


def _kind(metadata: Mapping[str, Any]) -> Any:
    node = metadata.get("journey_node")
    return node.get("kind") if isinstance(node, Mapping) else None
