"""An NLP service without a language model, which takes as long as one and counts its calls."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from parlant.core.engines.alpha.prompt_builder import PromptBuilder
from parlant.core.nlp.embedding import Embedder, EmbeddingResult, NullEmbedder
from parlant.core.nlp.service import EmbedderHints
from typing_extensions import override

from demo.offline_nlp import OfflineNLPService, TModel


class SlowNLPService(OfflineNLPService):
    """Answers each question after some time.

    Attributes:
        seconds: How long a call takes.
        calls: How many there were.
        embeddings: How many texts were embedded.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds
        self.calls = 0
        self.embeddings = 0

    @override
    async def complete(self, schema: type[TModel], prompt: str | PromptBuilder) -> TModel:
        self.calls += 1
        await asyncio.sleep(self.seconds)
        return await super().complete(schema, prompt)

    @override
    async def get_embedder(self, hints: EmbedderHints | None = None) -> Embedder:
        # Parlant makes others of its class, without arguments.
        SlowEmbedder.service = self
        return SlowEmbedder()


class SlowEmbedder(NullEmbedder):
    """Embeds in a tenth of the time that an answer takes."""

    service: SlowNLPService

    @override
    async def embed(self, texts: list[str], hints: Mapping[str, Any] = {}) -> EmbeddingResult:
        self.service.embeddings += len(texts)
        await asyncio.sleep(self.service.seconds / 10)
        return await super().embed(texts, hints)
