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
from parlant.core.nlp.service import EmbedderHints
from parlant.core.nlp.tokenization import EstimatingTokenizer
from typing_extensions import override

from demo.offline_nlp import OfflineNLPService, TModel

calls: Counter[str] = Counter()
"""How often the model was asked, by the name of the schema."""

embedded: list[str] = []
"""The texts that were embedded."""

delay = 0.0
"""Seconds that a call takes."""


class CountingNLPService(OfflineNLPService):
    """Counts the calls of its generators, by schema, and of its embedder."""

    @override
    async def complete(self, schema: type[TModel], prompt: str | PromptBuilder) -> TModel:
        calls[schema.__name__] += 1
        await asyncio.sleep(delay)
        content = await super().complete(schema, prompt)
        if isinstance(content, JourneyNextStepSelectionSchema):
            # A journey goes on to the step that the first of its conditions leads to.
            content.applied_condition_id = "1"
        return content

    @override
    async def get_embedder(self, hints: EmbedderHints | None = None) -> Embedder:
        return CountingEmbedder()


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
