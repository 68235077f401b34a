"""A language model and an embedder that do as a test tells them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from parlant.core.common import DefaultBaseModel
from parlant.core.engines.alpha.prompt_builder import PromptBuilder
from parlant.core.nlp.embedding import Embedder, EmbeddingResult
from parlant.core.nlp.generation import SchematicGenerationResult, SchematicGenerator
from parlant.core.nlp.generation_info import GenerationInfo, UsageInfo
from parlant.core.nlp.tokenization import EstimatingTokenizer, ZeroEstimatingTokenizer
from typing_extensions import override

T = TypeVar("T", bound=DefaultBaseModel)


class FakeGenerator(SchematicGenerator[T]):
    """Gives the answers that it was made with, one after another.

    Attributes:
        asked: The hints of each call.
    """

    def __init__(self, id: str, *answers: T) -> None:
        self._id = id
        self.answers = list(answers)
        self.asked: list[Mapping[str, Any]] = []

    @override
    async def generate(
        self, prompt: str | PromptBuilder, hints: Mapping[str, Any] = {}
    ) -> SchematicGenerationResult[T]:
        self.asked.append(hints)
        return SchematicGenerationResult(
            content=self.answers.pop(0),
            info=GenerationInfo(
                schema_name="Answer", model=self.id, duration=1.0, usage=UsageInfo(1, 1)
            ),
        )

    @property
    @override
    def id(self) -> str:
        return self._id

    @property
    @override
    def max_tokens(self) -> int:
        return 7

    @property
    @override
    def tokenizer(self) -> EstimatingTokenizer:
        return ZeroEstimatingTokenizer()


class FakeEmbedder(Embedder):
    """An embedder that is asked for nothing but what it is."""

    def __init__(self, id: str = "fake", dimensions: int = 2) -> None:
        self._id = id
        self._dimensions = dimensions

    @override
    async def embed(self, texts: list[str], hints: Mapping[str, Any] = {}) -> EmbeddingResult:
        raise NotImplementedError

    @property
    @override
    def id(self) -> str:
        return self._id

    @property
    @override
    def max_tokens(self) -> int:
        return 7

    @property
    @override
    def tokenizer(self) -> EstimatingTokenizer:
        return ZeroEstimatingTokenizer()

    @property
    @override
    def dimensions(self) -> int:
        return self._dimensions
