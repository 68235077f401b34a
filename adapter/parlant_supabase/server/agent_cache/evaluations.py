"""Evaluations of guidelines and journeys, made of the answers that are kept."""

from __future__ import annotations

import inspect
from typing import Any, get_args, get_origin, get_type_hints

from lagom import Container
from lagom.exceptions import DuplicateDefinition
from parlant.core.nlp.generation import SchematicGenerator

from parlant_supabase.parlant_internals import (
    JOURNEY_PROJECTION,
    evaluation_caches,
    evaluator_class,
    keep_order_of_steps,
    replace_evaluation_cache,
)
from parlant_supabase.server.agent_cache.answers import CachingGenerator
from parlant_supabase.server.agent_cache.cache import CachedValues


class OwnCache:
    """A cache of evaluations of Parlant's own, which finds nothing while another one works.

    Its key of a journey holds the ids of steps and not their texts, so it would answer for a step
    that has been changed.

    Args:
        own: Parlant's.
        values: Where the answers are kept that evaluations are made of.
    """

    def __init__(self, own: Any, values: CachedValues) -> None:
        self._own = own
        self._values = values

    async def find_one(self, *args: Any, **kwargs: Any) -> Any:
        """What Parlant's own cache finds."""
        return None if self._values.is_working else await self._own.find_one(*args, **kwargs)

    async def insert_one(self, *args: Any, **kwargs: Any) -> Any:
        """Keeps an evaluation in Parlant's own cache."""
        return None if self._values.is_working else await self._own.insert_one(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._own, name)


def use_evaluations(container: Container, values: CachedValues) -> list[str]:
    """Lets a server's evaluator find the answers of the language model among some values.

    The server gets a new evaluator, whose generators look there first. Its other parts, and the
    generators of the conversation, stay as they are.

    Args:
        container: The server's; it is changed.
        values: Where answers are kept.

    Returns:
        Sentences about what the installed Parlant lacks, and what is lost by it.
    """
    evaluator_type = evaluator_class()
    schemas = {part: _schema_of(part) for part in _parameters(evaluator_type)}
    if evaluator_type is None or not any(schemas.values()):
        return ["it asks the language model in another way, so evaluations are not kept"]
    scope = container.clone()
    for schema in {schema for schema in schemas.values() if schema is not None}:
        generator: Any = SchematicGenerator[schema]  # type: ignore[valid-type]
        scope[generator] = CachingGenerator(container[generator], schema, values)
    parts: dict[type, object] = {}
    for part, schema in schemas.items():
        if schema is not None or part.__name__ == JOURNEY_PROJECTION:
            # An application may have defined a class of its own.
            parts[part] = scope.resolve(type(container[part]), skip_definitions=True)
            scope[part] = parts[part]
    evaluator: Any = scope.resolve(evaluator_type, skip_definitions=True)
    try:
        container[evaluator_type] = evaluator
    except DuplicateDefinition:
        return ["the application has defined an evaluator, so evaluations are not kept"]
    lost = [
        f"it lacks {name}, so journeys with branches may be evaluated again"
        for name in keep_order_of_steps(parts)
    ]
    own_caches = evaluation_caches()
    if own_caches is None:
        lost.append(
            "its own cache of evaluations is elsewhere, so a step that has been changed may find "
            "its old evaluation on this server's disk"
        )
    for name, own in (own_caches or {}).items():
        replace_evaluation_cache(name, OwnCache(own, values))
    return lost


def _parameters(of: Any) -> list[Any]:
    """The types of what an object of a class is made with."""
    if not isinstance(of, type):
        return []
    hints = get_type_hints(inspect.getattr_static(of, "__init__"))
    return [hint for name, hint in hints.items() if name != "return"]


def _schema_of(part: Any) -> Any | None:
    """The schema of the generator that an object is made with, if there is one."""
    for hint in _parameters(part):
        if get_origin(hint) is SchematicGenerator:
            return get_args(hint)[0]
    return None
