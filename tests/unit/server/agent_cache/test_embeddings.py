"""Vectors are kept for an embedder, and Parlant's own cache steps in where this one fails."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from lagom import Container
from parlant.adapters.db.transient import TransientDocumentDatabase
from parlant.core.engines.alpha.optimization_policy import (
    BasicOptimizationPolicy,
    OptimizationPolicy,
)
from parlant.core.nlp.embedding import BasicEmbeddingCache, EmbeddingCache
from parlant_supabase.server.agent_cache.cache import AgentCache
from parlant_supabase.server.agent_cache.embeddings import use_embeddings

from tests.unit.server.agent_cache.caches import open_cache, rpc_of_an_empty_cache
from tests.unit.server.agent_cache.model import FakeEmbedder


class NoCachePolicy(BasicOptimizationPolicy):
    """A policy of an application that wants no cache of embeddings."""

    def use_embedding_cache(self, hints: object = None) -> bool:
        return False


@pytest.fixture
async def cache() -> AsyncIterator[AgentCache]:
    cache = await open_cache(rpc_of_an_empty_cache())
    yield cache
    await cache.close()


def a_container(policy: OptimizationPolicy | None = None) -> Container:
    container = Container()
    container[OptimizationPolicy] = policy or BasicOptimizationPolicy()  # type: ignore[type-abstract]
    container[EmbeddingCache] = BasicEmbeddingCache(TransientDocumentDatabase())  # type: ignore[type-abstract]
    container[FakeEmbedder] = FakeEmbedder()
    return container


def embeddings_of(container: Container) -> EmbeddingCache:
    return container[EmbeddingCache]  # type: ignore[type-abstract]


async def test_that_vectors_are_found_by_another_server(cache: AgentCache) -> None:
    first, second = a_container(), a_container()
    for container in (first, second):
        use_embeddings(container, cache.embeddings)

    await embeddings_of(first).set(FakeEmbedder, ["text"], [[0.1, 2.0]])
    found = await embeddings_of(second).get(FakeEmbedder, ["text"])

    assert found is not None
    assert found.vectors == [[0.1, 2.0]]
    assert await embeddings_of(second).get(FakeEmbedder, ["other"]) is None


async def test_that_a_policy_without_a_cache_is_heeded(cache: AgentCache) -> None:
    container = a_container(NoCachePolicy())
    use_embeddings(container, cache.embeddings)

    await embeddings_of(container).set(FakeEmbedder, ["text"], [[0.1, 2.0]])

    assert cache.embeddings._values == {}


async def test_that_parlants_own_cache_steps_in(cache: AgentCache) -> None:
    container = a_container()
    use_embeddings(container, cache.embeddings)
    cache.is_working = False

    await embeddings_of(container).set(FakeEmbedder, ["text"], [[0.1, 2.0]])

    found = await embeddings_of(container).get(FakeEmbedder, ["text"])
    assert found is not None
    assert found.vectors == [[0.1, 2.0]]
    assert cache.embeddings._values == {}


async def test_that_an_edited_row_is_embedded_again(cache: AgentCache) -> None:
    container = a_container()
    use_embeddings(container, cache.embeddings)
    await embeddings_of(container).set(FakeEmbedder, ["text"], [[0.1, 2.0]])
    values = cache.embeddings._values

    values.update(dict.fromkeys(values, "float32:1:"))
    assert await embeddings_of(container).get(FakeEmbedder, ["text"]) is None
    values.update(dict.fromkeys(values, "nonsense"))
    assert await embeddings_of(container).get(FakeEmbedder, ["text"]) is None


async def test_that_vectors_without_one_dimension_are_not_kept(cache: AgentCache) -> None:
    container = a_container()
    use_embeddings(container, cache.embeddings)

    await embeddings_of(container).set(FakeEmbedder, ["a", "b"], [[0.1], [0.1, 0.2]])

    assert cache.embeddings._values == {}
