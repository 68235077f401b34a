"""What a filter or sort compiles to is what the indexes know."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from parlant.core.loggers import LogLevel, TracingLogger
from parlant.core.persistence.common import SortDirection
from parlant.core.persistence.document_database import (
    BaseDocument,
    CollectionIndex,
)
from parlant.core.tracer import LocalTracer
from parlant_supabase import SupabaseDocumentDatabase
from parlant_supabase.local import LocalStack

from tests.plans.plan import Execution, Explainer
from tests.tables import on

ASC = SortDirection.ASC
ROWS = 20_000

Explain = Callable[..., Execution]


PREFIX = "index_use_"
TABLE = f"{PREFIX}notes"

INDEXES = [
    CollectionIndex(fields=[("text", ASC)]),
    CollectionIndex(fields=[("number", ASC)]),
    CollectionIndex(fields=[("flag", ASC)]),
    CollectionIndex(fields=[("group", ASC), ("number", ASC)]),
    CollectionIndex(fields=[("long", ASC), ("id", ASC)], unique=True),
]


@pytest.fixture(scope="module")
def explain(stack: LocalStack) -> Iterator[Explain]:
    """Calls a function on a collection of many notes, indexed as a store asks for it."""

    async def make_collection() -> None:
        logger = TracingLogger(LocalTracer(), LogLevel.WARNING)
        connection = {"url": stack.url, "key": stack.service_role_key}
        async with SupabaseDocumentDatabase(logger, connection, table_prefix=PREFIX) as database:
            notes = await database.create_collection("notes", BaseDocument)
            await notes.ensure_indexes(INDEXES)

    asyncio.run(make_collection())
    with psycopg.connect(stack.database_url, autocommit=True) as connection:
        connection.execute(
            on(
                "insert into {} (data) select jsonb_build_object("
                "'id', 'n' || n, 'creation_utc', lpad((n / 10)::text, 6, '0'), 'version', '1',"
                " 'text', 'text ' || n %% 5000, 'number', n %% 5000, 'flag', n %% 5000 = 0,"
                " 'long', repeat('x', 150) || n, 'group', 'g' || n %% 100)"
                " from generate_series(1, %s) as n",
                TABLE,
            ),
            (ROWS,),
        )
        connection.execute(on("analyze {}", TABLE))
    with psycopg.connect(stack.admin_url, autocommit=True) as connection:
        explainer = Explainer(connection, PREFIX)
        yield lambda operation, **params: explainer.execute(
            f"parlant_{operation}", {"p_prefix": PREFIX, "p_collection": "notes", **params}
        )


def find(explain: Explain, filters: dict[str, Any], **params: Any) -> Execution:
    return explain("find", p_filters=filters, **params)


FOUR = ["text 1", "text 2", "text 3", "text 4"]


@pytest.mark.parametrize(
    ("filters", "reads"),
    [
        ({"text": {"$eq": "text 7"}}, 4),
        ({"text": {"$in": FOUR}}, 16),
        ({"$or": [{"text": {"$eq": text}} for text in FOUR]}, 16),
        # The ends of a range are read too, as the index knows only how a long text begins.
        ({"text": {"$gte": "text 4998", "$lt": "text 5"}}, 12),
        ({"text": {"$gt": "text 999"}}, 4),
        ({"$and": [{"text": {"$eq": "text 7"}}, {"number": {"$eq": 7}}]}, 4),
        ({"$or": [{"text": {"$eq": text}, "version": {"$eq": "1"}} for text in FOUR]}, 16),
        ({"text": {"$eq": "text 7"}, "flag": {"$ne": True}}, 4),
    ],
)
def test_that_an_index_on_text_is_used(
    explain: Explain, filters: dict[str, Any], reads: int
) -> None:

    execution = find(explain, filters)

    assert execution.without_index == []
    assert execution.read == reads


@pytest.mark.parametrize(
    ("filters", "reads"),
    [
        ({"number": {"$eq": 7}}, 4),
        ({"number": {"$eq": 7.0}}, 4),
        ({"number": {"$in": [7, 8]}}, 8),
        ({"$or": [{"number": {"$eq": number}} for number in (7, 8, 9)]}, 12),
        ({"number": {"$gte": 4998}}, 8),
        ({"number": {"$lt": 2}}, 8),
        ({"flag": {"$eq": True}}, 4),
    ],
)
def test_that_indexes_on_numbers_and_bools_are_used(
    explain: Explain, filters: dict[str, Any], reads: int
) -> None:

    execution = find(explain, filters)

    assert execution.without_index == []
    assert execution.read == reads


def test_that_alternatives_become_one_lookup_of_an_array(explain: Explain) -> None:
    wanted = [f"n{number}" for number in range(2, 402, 2)]

    by_id = find(explain, {"$or": [{"id": {"$eq": id}} for id in wanted]})
    by_text = find(explain, {"$or": [{"text": {"$eq": text}} for text in FOUR]})
    by_session = find(explain, {"$or": [{"id": {"$eq": "n1"}}, {"id": {"$eq": "n2"}}]})

    for execution, reads in ((by_id, 200), (by_text, 16), (by_session, 2)):
        (scan,) = execution.scans
        assert "= ANY (" in scan.condition
        assert scan.read == reads


@pytest.mark.parametrize("direction", ["asc", "desc"])
@pytest.mark.parametrize("field", ["number", "text"])
def test_that_the_first_of_a_sort_is_read_from_an_index(
    explain: Explain, field: str, direction: str
) -> None:

    execution = explain("find_one", p_filters={}, p_sort=[[field, direction]])

    (scan,) = execution.scans
    assert scan.index is not None
    # Equals are read along, to take the first inserted.
    assert scan.read <= 5


def test_that_the_first_of_a_group_is_read_from_an_index_of_both(explain: Explain) -> None:

    execution = explain("find_one", p_filters={"group": {"$eq": "g1"}}, p_sort=[["number", "desc"]])

    (scan,) = execution.scans
    assert scan.condition
    assert scan.read <= 5


def test_that_a_unique_index_is_used(explain: Explain) -> None:

    execution = find(explain, {"long": {"$eq": "x" * 150 + "7"}, "id": {"$eq": "n7"}})

    assert execution.without_index == []
    assert execution.read == 1


@pytest.mark.parametrize("operation", ["update_one", "delete_one", "find_one"])
def test_that_every_operation_finds_its_document_by_an_index(
    explain: Explain, operation: str
) -> None:
    params: dict[str, Any] = {"p_params": {"state": "done"}} if operation == "update_one" else {}

    execution = explain(operation, p_filters={"text": {"$eq": "text 7"}}, **params)

    assert execution.without_index == []
    assert execution.read <= 6


def test_that_an_upsert_that_finds_nothing_reads_nothing(explain: Explain) -> None:
    document = {"id": "new", "text": "new", "creation_utc": "", "version": ""}

    execution = explain(
        "update_one", p_filters={"text": {"$eq": "new"}}, p_params=document, p_upsert=True
    )

    assert execution.without_index == []
    assert execution.read == 0


@pytest.mark.parametrize("direction", ["asc", "desc"])
def test_that_a_page_is_read_in_the_order_of_an_index_from_the_cursor_on(
    explain: Explain, direction: str
) -> None:
    cursor = {"creation_utc": "001000", "id": "n10005"}

    execution = find(explain, {}, p_limit=20, p_cursor=cursor, p_sort_direction=direction)

    page, _count = execution.scans
    assert page.index is not None
    assert "ROW(creation_utc, id)" in page.condition
    assert page.read == 21
    assert execution.sorted_rows == 0


@pytest.mark.parametrize(
    ("filters", "reads"),
    [
        ({"creation_utc": {"$eq": "000100"}}, 10),
        ({"creation_utc": {"$gte": "001990", "$lt": "001992"}}, 20),
        ({"version": {"$eq": "2"}}, 0),
        ({"id": {"$gt": "n9998"}}, 1),
        ({"id": {"$in": ["n1", "n2", "nobody"]}}, 2),
    ],
)
def test_that_the_columns_indexes_are_used_without_asking_for_any(
    explain: Explain, filters: dict[str, Any], reads: int
) -> None:
    execution = find(explain, filters)

    assert execution.without_index == []
    assert execution.read == reads
