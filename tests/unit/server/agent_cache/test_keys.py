"""Keys change with everything that a value depends on, and with nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from parlant.core.common import DefaultBaseModel
from parlant_supabase.server.agent_cache.keys import answer_key, embedding_key, question_key

from tests.unit.server.agent_cache.model import FakeEmbedder, FakeGenerator


class Schema(DefaultBaseModel):
    """What a model answers with."""

    is_continuous: bool


def another_schema() -> type[DefaultBaseModel]:
    """One of the same name, with another field."""
    return type("Schema", (DefaultBaseModel,), {"__annotations__": {"reason": str}})


class OtherGenerator(FakeGenerator[Any]):
    """A generator of another service."""


@pytest.mark.parametrize(
    "make",
    [
        lambda: question_key(FakeGenerator("b"), Schema, "prompt"),
        lambda: question_key(OtherGenerator("a"), Schema, "prompt"),
        lambda: question_key(FakeGenerator("a"), another_schema(), "prompt"),
        lambda: question_key(FakeGenerator("a"), Schema, "prompt."),
    ],
    ids=["model", "service", "schema", "prompt"],
)
def test_that_another_question_has_another_key(make: Callable[[], str]) -> None:
    assert make() != question_key(FakeGenerator("a"), Schema, "prompt")


def test_that_the_same_question_has_the_same_key() -> None:
    assert question_key(FakeGenerator("a"), Schema, "p") == question_key(
        FakeGenerator("a"), Schema, "p"
    )


def test_that_an_answer_depends_on_the_hints() -> None:
    assert answer_key("q", {"temperature": 0.1, "x": 1}) == answer_key(
        "q", {"x": 1, "temperature": 0.1}
    )
    assert answer_key("q", {"temperature": 0.1}) != answer_key("q", {"temperature": 0.2})
    assert answer_key("q", {}) != answer_key("r", {})


def test_that_hints_may_be_anything() -> None:
    assert answer_key("q", {"type": int}) == answer_key("q", {"type": int})


@pytest.mark.parametrize(
    "make",
    [
        lambda: embedding_key(FakeEmbedder("b"), ["text"], {}),
        lambda: embedding_key(FakeEmbedder("a", 3), ["text"], {}),
        lambda: embedding_key(FakeEmbedder("a"), ["text", "text"], {}),
        lambda: embedding_key(FakeEmbedder("a"), ["other"], {}),
        lambda: embedding_key(FakeEmbedder("a"), ["text"], {"tag": "t"}),
    ],
    ids=["model", "dimensions", "number", "text", "hints"],
)
def test_that_other_vectors_have_another_key(make: Callable[[], str]) -> None:
    assert make() != embedding_key(FakeEmbedder("a"), ["text"], {})
