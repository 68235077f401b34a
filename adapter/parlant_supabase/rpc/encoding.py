"""What a document may hold, and how it travels so that it comes back equal, types included."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from parlant_supabase.errors import UnstorableValueError

# Postgres reads JSON recursively, and so does Python's encoder; both manage more than this.
_MAX_DEPTH = 500

# From here on repr() writes a float with an exponent, which Postgres stores as an integer.
_EXPONENT_FROM = 1e16


def encode_document(document: Mapping[str, Any]) -> dict[str, Any] | str:
    """The form in which a document is sent.

    That is the document itself, or, where it holds a float of 1e16 or more, its JSON text with that
    float written as 10000000000000000.0: Postgres would make an integer of 1e16.

    Raises:
        UnstorableValueError: The document holds what JSON cannot; names the field.
    """
    if not isinstance(document, Mapping):
        raise UnstorableValueError(
            f"a document must be a dict, got {type(document).__name__}. Pass the document itself."
        )
    if _check(document, "document", 0):
        return _to_text(document)
    return dict(document)


def encode_filters(filters: Any) -> Any:
    """The form in which a filter is sent; its grammar is the database's business.

    That is the filter itself, but for floats of 1e16 or more, which are sent as the integers that
    they equal: the float 1e23 is 99999999999999991611392, not the 10**23 that Postgres would read.

    Raises:
        UnstorableValueError: The filter holds what JSON cannot; names the place.
    """
    if _check(filters, "filter", 0):
        return _without_exponents(filters)
    return filters


def encode_arguments(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The form in which the arguments of a function are sent: documents as such, None left out.

    Raises:
        UnstorableValueError: An argument holds what JSON cannot; names the place.
    """
    encoded: dict[str, Any] = {}
    for name, argument in arguments.items():
        if isinstance(argument, Mapping):
            encoded[name] = encode_document(argument)
        elif argument is not None:
            _check(argument, name, 0)
            encoded[name] = argument
    return encoded


def _check(value: Any, path: str, depth: int) -> bool:
    """Refuses what JSON cannot hold; tells whether there is a float that needs writing out."""
    if isinstance(value, str):
        _check_text(value, path)
        return False
    if value is None or isinstance(value, bool):
        return False
    if isinstance(value, float):
        if not math.isfinite(value):
            raise UnstorableValueError(
                f"{path} is {value}, which JSON cannot hold. Store None or a string instead."
            )
        return abs(value) >= _EXPONENT_FROM
    if isinstance(value, int):
        _check_integer(value, path)
        return False
    if depth == _MAX_DEPTH:
        raise UnstorableValueError(f"{path[:100]}… is nested deeper than {_MAX_DEPTH} levels.")
    if isinstance(value, Mapping):
        found = False
        for key, item in value.items():
            if not isinstance(key, str):
                raise UnstorableValueError(
                    f"{path} has the key {key!r}, but a key in JSON is a string. "
                    "It would come back as a string; store it as one."
                )
            _check_text(key, f"a key of {path}")
            found |= _check(item, f"{path}[{key!r}]", depth + 1)
        return found
    if isinstance(value, (list, tuple)):
        found = False
        for position, item in enumerate(value):
            found |= _check(item, f"{path}[{position}]", depth + 1)
        return found
    raise UnstorableValueError(
        f"{path} is of type {type(value).__name__}, which JSON cannot hold. "
        "Store strings, numbers, booleans, None, lists and dicts."
    )


def _check_text(value: str, path: str) -> None:
    if "\x00" in value:
        raise UnstorableValueError(
            f"{path} holds the character U+0000, which Postgres cannot store. Remove it."
        )
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as exc:
            raise UnstorableValueError(
                f"{path} holds half of a surrogate pair at position {exc.start}, "
                "which is not text. Remove it."
            ) from None


def _check_integer(value: int, path: str) -> None:
    try:
        str(value)
    except ValueError:
        raise UnstorableValueError(
            f"{path} is an integer of more digits than Python reads back from JSON. "
            "Store it as a string."
        ) from None


# Written with loops, as comprehensions take a second stack frame per level of nesting.


def _to_text(value: Any) -> str:
    if isinstance(value, Mapping):
        members = []
        for key, item in value.items():
            members.append(f"{json.dumps(key)}:{_to_text(item)}")
        return "{" + ",".join(members) + "}"
    if isinstance(value, (list, tuple)):
        items = []
        for item in value:
            items.append(_to_text(item))
        return "[" + ",".join(items) + "]"
    if isinstance(value, float) and abs(value) >= _EXPONENT_FROM:
        return f"{int(value)}.0"
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _without_exponents(value: Any) -> Any:
    if isinstance(value, Mapping):
        members = {}
        for key, item in value.items():
            members[key] = _without_exponents(item)
        return members
    if isinstance(value, (list, tuple)):
        items = []
        for item in value:
            items.append(_without_exponents(item))
        return items
    if isinstance(value, float) and abs(value) >= _EXPONENT_FROM:
        return int(value)
    return value
