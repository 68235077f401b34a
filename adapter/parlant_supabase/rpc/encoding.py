"""What a document may hold, and how it travels so that it comes back equal, types included."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from parlant_supabase.errors import UnstorableValueError

# Postgres reads JSON recursively, and so does Python's encoder; both manage more than this.
_MAX_DEPTH = 500

# Arguments that are no documents, and what a message calls them.
_STRUCTURES = {"p_filters": "filter", "p_cursor": "cursor", "p_indexes": "indexes"}

# A document in a list of documents, or of results that hold documents, is this much deeper.
_DEPTH_OF_LISTS = 2

# From here on repr() writes a float with an exponent, which Postgres stores as an integer.
_EXPONENT_FROM = 1e16


def encode_arguments(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The form in which the arguments of a function are sent.

    Filters and cursors are sent as objects; every other mapping is a document.

    Raises:
        UnstorableValueError: An argument holds what JSON cannot; names the place.
    """
    encoded: dict[str, Any] = {}
    for name, argument in arguments.items():
        if name in _STRUCTURES:
            encoded[name] = _encode_structure(argument, _STRUCTURES[name])
        elif isinstance(argument, Mapping):
            encoded[name] = encode_document(argument)
        else:
            encoded[name] = _encode_structure(argument, name, -_DEPTH_OF_LISTS)
    return encoded


def encode_document(document: Mapping[str, Any]) -> dict[str, Any] | str:
    """The form in which a document is sent.

    That is the document itself, or, where it holds a float of 1e16 or more, its JSON text with that
    float written as 10000000000000000.0: Postgres would make an integer of 1e16.

    Raises:
        UnstorableValueError: The document holds what JSON cannot; names the field.
    """
    require_document(document)
    if _check(document, "document", 0):
        return _to_text(document)
    return dict(document)


def require_document(document: object) -> None:
    """Refuses what is no document.

    Raises:
        UnstorableValueError: It is not a mapping.
    """
    if not isinstance(document, Mapping):
        raise UnstorableValueError(
            f"a document must be a dict, got {type(document).__name__}. Pass the document itself."
        )


def _encode_structure(value: Any, path: str, depth: int = 0) -> Any:
    """The value itself, but for floats of 1e16 or more, which are sent as the integers they equal.

    The float 1e23 is 99999999999999991611392, not the 10**23 that Postgres would read.
    """
    if _check(value, path, depth):
        return _rewritten(value)
    return value


def _check(value: Any, path: str, depth: int) -> bool:
    """Refuses what JSON cannot hold; tells whether json.dumps would not write the value as meant.

    That is so for floats of 1e16 or more, and for mappings that are no dict.
    """
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
        found = not isinstance(value, dict)
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


def _rewritten(value: Any) -> Any:
    if isinstance(value, Mapping):
        members = {}
        for key, item in value.items():
            members[key] = _rewritten(item)
        return members
    if isinstance(value, (list, tuple)):
        items = []
        for item in value:
            items.append(_rewritten(item))
        return items
    if isinstance(value, float) and abs(value) >= _EXPONENT_FROM:
        return int(value)
    return value
