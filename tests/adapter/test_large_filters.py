"""A filter of any size is answered rightly or refused clearly, and the next request works."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

import httpx
import pytest
from parlant.core.persistence.common import SortDirection, Where
from parlant.core.persistence.document_database import BaseDocument, DocumentCollection
from parlant_supabase import (
    InvalidArgumentError,
    InvalidFilterError,
    UnstorableValueError,
)
from parlant_supabase.local import LocalStack

Documents = DocumentCollection[BaseDocument]

MANY = 100_000


@pytest.fixture
async def held(documents: Documents) -> Documents:
    """The collection with a hundred documents in it."""
    return await fill(documents)


@pytest.fixture
async def held_without_limit(documents_without_limit: Documents) -> Documents:
    """The same where a call may take as long as it needs."""
    return await fill(documents_without_limit)


async def fill(documents: Documents) -> Documents:
    held: list[dict[str, Any]] = [
        {"id": f"a{number}", "creation_utc": "2026", "version": "1.0.0", "n": number}
        for number in range(100)
    ]
    await asyncio.gather(*(documents.insert_one(cast("BaseDocument", each)) for each in held))
    return documents


def nested(levels: int) -> Where:
    where: Any = {"n": {"$lt": 50}}
    for level in range(levels):
        where = {"$or" if level % 2 else "$and": [where]}
    return cast("Where", where)


async def test_that_a_filter_is_answered_up_to_a_depth_and_refused_beyond(held: Documents) -> None:
    assert (await held.find(nested(99))).total_count == 50

    with pytest.raises(InvalidFilterError, match="nested deeper than 100 levels"):
        await held.find(nested(150))
    with pytest.raises(UnstorableValueError, match="nested deeper than"):
        await held.find(nested(10_000))

    assert (await held.find({})).total_count == 100


async def test_that_the_database_refuses_what_the_adapter_would_not_send(
    held: Documents, stack: LocalStack, prefix: str
) -> None:
    levels = 10_000
    filters = '{"$and":[' * levels + '{"n":{"$lt":50}}' + "]}" * levels
    async with httpx.AsyncClient(timeout=60) as client:
        reply = await client.post(
            f"{stack.url}/rest/v1/rpc/parlant_find",
            content=f'{{"p_prefix":"{prefix}","p_collection":"documents","p_filters":{filters}}}',
            headers={"apikey": stack.service_role_key, "Content-Type": "application/json"},
        )

    # Postgres itself refuses to read it.
    assert reply.json()["code"] == "54001"
    assert (await held.find({})).total_count == 100


@pytest.mark.parametrize(
    ("where", "count"),
    [
        ({"id": {"$in": [f"a{number}" for number in range(50, MANY)]}}, 50),
        ({"n": {"$in": [*range(50, MANY)]}}, 50),
        ({"n": {"$nin": [*range(50, MANY)]}}, 50),
        ({"n": {"$in": [f"{number}{'x' * 100}" for number in range(MANY // 10)]}}, 0),
    ],
    ids=["ids", "numbers", "none of the numbers", "long texts"],
)
async def test_that_a_list_of_many_values_is_answered(
    held: Documents, where: Where, count: int
) -> None:
    assert (await held.find(where)).total_count == count


def _members(member: Callable[[int], dict[str, Any]], count: int = MANY) -> list[dict[str, Any]]:
    return [member(number) for number in range(50, count)]


@pytest.mark.parametrize(
    ("where", "count"),
    [
        ({"$or": _members(lambda n: {"n": {"$eq": n}})}, 50),
        ({"$or": _members(lambda n: {"n": {"$eq": n}, "version": {"$ne": "2"}})}, 50),
        ({"$and": _members(lambda n: {"n": {"$ne": n}})}, 50),
    ],
    ids=["equalities", "conjunctions", "inequalities"],
)
async def test_that_many_conditions_on_one_field_are_answered(
    held_without_limit: Documents, where: Where, count: int
) -> None:
    assert (await held_without_limit.find(where)).total_count == count
    assert (await held_without_limit.find({})).total_count == 100


@pytest.mark.parametrize(
    "condition",
    [
        lambda count: {"$or": _members(lambda n: {"n": {"$gt": n}}, count)},
        lambda count: {"$or": [{"$and": _members(lambda n: {"n": {"$lt": n}}, count)}]},
        lambda count: {f"field {n}": {"$ne": n} for n in range(50, count)},
    ],
    ids=["alternatives", "nested", "fields"],
)
async def test_that_different_conditions_are_answered_up_to_a_number_and_refused_beyond(
    held: Documents, condition: Callable[[int], Any]
) -> None:
    await held.find(condition(1000))

    for count in (5_000, 30_000):
        with pytest.raises(InvalidFilterError, match="too many conditions"):
            await held.find(condition(count))
    assert (await held.find({})).total_count == 100


async def test_that_a_sort_of_too_many_fields_is_refused(held: Documents) -> None:
    fields = [(f"field {number}", SortDirection.DESC) for number in range(32)]
    assert await held.find_one({}, [*fields[1:], ("n", SortDirection.DESC)]) is not None

    with pytest.raises(InvalidArgumentError, match="more than 32 fields"):
        await held.find_one({}, [*fields, ("n", SortDirection.DESC)])
