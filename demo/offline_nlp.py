"""An NLP service without a language model or a network, for a real `p.Server`.

It answers a customer from a table of answers. Every other question that Parlant's engine asks a
model gets the smallest answer that its schema allows: no guideline matches, no tool is called.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

import parlant.sdk as p
from parlant.core.engines.alpha.canned_response_generator import CannedResponseDraftSchema
from parlant.core.engines.alpha.message_generator import MessageSchema, Revision
from parlant.core.engines.alpha.prompt_builder import BuiltInSection, PromptBuilder
from parlant.core.nlp.embedding import Embedder, NullEmbedder
from parlant.core.nlp.generation import (
    SchematicGenerationResult,
    SchematicGenerator,
    StreamingTextGenerator,
    T,
)
from parlant.core.nlp.generation_info import GenerationInfo, UsageInfo
from parlant.core.nlp.service import (
    EmbedderHints,
    SchematicGeneratorHints,
    StreamingTextGeneratorHints,
)
from parlant.core.nlp.tokenization import EstimatingTokenizer, ZeroEstimatingTokenizer
from pydantic import BaseModel
from typing_extensions import override

DEFAULT_ANSWER = "Thank you for your message. I have noted it and will look into it right away."

TModel = TypeVar("TModel", bound=BaseModel)


class OfflineNLPService(p.NLPService):
    """Answers a customer's message with `answers[message]`, or with a default answer.

    Hand it to a server as `p.Server(nlp_service=lambda container: OfflineNLPService(answers))`, and
    give the agent `perceived_performance_policy=p.NullPerceivedPerformancePolicy()`, or the engine
    takes its time before it replies.

    Args:
        answers: What is answered, by message.
        unanswered: A message whose answer never comes, as if the model took very long.
        called: Called with the name of the schema whenever the model is asked.
    """

    def __init__(
        self,
        answers: Mapping[str, str] | None = None,
        *,
        unanswered: str | None = None,
        called: Callable[[str], None] = lambda schema: None,
    ) -> None:
        self._answers = dict(answers or {})
        self._unanswered = unanswered
        self._called = called

    @property
    @override
    def supports_streaming(self) -> bool:
        return False

    @override
    async def get_schematic_generator(
        self, t: type[T], hints: SchematicGeneratorHints | None = None
    ) -> SchematicGenerator[T]:
        # Parlant registers a generator under the schema in its `__orig_class__`, which only an
        # instance made by calling the subscripted class has.
        generator = OfflineGenerator[t]()  # type: ignore[valid-type]
        generator.service = self
        return generator

    @override
    async def get_streaming_text_generator(
        self, hints: StreamingTextGeneratorHints | None = None
    ) -> StreamingTextGenerator:
        raise NotImplementedError("OfflineNLPService does not stream.")

    @override
    async def get_embedder(self, hints: EmbedderHints | None = None) -> Embedder:
        return NullEmbedder()

    @override
    async def get_moderation_service(self) -> p.ModerationService:
        return p.NoModeration()

    async def complete(self, schema: type[TModel], prompt: str | PromptBuilder) -> TModel:
        """What the model answers: a reply where the schema has one, else as little as is valid."""
        self._called(schema.__name__)
        content = smallest_instance(schema)
        if isinstance(content, CannedResponseDraftSchema):
            content.response_body = await self._answer(prompt)
        elif isinstance(content, MessageSchema):
            answer = await self._answer(prompt)
            content.revisions = [Revision(revision_number=1, content=answer)]
        return content

    async def _answer(self, prompt: str | PromptBuilder) -> str:
        message = last_customer_message(prompt)
        if message is not None and message == self._unanswered:
            await asyncio.Event().wait()
        return self._answers.get(message or "", DEFAULT_ANSWER)


class OfflineGenerator(SchematicGenerator[T]):
    """Fills one schema with what its service answers."""

    service: OfflineNLPService

    @override
    async def generate(
        self, prompt: str | PromptBuilder, hints: Mapping[str, Any] | None = None
    ) -> SchematicGenerationResult[T]:
        return SchematicGenerationResult(
            content=await self.service.complete(self.schema, prompt),
            info=GenerationInfo(
                schema_name=self.schema.__name__,
                model=self.id,
                duration=0.0,
                usage=UsageInfo(input_tokens=0, output_tokens=0),
            ),
        )

    @property
    @override
    def id(self) -> str:
        return "offline"

    @property
    @override
    def max_tokens(self) -> int:
        return 1_000_000

    @property
    @override
    def tokenizer(self) -> EstimatingTokenizer:
        return ZeroEstimatingTokenizer()


def last_customer_message(prompt: str | PromptBuilder) -> str | None:
    """What the customer said last in the conversation that the prompt is about."""
    if isinstance(prompt, str):
        return None
    history = prompt.sections.get(BuiltInSection.INTERACTION_HISTORY)
    events = [] if history is None else history.props.get("interaction_events", [])
    for event in map(json.loads, reversed(events)):
        if event["event_kind"] == "message" and event["event_source"] == "user":
            return str(event["data"]["message"])
    return None


def smallest_instance(schema: type[TModel]) -> TModel:
    """An instance in which every field is at its default, or as empty as its type allows."""
    return schema.model_validate(
        {
            field.alias or name: _smallest_value(field.annotation)
            for name, field in schema.model_fields.items()
            if field.is_required()
        }
    )


def _smallest_value(annotation: Any) -> object:
    origin = get_origin(annotation) or annotation
    members = get_args(annotation)
    if origin in (Union, UnionType):
        return None if NoneType in members else _smallest_value(members[0])
    if origin is Literal:
        return members[0]
    if origin is Sequence:
        return []
    if origin is Mapping:
        return {}
    if isinstance(origin, type):
        if issubclass(origin, BaseModel):
            return smallest_instance(origin)
        if issubclass(origin, Enum):
            return next(iter(origin))
        # str, int, float, bool, list, dict and tuple are empty or zero when made of nothing.
        return origin()
    raise TypeError(f"no smallest value is known for {annotation!r}")
