"""Answers of a language model, kept once Parlant has accepted them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from parlant.core.common import DefaultBaseModel
from parlant.core.engines.alpha.prompt_builder import PromptBuilder
from parlant.core.nlp.generation import SchematicGenerationResult, SchematicGenerator
from parlant.core.nlp.generation_info import GenerationInfo, UsageInfo
from parlant.core.nlp.tokenization import EstimatingTokenizer
from pydantic import ValidationError
from typing_extensions import override

from parlant_supabase.server.agent_cache.cache import CachedValues
from parlant_supabase.server.agent_cache.keys import answer_key, question_key

T = TypeVar("T", bound=DefaultBaseModel)


@dataclass
class _Asked:
    """What a task has asked.

    Attributes:
        first_keys: By question, the key with which it was asked first.
        answers: By question, the last answer that the model gave.
    """

    first_keys: dict[str, str] = field(default_factory=dict)
    answers: dict[str, DefaultBaseModel] = field(default_factory=dict)


class CachingGenerator(SchematicGenerator[T]):
    """A generator that asks the model only what has not been answered before.

    Parlant asks up to three times, at rising temperatures, until it can use an answer, and each
    question is asked in a task that fails if it could use none. So the last answer is kept, under
    the key that the next server will ask with first, and only when the task has ended well.

    Args:
        generator: Asks the model.
        schema: What it answers with.
        values: Where answers are kept.
    """

    def __init__(
        self, generator: SchematicGenerator[T], schema: type[T], values: CachedValues
    ) -> None:
        # The base class takes it from a subscripted call, which this is not.
        vars(self)["schema"] = schema
        self._generator = generator
        self._schema = schema
        self._values = values
        self._asked: WeakKeyDictionary[asyncio.Task[Any], _Asked] = WeakKeyDictionary()

    @override
    async def generate(
        self, prompt: str | PromptBuilder, hints: Mapping[str, Any] = {}
    ) -> SchematicGenerationResult[T]:
        if not self._values.is_working:
            return await self._generator.generate(prompt, hints)
        text = prompt if isinstance(prompt, str) else prompt.build()
        question = question_key(self._generator, self._schema, text)
        key = answer_key(question, hints)
        asked = self._asked_by_this_task()
        asked.first_keys.setdefault(question, key)
        answer = await self._values.get(key)
        if answer is not None:
            # Nothing but an edited row is no answer.
            with suppress(ValidationError):
                return self._result(self._schema.model_validate_json(answer))
        result = await self._generator.generate(prompt, hints)
        asked.answers[question] = result.content
        return result

    @property
    @override
    def id(self) -> str:
        return self._generator.id

    @property
    @override
    def max_tokens(self) -> int:
        return self._generator.max_tokens

    @property
    @override
    def tokenizer(self) -> EstimatingTokenizer:
        return self._generator.tokenizer

    def _asked_by_this_task(self) -> _Asked:
        task = asyncio.current_task()
        assert task is not None
        asked = self._asked.get(task)
        if asked is None:
            asked = self._asked[task] = _Asked()
            task.add_done_callback(self._keep)
        return asked

    def _keep(self, task: asyncio.Task[Any]) -> None:
        asked = self._asked.pop(task)
        if task.cancelled() or task.exception() is not None:
            return
        for question, content in asked.answers.items():
            try:
                text = content.model_dump_json()
                is_same = self._schema.model_validate_json(text) == content
            except ValueError:
                continue
            if is_same:
                self._values.put(asked.first_keys[question], text)

    def _result(self, content: T) -> SchematicGenerationResult[T]:
        return SchematicGenerationResult(
            content=content,
            info=GenerationInfo(
                schema_name=self._schema.__name__,
                model=self.id,
                duration=0.0,
                usage=UsageInfo(input_tokens=0, output_tokens=0),
            ),
        )
