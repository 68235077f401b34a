"""Remembers of each state of an agent which journeys it was made with.

Parlant keeps where a customer is in a journey as numbers of steps, which mean something else after
the journey has been changed. So a digest of each such journey is kept in the document of the state,
in a field that Parlant passes over.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeAlias

from parlant.core.journeys import JourneyId
from parlant.core.sessions import Session

_FIELD = "journey_graphs"
_ATTRIBUTE = "_journey_graphs"

Paths: TypeAlias = "Mapping[JourneyId, Sequence[str | None]]"
"""By journey, the numbers of the steps that were taken."""

FindGraphs: TypeAlias = "Callable[[Paths], Awaitable[Mapping[str, str]]]"
"""Finds the digests of the journeys of some paths."""


def remember_graphs(session: Session, document: Mapping[str, Any]) -> None:
    """Notes for the states of a session what its document says of their journeys.

    It is noted on Parlant's own objects, because Parlant hands them on from what it reads to what
    it writes, and compares them by their class.
    """
    # Without it a path is checked as that of an older state.
    with suppress(AttributeError):
        for state, stored in zip(session.agent_states, document["agent_states"], strict=True):
            graphs = stored.get(_FIELD)
            object.__setattr__(state, _ATTRIBUTE, graphs if isinstance(graphs, dict) else {})


def graphs_of(state: object) -> Mapping[str, str] | None:
    """By journey, the digest of the graph that a state was made with; None if the state is new."""
    return getattr(state, _ATTRIBUTE, None)


def keep_graphs(document: dict[str, Any], graphs: Mapping[str, str]) -> None:
    """Writes into the document of a state which graphs it was made with."""
    if graphs:
        document[_FIELD] = dict(graphs)
