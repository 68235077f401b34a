"""What goes in comes out, types included; what cannot is refused before it is sent."""

from __future__ import annotations

import datetime
import decimal
import json
import uuid
from collections.abc import Callable
from types import MappingProxyType
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from parlant.core.persistence.document_database import BaseDocument
from parlant_supabase import SupabaseDocumentDatabase, UnstorableValueError
from parlant_supabase.local import LocalStack
from parlant_supabase.rpc.encoding import encode_document
from supabase import AsyncClient, AsyncClientOptions, acreate_client

from tests.adapter.notes import EVERYTHING, Notes, ids, note, only, where


@pytest.fixture
def prefix(reused_prefix: str) -> str:
    return reused_prefix


def as_json(value: object) -> str:
    """The value's JSON text, in which 1, 1.0 and true are three things."""
    return json.dumps(value, sort_keys=True)


def deep(depth: int) -> object:
    value: object = "bottom"
    for _ in range(depth):
        value = [value]
    return value


FAITHFUL: dict[str, object] = {
    "float of an integer": 1.0,
    "integer": 1,
    "zero": 0,
    "float zero": 0.0,
    "negative": -273.15,
    "third": 1 / 3,
    "tiny": 5e-324,
    "small": 1e-7,
    "float where exponents begin": 1e16,
    "large float": 1e22,
    "negative large float": -1.5e300,
    "largest float": 1.7976931348623157e308,
    "large integer": 10**30,
    "huge integer": -(7**1000),
    "beyond double": 2**53 + 1,
    "true": True,
    "false": False,
    "null": None,
    "empty text": "",
    "empty list": [],
    "empty object": {},
    "empty key": {"": {"": ""}},
    "nested": {"a": [{"b": [[], {}, [None, True, 1, 1.0, "x"]]}]},
    "accents": "naïve café Ärger",
    "decomposed accent": "e\u0301",
    "astral": "😀👩‍👩‍👧‍👧",
    "other scripts": "日本語 עברית العربية",
    "controls": "\x01\x02\x1f\x7f\t\r\n",
    "non-characters": "\uffff\ufffe\U0010ffff",
    "escapes": "\\ \\n \\u0041 \" ' / $1 %s {} \\x41",
    "looks like JSON": '{"a": 1}',
    "looks like a number": "1e5",
    "long text": "lorem ipsum " * 20_000,
    "keys": {"$eq": 1, "a.b": 2, "ключ": 3, "😀": 4, " ": 5, "a\nb": 6, "id": 7},
    "deep": deep(400),
    "many": list(range(5000)),
}


