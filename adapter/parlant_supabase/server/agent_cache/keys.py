"""Keys of cached values: digests of everything that a value depends on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from parlant.core.common import DefaultBaseModel
from parlant.core.nlp.embedding import Embedder
from parlant.core.nlp.generation import SchematicGenerator


def question_key(
    generator: SchematicGenerator[Any], schema: type[DefaultBaseModel], prompt: str
) -> str:
    """The key of a question to a language model, whatever the temperature.

    The prompt holds the texts of guidelines and journeys, the tools with their parameters, and
    Parlant's instructions.
    """
    return _digest(
        "question",
        _name(type(generator)),
        generator.id,
        _name(schema),
        schema.model_json_schema(),
        prompt,
    )


def answer_key(question: str, hints: Mapping[str, Any]) -> str:
    """The key of the answer to a question that is asked with some hints, such as a temperature."""
    return _digest("answer", question, dict(hints))


def embedding_key(embedder: Embedder, texts: Sequence[str], hints: Mapping[str, Any]) -> str:
    """The key of the vectors of some texts."""
    return _digest(
        "embedding",
        _name(type(embedder)),
        embedder.id,
        embedder.dimensions,
        list(texts),
        dict(hints),
    )


def _digest(*parts: object) -> str:
    # A value that JSON does not know becomes its text. One that differs in each process, such as
    # an address, makes a key that is never found again, and never a wrong one.
    text = json.dumps(parts, sort_keys=True, default=repr)
    return hashlib.sha256(text.encode()).hexdigest()


def _name(type: type) -> str:
    return f"{type.__module__}.{type.__qualname__}"
