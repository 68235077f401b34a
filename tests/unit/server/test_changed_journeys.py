"""A path of a journey is dropped when the journey is no longer the one that it was in."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest
from parlant.core.common import ItemNotFoundError, UniqueId
from parlant.core.journeys import JourneyId
from parlant_supabase.server.changed_journeys import JourneyGraphs
from parlant_supabase.stores.agent_states import remember_graphs

from tests.unit.stores.fake_rpc import a_logger

PARCEL = JourneyId("parcel")

Step = tuple[str, str | None]


class Journeys:
    """A store with one journey; its nodes have new ids in every process.

    Attributes:
        steps: The texts of its steps, each with the condition under which it follows.
    """

    def __init__(self, *steps: Step, salt: str = "") -> None:
        self.steps = list(steps)
        self.salt = salt
        self.error: Exception | None = None

    async def read_journey(self, journey_id: str) -> Any:
        if self.error:
            raise self.error
        if journey_id != PARCEL:
            raise ItemNotFoundError(UniqueId(journey_id))
        return SimpleNamespace(title="Where is my parcel?", root_id=self._id(0))

    async def list_nodes(self, journey_id: str) -> Sequence[Any]:
        return [self._node(number, text) for number, text in enumerate(self._texts())]

    async def list_edges(self, journey_id: str) -> Sequence[Any]:
        return [
            SimpleNamespace(
                source=self._id(number), target=self._id(number + 1), condition=condition
            )
            for number, (_, condition) in enumerate(self.steps)
        ]

    def _texts(self) -> list[str | None]:
        return [None, *(text for text, _ in self.steps)]

    def _node(self, number: int, text: str | None) -> Any:
        return SimpleNamespace(
            id=self._id(number),
            action=text,
            description=None,
            tools=[],
            # Parlant notes its evaluation there, which is no part of the graph.
            metadata={"journey_node": {"kind": "chat"}, "internal_action": self.salt},
        )

    def _id(self, number: int) -> str:
        return f"{self.salt}{number}"


STEPS: tuple[Step, ...] = (("ask", None), ("look", "asked"), ("say", "found"))


async def graph_of(*steps: Step, salt: str = "") -> tuple[str, int]:
    graph = await JourneyGraphs(cast(Any, Journeys(*steps, salt=salt)), a_logger()).graph(PARCEL)
    assert graph is not None
    return graph.digest, graph.steps


async def test_that_the_same_journey_has_the_same_graph_in_every_process() -> None:
    assert await graph_of(*STEPS) == await graph_of(*STEPS, salt="x")
    assert (await graph_of(*STEPS))[1] == 4


@pytest.mark.parametrize(
    "steps",
    [
        STEPS[:2],
        (STEPS[1], STEPS[0], STEPS[2]),
        (("ask again", None), *STEPS[1:]),
        (STEPS[0], ("look", "told"), STEPS[2]),
        (*STEPS, ("thank", None)),
    ],
    ids=["shorter", "reordered", "another text", "another condition", "longer"],
)
async def test_that_a_changed_journey_has_another_graph(steps: tuple[Step, ...]) -> None:
    assert (await graph_of(*steps))[0] != (await graph_of(*STEPS))[0]


def a_session(graphs: dict[str, str] | None) -> Any:
    """A session whose last state was made with some graphs."""
    session = SimpleNamespace(id="s1", agent_states=[SimpleNamespace(), SimpleNamespace()])
    document = {} if graphs is None else {"journey_graphs": graphs}
    remember_graphs(
        cast(Any, session), {"agent_states": [{"journey_graphs": {PARCEL: "older"}}, document]}
    )
    return session


async def paths_after(
    journeys: Journeys, path: list[str | None], graphs: dict[str, str] | None
) -> dict[JourneyId, list[str | None]]:
    paths = {PARCEL: list(path)}
    await JourneyGraphs(cast(Any, journeys), a_logger()).drop_outdated(a_session(graphs), paths)
    return paths


async def test_that_a_path_of_the_same_journey_stays() -> None:
    digest, _ = await graph_of(*STEPS)

    assert await paths_after(Journeys(*STEPS), ["2", "3"], {PARCEL: digest}) == {PARCEL: ["2", "3"]}


async def test_that_a_path_of_a_changed_journey_is_dropped(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    digest, _ = await graph_of(*STEPS)

    assert await paths_after(Journeys(*STEPS[::-1]), ["2"], {PARCEL: digest}) == {}
    assert caplog.text.count("Session s1: the journey 'Where is my parcel?' has been changed") == 1


@pytest.mark.parametrize(
    ("path", "stays"), [(["2", "4"], True), (["2", "5"], False), (["4", None], True)]
)
async def test_that_an_older_path_stays_if_its_steps_are_there(
    path: list[str | None], stays: bool
) -> None:
    after = await paths_after(Journeys(*STEPS), path, None)

    assert after == ({PARCEL: path} if stays else {})


async def test_that_a_journey_that_nobody_is_in_is_not_compared() -> None:
    journeys = Journeys(*STEPS)
    journeys.error = AssertionError("it was read")

    assert await paths_after(journeys, [None], {PARCEL: "old"}) == {PARCEL: [None]}
    assert await JourneyGraphs(cast(Any, journeys), a_logger()).find({PARCEL: [None]}) == {}


async def test_that_a_journey_that_is_not_there_is_left_alone(
    caplog: pytest.LogCaptureFixture,
) -> None:
    graphs = JourneyGraphs(cast(Any, Journeys(*STEPS)), a_logger())

    assert await graphs.find({JourneyId("other"): ["2"], PARCEL: ["2"]}) == {
        PARCEL: (await graph_of(*STEPS))[0]
    }
    assert caplog.records == []


async def test_that_an_error_ends_no_turn_and_is_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    journeys = Journeys(*STEPS)
    journeys.error = KeyError("new Parlant")
    graphs = JourneyGraphs(cast(Any, journeys), a_logger())

    for _ in range(2):
        paths: dict[JourneyId, list[str | None]] = {PARCEL: ["2"]}
        await graphs.drop_outdated(a_session({PARCEL: "old"}), paths)
        assert paths == {PARCEL: ["2"]}

    assert caplog.text.count("a journey cannot be compared") == 1


async def test_that_a_session_without_states_has_no_path_to_drop() -> None:
    session = SimpleNamespace(id="s1", agent_states=[])

    paths: dict[JourneyId, list[str | None]] = {PARCEL: ["2"]}
    await JourneyGraphs(cast(Any, Journeys(*STEPS)), a_logger()).drop_outdated(
        cast(Any, session), paths
    )

    assert paths == {PARCEL: ["2"]}