@pytest.mark.parametrize("name", FAITHFUL)
async def test_that_a_value_comes_back_as_it_went_in(notes: Notes, name: str) -> None:
    value = FAITHFUL[name]
    document = note("a", value=value, list=[value], object={"value": value})

    await notes.insert_one(document)
    found = await notes.find_one(only("a"))
    updated = await notes.update_one(only("a"), note("a", again=value))
    deleted = await notes.delete_one(EVERYTHING)

    both = note("a", value=value, list=[value], object={"value": value}, again=value)
    assert as_json(found) == as_json(document)
    assert as_json(updated.updated_document) == as_json(both)
    assert as_json(deleted.deleted_document) == as_json(both)


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    lambda items: (
        st.lists(items, max_size=4)
        | st.dictionaries(
            st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
            items,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(fields=st.dictionaries(st.text(alphabet="abc", min_size=1, max_size=3), _JSON, max_size=5))
def test_that_the_form_in_which_a_document_is_sent_says_the_same(fields: dict[str, Any]) -> None:
    document = note("a", **fields)

    encoded = encode_document(document)

    sent = json.loads(encoded) if isinstance(encoded, str) else encoded
    assert as_json(sent) == as_json(document)


async def test_that_negative_zero_comes_back_as_zero(notes: Notes) -> None:
    # Postgres's numeric has no negative zero; the two are equal in Python.
    await notes.insert_one(note("a", value=-0.0))

    assert as_json(await notes.find_one(only("a"))) == as_json(note("a", value=0.0))


async def test_that_a_tuple_comes_back_as_a_list(notes: Notes) -> None:
    await notes.insert_one(note("a", value=(1, ("b", 2.0)), big=(1e22,)))

    assert await notes.find_one(only("a")) == note("a", value=[1, ["b", 2.0]], big=[1e22])


async def test_that_any_mapping_is_a_dict(notes: Notes) -> None:
    await notes.insert_one(note("a", value=MappingProxyType({"b": MappingProxyType({"c": 1e22})})))

    assert await notes.find_one(only("a")) == note("a", value={"b": {"c": 1e22}})


async def test_that_a_large_float_can_be_searched_for(notes: Notes) -> None:
    await notes.insert_one(note("a", value=1e22))
    await notes.insert_one(note("b", value=10**22 + 1))

    assert await ids(notes, {"value": {"$eq": 1e22}}) == ["a"]
    assert await ids(notes, {"value": {"$gt": 1e22}}) == ["b"]


class Text(str):
    """A string of a class of its own, as Parlant's identifiers may be."""


async def test_that_strings_of_other_classes_are_strings(notes: Notes) -> None:
    await notes.insert_one(note(Text("a"), value=Text("b")))

    assert await ids(notes, {"value": {"$eq": Text("b")}}) == ["a"]


REFUSED: dict[str, tuple[object, str, str]] = {
    "NaN": ({"score": float("nan")}, "document['score'] is nan", "Store None or a string"),
    "infinity": ([1, float("inf")], "document[1] is inf", "Store None or a string"),
    "minus infinity": (float("-inf"), "document is -inf", "Store None or a string"),
    "lone surrogate": ("bad \ud800 text", "document holds half of a surrogate pair", "Remove it"),
    "lone surrogate key": ({"bad\udfff": 1}, "a key of document holds half", "Remove it"),
    "null character": ({"deep": ["a\0b"]}, "document['deep'][0] holds the character", "Remove it"),
    "null character key": ({"a\0b": 1}, "a key of document holds the character", "Remove it"),
    "number as key": ({"sizes": {7: "x"}}, "document['sizes'] has the key 7", "store it as one"),
    "None as key": ({None: "x"}, "document has the key None", "store it as one"),
    "bool as key": ({True: "x"}, "document has the key True", "store it as one"),
    "set": ({"tags": {"a"}}, "document['tags'] is of type set", "Store strings, numbers"),
    "bytes": (b"abc", "document is of type bytes", "Store strings, numbers"),
    "datetime": (datetime.datetime(2026, 1, 1), "document is of type datetime", "Store strings"),
    "UUID": (uuid.UUID(int=0), "document is of type UUID", "Store strings, numbers"),
    "Decimal": (decimal.Decimal("1.5"), "document is of type Decimal", "Store strings, numbers"),
    "object": (object(), "document is of type object", "Store strings, numbers"),
    "complex": (1j, "document is of type complex", "Store strings, numbers"),
    "too deep": (deep(600), "nested deeper than 500 levels", ""),
    "too many digits": (10**5000, "more digits than Python reads", "Store it as a string"),
}


@pytest.fixture
def sent() -> list[str]:
    """The path of every request that was sent, filled by the client of `recording`."""
    return []


@pytest.fixture
async def recording(stack: LocalStack, sent: list[str]) -> AsyncClient:
    async def record(request: httpx.Request) -> None:
        sent.append(request.url.path)

    return await acreate_client(
        stack.url,
        stack.service_role_key,
        AsyncClientOptions(
            httpx_client=httpx.AsyncClient(event_hooks={"request": [record]}),
            auto_refresh_token=False,
        ),
    )


@pytest.mark.parametrize("name", REFUSED)
async def test_that_what_json_cannot_hold_is_refused_naming_the_field_and_not_sent(
    database: SupabaseDocumentDatabase,
    notes: Notes,
    logger: Any,
    recording: AsyncClient,
    sent: list[str],
    prefix: str,
    name: str,
) -> None:
    value, place, next_step = REFUSED[name]
    place = place.replace("document", "document['field']", 1)
    await notes.insert_one(note("a"))
    async with SupabaseDocumentDatabase(
        logger, client=recording, table_prefix=prefix, refuse_unstorable=True
    ) as watched:
        again = await watched.get_collection("notes", BaseDocument, _keep)
        before = list(sent)
        operations: list[Callable[[], Any]] = [
            lambda: again.insert_one(note("b", field=value)),
            lambda: again.update_one(only("a"), note("a", field=value)),
            lambda: again.update_one(only("b"), note("b", field=value), upsert=True),
        ]
        for operation in operations:
            with pytest.raises(UnstorableValueError) as caught:
                await operation()
            assert place in str(caught.value) or name == "too deep"
            assert next_step in str(caught.value)
            assert isinstance(caught.value, ValueError)

        for operand in ({"field": {"$eq": value}}, {"$or": [{"field": {"$in": [value]}}]}):
            with pytest.raises(UnstorableValueError, match="filter"):
                await again.find(where(operand))

        assert sent == before
    assert (await notes.find(EVERYTHING)).items == [note("a")]
    await recording.options.httpx_client.aclose()  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        (float("nan"), None),
        ({"score": [1, float("inf")]}, {"score": [1, None]}),
        (10**5000, None),
        ("bad \ud800 text", "bad \ufffd text"),
        ("\ud83d\ude00", "\ufffd\ufffd"),
        ({"a\0b": ["c\0", 1e300]}, {"a\ufffdb": ["c\ufffd", 1e300]}),
    ],
    ids=["NaN", "infinity", "too many digits", "half a pair", "two halves", "null character"],
)
async def test_that_what_cannot_be_stored_is_replaced_with_one_warning(
    notes: Notes, caplog: pytest.LogCaptureFixture, value: object, stored: object
) -> None:
    for write in (
        lambda: notes.insert_one(note("a", field=value)),
        lambda: notes.update_one(only("a"), note("a", field=value)),
        lambda: notes.update_one(only("b"), note("b", field=value), upsert=True),
    ):
        caplog.clear()
        await write()
        (warning,) = [r.getMessage() for r in caplog.records if r.levelname == "WARNING"]
        assert "['field']" in warning

    found = await notes.find(where({"field": {"$eq": value}}))
    if not isinstance(value, dict):
        assert sorted(document["id"] for document in found.items) == ["a", "b"]
    assert as_json(await notes.find_one(only("a"))) == as_json(note("a", field=stored))


async def test_that_a_document_that_json_has_no_type_for_is_refused_all_the_same(
    notes: Notes,
) -> None:
    with pytest.raises(UnstorableValueError, match="of type set"):
        await notes.insert_one(note("a", field=["\0", {"a"}]))


async def _keep(document: BaseDocument) -> BaseDocument:
    return document
