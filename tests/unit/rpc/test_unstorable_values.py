"""What JSON or Postgres cannot hold has a replacement, and nothing else is touched."""

from __future__ import annotations

import json
import math
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from parlant_supabase.rpc.encoding import encode_arguments, replace_unstorable

TEXT = st.text(st.characters(min_codepoint=0, max_codepoint=0x10FFFF, categories=None))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)


def expected(value: Any) -> Any:
    """The value after replacement, worked out another way."""
    if isinstance(value, str):
        return "".join("\ufffd" if c == "\0" or "\ud800" <= c <= "\udfff" else c for c in value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {expected(key): expected(item) for key, item in value.items()}
    if isinstance(value, list):
        return [expected(item) for item in value]
    return value


@given(VALUES)
def test_that_only_what_cannot_be_stored_is_replaced(value: Any) -> None:
    replaced, places = replace_unstorable({"p_document": {"field": value}})

    assert replaced == {"p_document": {"field": expected(value)}}
    assert bool(places) == (repr(expected(value)) != repr(value))


@given(VALUES)
def test_that_what_was_replaced_can_be_sent(value: Any) -> None:
    for arguments in ({"p_document": {"field": value}}, {"p_filters": {"field": {"$eq": value}}}):
        replaced, _ = replace_unstorable(arguments)
        text = json.dumps(encode_arguments(replaced), allow_nan=False, ensure_ascii=False)
        assert "\0" not in text
        text.encode()


def test_that_an_integer_of_thousands_of_digits_is_replaced() -> None:
    replaced, places = replace_unstorable({"p_values": [10**5000, 10**4000]})

    assert replaced == {"p_values": [None, 10**4000]}
    assert places == ["p_values[0]"]


def test_that_the_places_are_named_as_in_a_refusal() -> None:
    _, places = replace_unstorable(
        {"p_document": {"a": ["\0"], "b\0": 1}, "p_filters": {"x": {"$eq": math.nan}}}
    )

    assert places == ["document['a'][0]", "a key of document", "filter['x']['$eq']"]
