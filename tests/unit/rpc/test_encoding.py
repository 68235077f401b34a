"""What a document may hold, and how it is sent."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, cast

import pytest
from parlant_supabase.errors import UnstorableValueError
from parlant_supabase.rpc.encoding import encode_arguments, encode_document, require_document


def refusal(document: Any) -> str:
    with pytest.raises(UnstorableValueError) as caught:
        encode_document(document)
    return str(caught.value)


def nested(levels: int, wrap: Any = list) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = {"a": value} if wrap is dict else [value]
    return value


def test_that_an_ordinary_document_is_sent_as_it_is() -> None:
    document = {"id": "a", "n": 1, "f": 1.5, "b": True, "none": None, "l": [1, (2,)], "é": "ü"}

    encoded = encode_document(document)
    assert encoded == document
    assert encoded is not document


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1e16, "10000000000000000.0"),
        (-1e16, "-10000000000000000.0"),
        (1e22, "10000000000000000000000.0"),
        ([1e16, 1], "[10000000000000000.0,1]"),
        ((1e16,), "[10000000000000000.0]"),
        (
            {"x": 1e16, "é": ["ü", None, True, 0.5]},
            '{"x":10000000000000000.0,"\\u00e9":["ü",null,true,0.5]}',
        ),
        (MappingProxyType({"x": 1}), '{"x":1}'),
    ],
)
def test_that_a_document_that_json_dumps_would_change_is_sent_as_text(
    value: Any, text: str
) -> None:
    assert encode_document({"v": value, "w": 1}) == f'{{"v":{text},"w":1}}'


@pytest.mark.parametrize("value", [9999999999999998.0, -9999999999999998.0, 10**16, 10**30, True])
def test_that_other_numbers_are_sent_as_they_are(value: Any) -> None:
    assert encode_document({"v": value}) == {"v": value}


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (
            {"a": float("nan")},
            "document['a'] is nan, which JSON cannot hold. Store None or a string instead.",
        ),
        (
            {"a": [0, float("-inf")]},
            "document['a'][1] is -inf, which JSON cannot hold. Store None or a string instead.",
        ),
        (
            {"a": {1: 2}},
            "document['a'] has the key 1, but a key in JSON is a string. "
            "It would come back as a string; store it as one.",
        ),
        (
            {"a": "\x00"},
            "document['a'] holds the character U+0000, which Postgres cannot store. Remove it.",
        ),
        (
            {"a\x00": 1},
            "a key of document holds the character U+0000, which Postgres cannot store. Remove it.",
        ),
        (
            {"a": "é\ud800"},
            "document['a'] holds half of a surrogate pair at position 1, which is not text. "
            "Remove it.",
        ),
        (
            {"a": {"\udfff": 1}},
            "a key of document['a'] holds half of a surrogate pair at position 0, "
            "which is not text. Remove it.",
        ),
        (
            {"a": (1, {2})},
            "document['a'][1] is of type set, which JSON cannot hold. "
            "Store strings, numbers, booleans, None, lists and dicts.",
        ),
        ([], "a document must be a dict, got list. Pass the document itself."),
    ],
)
def test_that_json_cannot_hold_it(document: Any, message: str) -> None:
    assert refusal(document) == message


def test_that_an_integer_needs_to_be_readable() -> None:
    digits = sys.get_int_max_str_digits()

    assert encode_document({"a": 10 ** (digits - 1)})
    assert refusal({"a": 10**digits}) == (
        "document['a'] is an integer of more digits than Python reads back from JSON. "
        "Store it as a string."
    )


@pytest.mark.parametrize("wrap", [list, dict])
def test_that_nesting_has_a_limit(wrap: type) -> None:
    assert encode_document({"a": nested(499, wrap)})

    message = refusal({"a": nested(500, wrap)})
    assert message.startswith("document['a'][")
    assert message.endswith("… is nested deeper than 500 levels.")
    assert len(message) < 150


@pytest.mark.parametrize("wrap", [list, dict])
def test_that_a_deep_document_that_is_sent_as_text_is_complete(wrap: type) -> None:
    deep = {"a": nested(499, wrap), "f": 1e16}

    assert json.loads(cast("str", encode_document(deep))) == deep


def test_that_require_document_takes_mappings() -> None:
    require_document({})
    require_document(MappingProxyType({}))
    with pytest.raises(UnstorableValueError, match="must be a dict, got NoneType"):
        require_document(None)


def test_that_arguments_are_sent_by_name_with_documents_encoded() -> None:
    arguments = {"p_document": {"f": 1e16}, "p_limit": None, "p_tags": ["a"], "p_text": "x"}

    assert encode_arguments(arguments) == {
        "p_document": '{"f":10000000000000000.0}',
        "p_limit": None,
        "p_tags": ["a"],
        "p_text": "x",
    }


@pytest.mark.parametrize("name", ["p_filters", "p_cursor", "p_indexes"])
def test_that_filters_cursors_and_indexes_stay_objects(name: str) -> None:
    structure: Mapping[str, Any] = {"a": {"$gt": 1e23}, "b": [{"c": (1e16, "x")}], "d": 1.5}

    # As text, because 1e16 == 10**16.
    assert json.dumps(encode_arguments({name: structure})) == json.dumps(
        {name: {"a": {"$gt": int(1e23)}, "b": [{"c": [10**16, "x"]}], "d": 1.5}}
    )
    assert encode_arguments({name: MappingProxyType({"a": 1})}) == {name: {"a": 1}}
    assert encode_arguments({name: None}) == {name: None}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"p_filters": {"a": {"$eq": "\ud800"}}}, "filter['a']['$eq'] holds half of a surrogate"),
        ({"p_cursor": {"id": "\ud800"}}, "cursor['id'] holds half of a surrogate pair"),
        ({"p_indexes": {"x": {1}}}, "indexes['x'] is of type set"),
        ({"p_document": {"a": {1}}}, "document['a'] is of type set"),
        ({"p_sort": [[{"x"}, "asc"]]}, "p_sort[0][0] is of type set"),
        ({"p_session_id": "\x00"}, "p_session_id holds the character U+0000"),
    ],
)
def test_that_every_argument_is_checked(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(UnstorableValueError) as caught:
        encode_arguments(arguments)

    assert str(caught.value).startswith(message)


def test_that_a_list_may_hold_documents_of_any_depth_that_a_document_may_have() -> None:
    deepest = {"a": nested(499)}

    assert encode_arguments({"p_results": [{"data": deepest}]})
    with pytest.raises(UnstorableValueError, match="deeper than 500"):
        encode_arguments({"p_results": [{"data": {"a": nested(500)}}]})
    with pytest.raises(UnstorableValueError, match="deeper than 500"):
        encode_arguments({"p_filters": {"a": nested(500)}})
