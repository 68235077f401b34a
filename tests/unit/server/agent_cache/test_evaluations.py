"""A server's evaluator asks through the cache, and nothing else of the server changes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from lagom import Container, Singleton
from parlant.core.common import DefaultBaseModel
from parlant.core.nlp.generation import SchematicGenerator
from parlant_supabase.server.agent_cache import evaluations as module
from parlant_supabase.server.agent_cache.answers import CachingGenerator
from parlant_supabase.server.agent_cache.cache import AgentCache
from parlant_supabase.server.agent_cache.evaluations import OwnCache, use_evaluations

from tests.unit.server.agent_cache.caches import open_cache, rpc_of_an_empty_cache
from tests.unit.server.agent_cache.model import FakeGenerator


class Schema(DefaultBaseModel):
    """What a model answers with."""


class Store:
    """A store, which is the server's."""


class Proposer:
    """Asks the model."""

    def __init__(self, generator: SchematicGenerator[Schema], store: Store) -> None:
        self.generator = generator
        self.store = store


class Projection:
    """Asks no model, and is made anew all the same."""


class Evaluator:
    """Stands in for Parlant's."""

    def __init__(self, proposer: Proposer, projection: Projection, store: Store) -> None:
        self.proposer = proposer
        self.projection = projection
        self.store = store


class Collection:
    """Stands in for one of Parlant's own caches."""

    def __init__(self) -> None:
        self.inserted: list[object] = []

    async def find_one(self, filters: object) -> object:
        return "own"

    async def insert_one(self, document: object) -> None:
        self.inserted.append(document)

    def other(self) -> str:
        return "other"


@pytest.fixture
async def cache() -> AsyncIterator[AgentCache]:
    cache = await open_cache(rpc_of_an_empty_cache())
    yield cache
    await cache.close()


@pytest.fixture(autouse=True)
def parlant(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A Parlant with these classes; its own caches, and those that replaced them."""
    caches: dict[str, Any] = {"_guideline_collection": Collection()}
    monkeypatch.setattr(module, "evaluator_class", lambda: Evaluator)
    monkeypatch.setattr(module, "JOURNEY_PROJECTION", "Projection")
    monkeypatch.setattr(module, "keep_order_of_steps", lambda parts: [])
    monkeypatch.setattr(module, "evaluation_caches", lambda: dict(caches))
    monkeypatch.setattr(module, "replace_evaluation_cache", caches.__setitem__)
    return caches


@pytest.fixture
def container() -> Container:
    """The server's container, which is a clone as Parlant's is."""
    base = Container()
    for part in (Store, Proposer, Projection, Evaluator):
        base[part] = Singleton(part)
    container = base.clone()
    container[SchematicGenerator[Schema]] = FakeGenerator[Schema]("m")  # type: ignore[type-abstract]
    return container


def test_that_the_evaluator_asks_through_the_cache(container: Container, cache: AgentCache) -> None:
    assert use_evaluations(container, cache.evaluations) == []

    evaluator = container[Evaluator]
    assert isinstance(evaluator.proposer.generator, CachingGenerator)
    assert evaluator.store is container[Store]
    assert evaluator.proposer.store is container[Store]


def test_that_the_servers_own_parts_stay_as_they_are(
    container: Container, cache: AgentCache
) -> None:
    own = container[Projection]
    use_evaluations(container, cache.evaluations)

    assert isinstance(container[Proposer].generator, FakeGenerator)
    assert container[Projection] is own
    assert container[Evaluator].projection is not own


def test_that_a_part_of_the_applications_own_class_is_used(cache: AgentCache) -> None:
    class OwnProposer(Proposer):
        """A proposer of the application's."""

    container = Container()
    container[Store] = Singleton(Store)
    container[Proposer] = Singleton(OwnProposer)
    container = container.clone()
    container[SchematicGenerator[Schema]] = FakeGenerator[Schema]("m")  # type: ignore[type-abstract]
    use_evaluations(container, cache.evaluations)

    assert isinstance(container[Evaluator].proposer, OwnProposer)


def test_that_an_evaluator_of_the_applications_own_stays(
    container: Container, cache: AgentCache, parlant: dict[str, Any]
) -> None:
    own = Evaluator(container[Proposer], container[Projection], container[Store])
    container[Evaluator] = own
    before = dict(parlant)

    assert use_evaluations(container, cache.evaluations) == [
        "the application has defined an evaluator, so evaluations are not kept"
    ]
    assert container[Evaluator] is own
    assert parlant == before


async def test_that_parlants_own_cache_finds_nothing_while_this_one_works(
    container: Container, cache: AgentCache, parlant: dict[str, Any]
) -> None:
    own = parlant["_guideline_collection"]
    use_evaluations(container, cache.evaluations)
    replaced = parlant["_guideline_collection"]

    assert isinstance(replaced, OwnCache)
    assert await replaced.find_one({}) is None
    await replaced.insert_one({"id": "a"})
    assert own.inserted == []
    assert replaced.other() == "other"

    cache.is_working = False
    assert await replaced.find_one({}) == "own"
    await replaced.insert_one({"id": "a"})
    assert own.inserted == [{"id": "a"}]


def test_that_what_parlant_lacks_is_told(
    container: Container, cache: AgentCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "keep_order_of_steps", lambda parts: ["A.b"])
    monkeypatch.setattr(module, "evaluation_caches", lambda: None)

    assert use_evaluations(container, cache.evaluations) == [
        "it lacks A.b, so journeys with branches may be evaluated again",
        "its own cache of evaluations is elsewhere, so a step that has been changed may find its "
        "old evaluation on this server's disk",
    ]


@pytest.mark.parametrize("other", [Store, None])
def test_that_a_parlant_that_asks_in_another_way_is_left_alone(
    container: Container,
    cache: AgentCache,
    monkeypatch: pytest.MonkeyPatch,
    other: type | None,
) -> None:
    monkeypatch.setattr(module, "evaluator_class", lambda: other)
    own = container[Store]

    assert use_evaluations(container, cache.evaluations) == [
        "it asks the language model in another way, so evaluations are not kept"
    ]
    assert container[Store] is own
