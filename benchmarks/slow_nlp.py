"""An NLP service without a language model, which takes as long as one and counts its calls."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from parlant.core.engines.alpha.prompt_builder import PromptBuilder
from parlant.core.nlp.embedding import Embedder, EmbeddingResult, NullEmbedder
from parlant.core.nlp.generation import SchematicGenerationResult, SchematicGenerator, T
from parlant.core.nlp.service import EmbedderHints, SchematicGeneratorHints
from typing_extensions import override

from demo.offline_nlp import OfflineGenerator, OfflineNLPService


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
    async def get_schematic_generator(
        self, t: type[T], hints: SchematicGeneratorHints | None = None
    ) -> SchematicGenerator[T]:
        generator = _SlowGenerator[t]()  # type: ignore[valid-type]
        generator.service = self
        return generator

    @override
    async def get_embedder(self, hints: EmbedderHints | None = None) -> Embedder:
        # Parlant makes others of its class, without arguments.
        SlowEmbedder.service = self
        return SlowEmbedder()


class _SlowGenerator(OfflineGenerator[T]):
    service: SlowNLPService

    @override
    async def generate(
        self, prompt: str | PromptBuilder, hints: Mapping[str, Any] | None = None
    ) -> SchematicGenerationResult[T]:
        self.service.calls += 1
        await asyncio.sleep(self.service.seconds)
        return await super().generate(prompt, hints)


class SlowEmbedder(NullEmbedder):
    """Embeds in a tenth of the time that an answer takes."""

    service: SlowNLPService

    @override
    async def embed(self, texts: list[str], hints: Mapping[str, Any] = {}) -> EmbeddingResult:
        self.service.embeddings += len(texts)
        await asyncio.sleep(self.service.seconds / 10)
        return await super().embed(texts, hints)
