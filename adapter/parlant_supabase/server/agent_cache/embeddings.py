"""Vectors of the agent's texts, in the place of Parlant's own cache of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from lagom import Container
from parlant.core.engines.alpha.optimization_policy import OptimizationPolicy
from parlant.core.nlp.embedding import (
    Embedder,
    EmbedderFactory,
    EmbeddingCache,
    EmbeddingResult,
)

from parlant_supabase.server.agent_cache.cache import CachedValues
from parlant_supabase.server.agent_cache.keys import embedding_key
from parlant_supabase.server.agent_cache.vectors import decode_vectors, encode_vectors


class CachedEmbeddings:
    """Answers what Parlant asks its cache of embeddings.

    Args:
        container: The server's, which knows the embedders.
        own: Parlant's own cache, which is used while the values' does not work.
        values: Where vectors are kept.
    """

    def __init__(self, container: Container, own: EmbeddingCache, values: CachedValues) -> None:
        self._embedders = EmbedderFactory(container)
        self._by_type: dict[type[Embedder], Embedder] = {}
        self._own_get, self._own_set = own.get, own.set
        self._values = values

    async def get(
        self, embedder_type: type[Embedder], texts: list[str], hints: Mapping[str, Any] = {}
    ) -> EmbeddingResult | None:
        """The vectors of some texts, if they are known."""
        if not self._values.is_working:
            return await self._own_get(embedder_type, texts, hints)
        found = await self._values.get(embedding_key(self._embedder(embedder_type), texts, hints))
        if found is None:
            return None
        try:
            vectors = decode_vectors(found)
        except ValueError:
            # Somebody has edited the row.
            return None
        return EmbeddingResult(vectors=vectors) if len(vectors) == len(texts) else None

    async def set(
        self,
        embedder_type: type[Embedder],
        texts: list[str],
        vectors: Sequence[Sequence[float]],
        hints: Mapping[str, Any] = {},
    ) -> None:
        """Keeps the vectors of some texts."""
        if not self._values.is_working:
            await self._own_set(embedder_type, texts, vectors, hints)
            return
        # Vectors of several dimensions are no embedding.
        with suppress(ValueError):
            encoded = encode_vectors(vectors)
            key = embedding_key(self._embedder(embedder_type), texts, hints)
            self._values.put(key, encoded)

    def _embedder(self, embedder_type: type[Embedder]) -> Embedder:
        if embedder_type not in self._by_type:
            self._by_type[embedder_type] = self._embedders.create_embedder(embedder_type)
        return self._by_type[embedder_type]


def use_embeddings(container: Container, values: CachedValues) -> list[str]:
    """Lets a server's vector stores find the vectors of their texts among some values.

    Parlant defines its cache in the same container, where nothing can be defined twice, so the
    object that is there answers with other methods.

    Args:
        container: The server's.
        values: Where vectors are kept.

    Returns:
        Nothing, because nothing can be lost.
    """
    policy: OptimizationPolicy = container[OptimizationPolicy]  # type: ignore[type-abstract]
    if not policy.use_embedding_cache():
        return []
    own: EmbeddingCache = container[EmbeddingCache]  # type: ignore[type-abstract]
    ours = CachedEmbeddings(container, own, values)
    setattr(own, "get", ours.get)  # noqa: B010
    setattr(own, "set", ours.set)  # noqa: B010
    return []
