"""The demo's NLP service with an embedder, which counts what it is asked."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from typing import Any

from parlant.core.engines.alpha.guideline_matching.generic.journey.journey_next_step_selection import (  # noqa: E501
    JourneyNextStepSelectionSchema,
)
from parlant.core.engines.alpha.prompt_builder import PromptBuilder
from parlant.core.nlp.embedding import Embedder, EmbeddingResult
from parlant.core.nlp.generation import SchematicGenerationResult, SchematicGenerator, T
from parlant.core.nlp.service import EmbedderHints, SchematicGeneratorHints
from parlant.core.nlp.tokenization import EstimatingTokenizer
from typing_extensions import override

from demo.offline_nlp import OfflineGenerator, OfflineNLPService

calls: Counter[str] = Counter()
"""How often the model was asked, by the name of the schema."""

embedded: list[str] = []
"""The texts that were embedded."""

delay = 0.0
"""Seconds that a call takes."""


class CountingNLPService(OfflineNLPService):
    """Counts the calls of its generators and its embedder."""

    @override
    async def get_schematic_generator(
        self, t: type[T], hints: SchematicGeneratorHints | None = None
    ) -> SchematicGenerator[T]:
        generator = CountingGenerator[t]()  # type: ignore[valid-type]
        generator.answers = self._answers
        return generator

    @override
    async def get_embedder(self, hints: EmbedderHints | None = None) -> Embedder:
        return CountingEmbedder()


class CountingGenerator(OfflineGenerator[T]):
    """Counts its calls by schema."""

    @override
    async def generate(
        self, prompt: str | PromptBuilder, hints: Mapping[str, Any] | None = None
    ) -> SchematicGenerationResult[T]:
        calls[self.schema.__name__] += 1
        await asyncio.sleep(delay)
        result = await super().generate(prompt, hints)
        if isinstance(result.content, JourneyNextStepSelectionSchema):
            # A journey goes on to the step that the first of its conditions leads to.
            result.content.applied_condition_id = "1"
        return result


class CharacterTokenizer(EstimatingTokenizer):
    """Takes each character for a token."""

    @override
    async def estimate_token_count(self, prompt: str) -> int:
        return len(prompt)


class CountingEmbedder(Embedder):
    """Makes a vector of a text's characters."""

    @override
    async def embed(self, texts: list[str], hints: Mapping[str, Any] = {}) -> EmbeddingResult:
        embedded.extend(texts)
        return EmbeddingResult(vectors=[self._vector(text) for text in texts])

    def _vector(self, text: str) -> list[float]:
        numbers = [0.1] * self.dimensions
        for place, character in enumerate(text):
            numbers[place % self.dimensions] += ord(character) / 7
        return numbers

    @property
    @override
    def id(self) -> str:
        return "counting"

    @property
    @override
    def max_tokens(self) -> int:
        return 8192

    @property
    @override
    def tokenizer(self) -> EstimatingTokenizer:
        return CharacterTokenizer()

    @property
    @override
    def dimensions(self) -> int:
        return 16
