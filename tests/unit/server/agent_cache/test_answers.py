"""Answers are kept when Parlant could use them, under the key of the first question."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from parlant.core.common import DefaultBaseModel
from parlant.core.engines.alpha.prompt_builder import PromptBuilder
from parlant_supabase.server.agent_cache.answers import CachingGenerator
from parlant_supabase.server.agent_cache.cache import AgentCache

from tests.unit.server.agent_cache.caches import open_cache, rpc_of_an_empty_cache
from tests.unit.server.agent_cache.model import FakeGenerator


class Answer(DefaultBaseModel):
    """What the model answers with."""

    text: str


@pytest.fixture
async def cache() -> AsyncIterator[AgentCache]:
    cache = await open_cache(rpc_of_an_empty_cache())
    yield cache
    await cache.close()


def caching(model: FakeGenerator[Answer], cache: AgentCache) -> CachingGenerator[Answer]:
    return CachingGenerator(model, Answer, cache.evaluations)


async def ask(
    model: FakeGenerator[Answer],
    cache: AgentCache,
    refused: tuple[str, ...] = (),
    temperatures: tuple[float, ...] = (0.1, 0.2, 0.3),
) -> str:
    """Asks in a task of its own as Parlant does, until an answer is not refused."""
    generator = caching(model, cache)

    async def attempts() -> str:
        for temperature in temperatures:
            result = await generator.generate("question", {"temperature": temperature})
            if result.content.text not in refused:
                return result.content.text
        raise RuntimeError("no answer can be used")

    answer = await asyncio.create_task(attempts())
    await asyncio.sleep(0)  # Who waits for a task hears of its end before its other callbacks do.
    return answer


async def test_that_a_question_is_asked_once(cache: AgentCache) -> None:
    model = FakeGenerator("m", Answer(text="yes"))

    assert await ask(model, cache) == "yes"
    assert await ask(FakeGenerator("m"), cache) == "yes"


async def test_that_an_answer_that_is_found_says_that_it_cost_nothing(cache: AgentCache) -> None:
    await ask(FakeGenerator("m", Answer(text="yes")), cache)

    result = await caching(FakeGenerator("m"), cache).generate("question", {"temperature": 0.1})

    assert result.content == Answer(text="yes")
    assert (result.info.model, result.info.schema_name) == ("m", "Answer")
    assert (result.info.duration, result.info.usage.input_tokens) == (0.0, 0)


async def test_that_the_answer_that_was_used_is_found_at_the_first_attempt(
    cache: AgentCache,
) -> None:
    model = FakeGenerator("m", Answer(text="bad"), Answer(text="good"))

    assert await ask(model, cache, refused=("bad",)) == "good"
    assert [hints["temperature"] for hints in model.asked] == [0.1, 0.2]
    assert await ask(FakeGenerator("m"), cache, refused=("bad",)) == "good"


async def test_that_answers_that_were_never_used_are_not_kept(cache: AgentCache) -> None:
    model = FakeGenerator("m", *[Answer(text="bad")] * 3)

    with pytest.raises(RuntimeError):
        await ask(model, cache, refused=("bad",))

    assert await ask(FakeGenerator("m", Answer(text="good")), cache) == "good"


async def test_that_an_answer_that_is_refused_later_is_replaced(cache: AgentCache) -> None:
    await ask(FakeGenerator("m", Answer(text="old")), cache)

    assert await ask(FakeGenerator("m", Answer(text="new")), cache, refused=("old",)) == "new"
    assert await ask(FakeGenerator("m"), cache, refused=("old",)) == "new"


async def test_that_a_task_that_is_cancelled_keeps_nothing(cache: AgentCache) -> None:
    generator = caching(FakeGenerator("m", Answer(text="yes")), cache)

    async def ask_and_wait() -> None:
        await generator.generate("question")
        await asyncio.Event().wait()

    task = asyncio.create_task(ask_and_wait())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])

    other = FakeGenerator("m", Answer(text="again"))
    assert (await caching(other, cache).generate("question")).content.text == "again"


async def test_that_a_prompt_may_be_built(cache: AgentCache) -> None:
    builder = PromptBuilder()
    builder.add_section("q", "question")
    generator = caching(FakeGenerator("m", Answer(text="yes")), cache)
    await asyncio.create_task(generator.generate(builder))
    await asyncio.sleep(0)

    found = await caching(FakeGenerator("m"), cache).generate(builder.build())

    assert found.content.text == "yes"


async def test_that_an_edited_row_is_asked_again(cache: AgentCache) -> None:
    await ask(FakeGenerator("m", Answer(text="yes")), cache)
    values = cache.evaluations._values
    values.update(dict.fromkeys(values, '{"text": 1'))

    assert await ask(FakeGenerator("m", Answer(text="again")), cache) == "again"


async def test_that_the_model_is_asked_while_the_cache_does_not_work(cache: AgentCache) -> None:
    await ask(FakeGenerator("m", Answer(text="yes")), cache)
    cache.is_working = False

    assert await ask(FakeGenerator("m", Answer(text="again")), cache) == "again"


async def test_that_it_is_a_generator_like_the_models(cache: AgentCache) -> None:
    model = FakeGenerator[Answer]("m")
    generator = caching(model, cache)

    assert generator.schema is Answer
    assert (generator.id, generator.max_tokens) == (model.id, model.max_tokens)
    assert isinstance(generator.tokenizer, type(model.tokenizer))
