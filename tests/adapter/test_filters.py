"""A filter finds what Parlant's Transient database finds, and what was decided where it raises."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Iterable
from typing import Any

import psycopg
import pytest
import pytest_asyncio
from hypothesis import given, settings
from hypothesis import strategies as st
from parlant.core.loggers import LogLevel, TracingLogger
from parlant.core.persistence.common import matches_filters
from parlant.core.persistence.document_database import BaseDocument, identity_loader
from parlant.core.tracer import LocalTracer
from parlant_supabase import InvalidFilterError, SupabaseDocumentDatabase
from parlant_supabase.local import LocalStack

from tests.adapter import filter_model
from tests.adapter.notes import EVERYTHING, Notes, ids, note, where, write_rows

# The documents are only read, so all tests share them, and with them one event loop.
pytestmark = pytest.mark.asyncio(loop_scope="module")

OPERATORS = ("$eq", "$ne", "$gt", "$gte", "$lt", "$lte", "$in", "$nin")
MISSING = object()

# order_key() ends after 100 characters: what differs only behind that must still differ.
LONG = "x" * 100

VALUES: dict[str, Any] = {
    "missing": MISSING,
    "null": None,
    "empty": "",
    "letter a": "a",
    "letter b": "b",
    "capital Z": "Z",
    "accented": "é",
    "decomposed": "e\u0301",
    "before the surrogates": "\ud7ff",
    "behind the surrogates": "\uffee",
    "astral": "😀",
    "astral and more": "😀a",
    "digits 9": "9",
    "digits 10": "10",
    "text true": "true",
    "text null": "null",
    "backslash": "\\x41",
    "quotes": "\"'$1",
    "99 characters": LONG[:-1],
    "100 characters": LONG,
    "100 characters and a": LONG + "a",
    "100 characters and b": LONG + "b",
    "100 astral characters": "😀" * 100,
    "101 astral characters": "😀" * 101,
    "zero": 0,
    "one": 1,
    "one as float": 1.0,
    "one and a half": 1.5,
    "minus one": -1,
    "nine": 9,
    "ten": 10,
    "beyond double": 2**53 + 1,
    "double": float(2**53),
    "true": True,
    "false": False,
    "empty list": [],
    "list": ["a"],
    "list of one": [1],
    "list of true": [True],
    "empty object": {},
    "object": {"k": 1},
    "object of float": {"k": 1.0},
    "object of list": {"k": [LONG + "a", None]},
}
OPERANDS = [value for value in VALUES.values() if value is not MISSING]

# Fields with a column of their own are compared in other ways than the rest.
FIELDS = ("field", "session_id", "agent_id", "creation_utc", "version")


# Two fields that differ in every pair; the pairs crossed match nothing.
PAIRS = (("a", "letter a"), (9, "nine"), (True, "true"))


def _animal(name: str, value: object) -> dict[str, Any]:
    return {"id": name} | ({} if value is MISSING else dict.fromkeys(FIELDS, value))


ANIMALS = [_animal(name, value) for name, value in VALUES.items()]


@pytest.fixture(scope="module")
def zoo_prefix(stack: LocalStack) -> str:
    """The prefix of a collection that has one document for each of VALUES."""
    with psycopg.connect(stack.database_url, autocommit=True) as connection:
        connection.execute("select public.parlant_create_collection('zoo_', 'animals')")
        write_rows(connection, "zoo_animals", ANIMALS)
    return "zoo_"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def zoo(stack: LocalStack, zoo_prefix: str) -> AsyncIterator[SupabaseDocumentDatabase]:
    logger = TracingLogger(LocalTracer(), LogLevel.TRACE, logger_id="zoo")
    connection = {"url": stack.url, "key": stack.service_role_key}
    async with SupabaseDocumentDatabase(logger, connection, table_prefix=zoo_prefix) as database:
        yield database


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def animals(zoo: SupabaseDocumentDatabase) -> Notes:
    return await zoo.get_collection("animals", BaseDocument, _keep)


async def _keep(document: BaseDocument) -> BaseDocument:
    return document


def _expected(filters: filter_model.Filter) -> set[str]:
    return {animal["id"] for animal in ANIMALS if filter_model.matches(filters, animal)}


@pytest.mark.parametrize("field", ["field", "session_id", "creation_utc"])
@pytest.mark.parametrize("operator", OPERATORS)
async def test_that_an_operator_finds_the_right_values_of_every_type(
    animals: Notes, operator: str, field: str
) -> None:
    if operator in ("$in", "$nin"):
        neighbours = itertools.pairwise(OPERANDS)
        operands: Iterable[Any] = [[], *([first, second] for first, second in neighbours)]
    elif operator in ("$eq", "$ne"):
        operands = OPERANDS
    else:
        operands = [o for o in OPERANDS if filter_model.kind(o) not in ("array", "object")]

    for operand in operands:
        filters = {field: {operator: operand}}
        assert set(await ids(animals, filters)) == _expected(filters), filters


class TestDecisionsWhereTransientRaises:
    """The model that the other tests compare with, in plain words."""

    @pytest.mark.parametrize(
        "condition", [{"$ne": "a"}, {"$nin": ["a", "b"]}, {"$eq": None}, {"$in": [None]}, {}]
    )
    async def test_that_a_missing_field_matches_what_null_matches(
        self, animals: Notes, condition: object
    ) -> None:
        found = await ids(animals, {"field": condition})

        assert {"missing", "null"} <= set(found)

    @pytest.mark.parametrize(
        "condition",
        [
            {"$eq": "a"},
            {"$in": ["a"]},
            {"$ne": None},
            {"$nin": [None]},
            {"$gt": ""},
            {"$lte": "z"},
            {"$gt": -10},
            {"$lt": 10},
            {"$gte": False},
            {"$gte": None},
            {"$lte": None},
        ],
    )
    async def test_that_a_missing_field_matches_nothing_else(
        self, animals: Notes, condition: object
    ) -> None:
        found = await ids(animals, {"field": condition})

        assert not {"missing", "null"} & set(found)

    async def test_that_a_bool_is_no_number(self, animals: Notes) -> None:
        assert set(await ids(animals, {"field": {"$in": [0, 1]}})) == {
            "zero",
            "one",
            "one as float",
        }
        assert await ids(animals, {"field": {"$gte": False}}) == ["false", "true"]

    async def test_that_an_integer_equals_the_float_of_the_same_value(self, animals: Notes) -> None:
        assert set(await ids(animals, {"field": {"$eq": 1}})) == {"one", "one as float"}
        assert set(await ids(animals, {"field": {"$eq": 1.0}})) == {"one", "one as float"}

    async def test_that_text_is_ordered_by_code_point(self, animals: Notes) -> None:
        # Postgres's collations, and UTF-16, would put these elsewhere.
        beyond = {"behind the surrogates", "astral", "astral and more"}

        found = set(await ids(animals, {"field": {"$gt": "\ud7ff"}}))

        assert beyond <= found
        assert "accented" not in found
        assert "behind the surrogates" not in await ids(animals, {"field": {"$gte": "😀"}})

    async def test_that_a_range_over_another_type_matches_nothing(self, animals: Notes) -> None:
        assert "digits 9" not in await ids(animals, {"field": {"$gt": 1}})
        assert "nine" not in await ids(animals, {"field": {"$gt": "1"}})


class TestLogicalOperators:
    @pytest.mark.parametrize(
        "filters",
        [
            {},
            {"$and": []},
            {"$or": []},
            {"$and": [{}]},
            {"$or": [{}]},
            {"$or": [{}, {"field": {"$eq": "a"}}]},
            {"$and": [], "$or": []},
            {"$or": [{"field": {"$eq": "a"}}], "id": {"$ne": "letter a"}},
            {"id": {"$ne": "letter a"}, "$or": [{"field": {"$in": ["a", "b"]}}]},
            {"$or": [{"field": {"$eq": 1}}], "$and": [{"id": {"$eq": "one"}}]},
            {"$or": [{"$and": [{"$or": [{"field": {"$eq": 1}}]}]}, {"id": {"$eq": "null"}}]},
            {"field": {"$gte": 1, "$lt": 10}},
            {"field": {"$gte": 1, "$lt": 10}, "session_id": {"$ne": 9}},
            {"field": {"$eq": "a", "$ne": "a"}},
            {"field": {}},
            # Lists that differ in one field only are compared as one array.
            {"$or": [{"id": {"$eq": name}} for name in VALUES]},
            {"$or": [{"field": {"$eq": value}} for value in OPERANDS]},
            {"$and": [{"field": {"$ne": value}} for value in OPERANDS]},
            {"$and": [{"id": {"$ne": name}} for name in list(VALUES)[3:]]},
            {"$and": [{"session_id": {"$ne": text}} for text in ("a", "b", LONG + "a")]},
            {"$or": [{"session_id": {"$eq": text}} for text in ("a", "b", LONG + "a")]},
            {"$or": [{"field": {"$eq": text}} for text in (LONG + "a", "a", None)]},
            {"$and": [{"field": {"$ne": text}} for text in (LONG + "a", "a", None)]},
            {
                "$or": [
                    {"field": {"$eq": value}, "id": {"$gte": "b"}, "version": {"$ne": 1}}
                    for value in ("a", 9, True, 1)
                ]
            },
            # These look alike and are not.
            {"$or": [{"field": {"$ne": "a"}}, {"field": {"$ne": "b"}}]},
            {"$and": [{"field": {"$eq": "a"}}, {"field": {"$eq": "b"}}]},
            {"$and": [{"field": {"$ne": "a"}, "id": {"$ne": "null"}}, {"field": {"$ne": "b"}}]},
            {"$and": [{"field": {"$ne": x}, "id": {"$ne": "null"}} for x in ("a", "b")]},
            {"$or": [{"field": {"$eq": "a"}}, {"field": {"$eq": "a"}}]},
            {"$or": [{"field": {"$eq": 1, "$ne": x}} for x in (1, 2)]},
            {"$or": [{"field": {"$eq": "a"}}, {"session_id": {"$eq": "b"}}]},
            {"$or": [{"$or": [{"field": {"$eq": x}}]} for x in ("a", "b")]},
            {"$or": [{"field": {"$eq": x}, "id": {"$eq": y}} for x, y in PAIRS]},
            {"$or": [{"field": {"$in": [x]}, "id": {"$eq": y}} for x, y in PAIRS]},
            {"$and": [{"field": {"$ne": x}, "id": {"$ne": y}} for x, y in PAIRS]},
            {"$and": [{"$or": [{"field": {"$eq": x}}, {"id": {"$eq": y}}]} for x, y in PAIRS]},
        ],
    )
    async def test_that_they_combine_as_they_read(self, animals: Notes, filters: Any) -> None:
        assert set(await ids(animals, filters)) == _expected(filters)

    async def test_that_no_filter_matches_everything(self, animals: Notes) -> None:
        everything = await animals.find(EVERYTHING)

        assert everything.total_count == len(ANIMALS)
        assert len(everything.items) == len(ANIMALS)
        assert len(await ids(animals, None)) == len(ANIMALS)
        assert (await animals.find(where(None))).total_count == len(ANIMALS)

    async def test_that_thousands_of_alternatives_are_one_filter(self, animals: Notes) -> None:
        wanted = ["one", "true"]
        crowd = wanted + [f"nobody {number}" for number in range(5000)]

        assert await ids(animals, {"$or": [{"id": {"$eq": x}} for x in crowd]}) == wanted
        assert await ids(animals, {"id": {"$in": crowd}}) == wanted
        assert not set(await ids(animals, {"$and": [{"id": {"$ne": x}} for x in crowd]})) & set(
            wanted
        )


_CONDITION = st.one_of(
    st.builds(
        lambda name, operand: {name: operand},
        st.sampled_from(["$eq", "$ne"]),
        st.sampled_from(OPERANDS),
    ),
    st.builds(
        lambda name, operand: {name: operand},
        st.sampled_from(["$gt", "$gte", "$lt", "$lte"]),
        st.sampled_from([o for o in OPERANDS if filter_model.kind(o) not in ("array", "object")]),
    ),
    st.builds(
        lambda name, operand: {name: operand},
        st.sampled_from(["$in", "$nin"]),
        st.lists(st.sampled_from(OPERANDS), max_size=4),
    ),
)
_FIELDS = st.dictionaries(
    st.sampled_from([*FIELDS, "id", "nowhere"]), _CONDITION, min_size=1, max_size=2
)
_FILTERS: st.SearchStrategy[dict[str, Any]] = st.recursive(
    _FIELDS,
    lambda members: st.dictionaries(
        st.sampled_from(["$and", "$or"]), st.lists(members, max_size=4), min_size=1
    ),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None, derandomize=True, database=None)
@given(filters=_FILTERS)
async def test_that_any_filter_finds_what_the_model_finds(
    animals: Notes, filters: dict[str, Any]
) -> None:
    assert set(await ids(animals, filters)) == _expected(filters)


_TOTAL = st.fixed_dictionaries(
    {
        "text": st.sampled_from(["", "a", "Z", "é", "😀", "\uffee", LONG + "a"]),
        "number": st.sampled_from([-1, 0, 1, 1.0, 1.5, 10]),
        "flag": st.booleans(),
    }
)


@st.composite
def _total_filters(draw: st.DrawFn) -> dict[str, Any]:
    """Filters that ask every field for values of its own type, which Transient can answer."""
    if draw(st.integers(0, 3)) == 0:
        key = draw(st.sampled_from(["$and", "$or"]))
        return {key: draw(st.lists(_total_filters(), max_size=3))}
    like = draw(_TOTAL)
    fields = draw(st.lists(st.sampled_from(sorted(like)), min_size=1, unique=True))
    filters: dict[str, Any] = {}
    for field in fields:
        name = draw(st.sampled_from(OPERATORS))
        filters[field] = {name: [like[field]] if name in ("$in", "$nin") else like[field]}
    return filters


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(document=_TOTAL, filters=_total_filters())
async def test_that_the_model_says_what_transient_says(
    document: dict[str, Any], filters: dict[str, Any]
) -> None:
    assert filter_model.matches(filters, document) == matches_filters(where(filters), document)


@pytest.mark.parametrize(
    "field",
    [
        "",
        " ",
        "a.b",
        'quo"te',
        "apo'strophe",
        "back\\slash",
        "%s",
        "%1$I",
        "$1",
        "{a,b}",
        "null",
        "data",
        "seq",
        "größe",
        "😀",
        "x); drop table zoo_animals; --",
        "f" * 200,
        "$field",
    ],
)
async def test_that_a_field_may_have_any_name(zoo: SupabaseDocumentDatabase, field: str) -> None:
    name = f"names{len(field)}{field.encode().hex()[:12]}"
    collection = await zoo.get_or_create_collection(name, BaseDocument, identity_loader)
    await collection.insert_one(note("with", **{field: "here"}))
    await collection.insert_one(note("without", elsewhere="here"))

    assert await ids(collection, {field: {"$eq": "here"}}) == ["with"]
    assert await ids(collection, {field: {"$in": ["here", "there"]}}) == ["with"]
    assert await ids(collection, {"$or": [{field: {"$eq": x}} for x in ("here", "there")]}) == [
        "with"
    ]
    assert await ids(collection, {field: {"$gt": "h"}}) == ["with"]
    assert await ids(collection, {field: {"$ne": "here"}}) == ["without"]


async def test_that_a_field_is_never_a_path(zoo: SupabaseDocumentDatabase) -> None:
    collection = await zoo.get_or_create_collection("paths", BaseDocument, identity_loader)
    await collection.insert_one(note("nested", a={"b": 1}))
    await collection.insert_one(note("literal", **{"a.b": 1}))

    assert await ids(collection, {"a.b": {"$eq": 1}}) == ["literal"]


@pytest.mark.parametrize(
    ("filters", "place", "next_step"),
    [
        ([], "filter:", "A filter is an object"),
        ("id", "filter:", "A filter is an object"),
        (5, "filter:", "A filter is an object"),
        ({"name": "Ann"}, 'filter["name"]', '{"field": {"$eq": value}}'),
        ({"name": None}, 'filter["name"]', '{"field": {"$eq": value}}'),
        ({"name": ["Ann"]}, 'filter["name"]', '{"field": {"$eq": value}}'),
        ({"name": {"$regex": "A"}}, 'filter["name"]["$regex"]', "$nin"),
        ({"name": {"eq": "A"}}, 'filter["name"]["eq"]', "$nin"),
        ({"name": {"$eq": "A", "$exists": True}}, 'filter["name"]["$exists"]', "$nin"),
        ({"name": {"$in": "Ann"}}, 'filter["name"]["$in"]', "list"),
        ({"name": {"$nin": None}}, 'filter["name"]["$nin"]', "list"),
        ({"name": {"$gt": ["A"]}}, 'filter["name"]["$gt"]', "Compare with"),
        ({"name": {"$lte": {}}}, 'filter["name"]["$lte"]', "Compare with"),
        ({"$and": {"name": {"$eq": "A"}}}, 'filter["$and"]', '{"$and": [{...}, {...}]}'),
        ({"$or": None}, 'filter["$or"]', '{"$or": [{...}, {...}]}'),
        ({"$or": ["name"]}, 'filter["$or"][0]', "A filter is an object"),
        ({"$nor": [{"name": {"$eq": "A"}}]}, 'filter["$nor"]', "$and and $or"),
        (
            {"$or": [{}, {"$and": [{"a": {"$eq": 1}}, {"b": {"$like": 1}}]}]},
            'filter["$or"][1]["$and"][1]["b"]["$like"]',
            "$nin",
        ),
        ({"$or": [{"a": {"$eq": 1}}, {"a": 2}]}, 'filter["$or"][1]["a"]', "$eq"),
        ({"a": {"$eq": 1}, "$or": [{"b": {"$foo": 1}}]}, 'filter["$or"][0]["b"]["$foo"]', "$nin"),
    ],
)
async def test_that_a_malformed_filter_is_refused_naming_the_place(
    animals: Notes, filters: object, place: str, next_step: str
) -> None:
    for operation in (animals.find, animals.find_one, animals.delete_one):
        with pytest.raises(InvalidFilterError) as caught:
            await operation(where(filters))

        assert place in str(caught.value)
        assert next_step in str(caught.value)
        assert "collection 'animals'" in str(caught.value)

    with pytest.raises(InvalidFilterError, match="update_one on collection 'animals'"):
        await animals.update_one(where(filters), note("one"), upsert=True)


async def test_that_a_filter_that_is_refused_changes_nothing(animals: Notes) -> None:
    assert (await animals.find(EVERYTHING)).total_count == len(ANIMALS)


async def test_that_a_filter_nested_beyond_reason_is_refused(animals: Notes) -> None:
    filters: dict[str, Any] = {"field": {"$eq": "a"}}
    for _ in range(90):
        filters = {"$and": [filters]}
    assert await ids(animals, filters) == ["letter a"]

    for _ in range(20):
        filters = {"$or": [filters]}
    with pytest.raises(InvalidFilterError, match="nested deeper"):
        await animals.find(where(filters))
