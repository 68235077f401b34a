"""The reader of the headers' notation notices where a type says something else."""

from __future__ import annotations

from typing import Any

import pytest
from typing_extensions import TypedDict

from tests.unit.rpc.reply_notation import differences, read_notation, shape_of


class _Row(TypedDict):
    id: str
    size: int | None


class _Reply(TypedDict):
    rows: list[_Row]
    data: Any
    open: dict[str, list[str]]
    done: bool


NOTATION = (
    '{"rows": [{"id": text, "size": int | null}, ...], "data": {...} | null,'
    ' "open": {role: [text, ...], ...}, "done": bool}; prose that follows'
)


def test_that_a_type_that_says_the_same_has_no_differences() -> None:
    assert differences(read_notation(NOTATION), shape_of(_Reply)) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('"done": bool', '"done": bool | null'),
        ('"done": bool', '"done": text'),
        ('"done"', '"ready"'),
        (', "done": bool', ""),
        ('"size": int | null', '"size": int'),
        ("[text, ...]", "text"),
        ("[text, ...]", "[int, ...]"),
    ],
)
def test_that_a_difference_is_found(before: str, after: str) -> None:
    assert before in NOTATION
    noted = read_notation(NOTATION.replace(before, after))

    assert len(differences(noted, shape_of(_Reply))) == 1


def test_that_alternatives_are_read_as_one() -> None:
    noted = read_notation('{"offset": int} of the event, or {"offset": null} if there is none')

    assert noted.keys is not None
    assert noted.keys["offset"].kinds == {int, None}
