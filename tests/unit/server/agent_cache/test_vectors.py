"""Vectors come back exactly as they were, and take as little as they may."""

from __future__ import annotations

import math
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parlant_supabase.server.agent_cache.vectors import decode_vectors, encode_vectors


@given(
    st.integers(1, 5).flatmap(
        lambda size: st.lists(
            st.lists(
                st.one_of(st.floats(allow_nan=False), st.floats(allow_nan=False, width=32)),
                min_size=size,
                max_size=size,
            ),
            min_size=1,
            max_size=3,
        )
    )
)
def test_that_vectors_come_back_as_they_were(vectors: list[list[float]]) -> None:
    decoded = decode_vectors(encode_vectors(vectors))

    assert [list(map(math.copysign, vector, vector)) for vector in decoded] == [
        list(map(math.copysign, vector, vector)) for vector in vectors
    ]
    assert decoded == vectors


def test_that_numbers_of_32_bits_take_half_as_much() -> None:
    vector = array("f", [number / 7 for number in range(3072)]).tolist()

    assert len(encode_vectors([vector])) == len("float32:3072:") + 3072 * 4 * 4 // 3
    assert len(encode_vectors([[*vector[:-1], 0.1]])) == len("float64:3072:") + 3072 * 8 * 4 // 3


def test_that_whole_numbers_are_numbers() -> None:
    assert decode_vectors(encode_vectors([[1, 2]])) == [[1.0, 2.0]]


@pytest.mark.parametrize("vectors", [[], [[1.0], [1.0, 2.0]]])
def test_that_vectors_have_one_dimension(vectors: list[list[float]]) -> None:
    with pytest.raises(ValueError, match="one dimension"):
        encode_vectors(vectors)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "float32:2",
        "float16:1:AAAA",
        "float32:2:AAAAAA==",
        "float32:0:AAAAAA==",
        "float32:1:AAA",
        "float32:1:A*AAAAA=",
        "float32:x:AAAAAA==",
    ],
)
def test_that_other_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        decode_vectors(text)
