"""What a document may hold, and how it travels so that it comes back equal, types included."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

from parlant_supabase.errors import UnstorableValueError

# Postgres reads JSON recursively, and so does Python's encoder; both manage more than this.
_MAX_DEPTH = 500

# Arguments that are no documents, and what a message calls them.
_STRUCTURES = {"p_filters": "filter", "p_cursor": "cursor", "p_indexes": "indexes"}

# A list of documents, which is sent as its JSON text where one of them has to be.
_DOCUMENTS = "p_events"

# A document in a list of documents, or of results that hold documents, is this much deeper.
_DEPTH_OF_LISTS = 2

_UNSTORABLE_CHARACTERS = re.compile("[\x00\ud800-\udfff]")

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
        elif name == _DOCUMENTS:
            as_text = _check(argument, name, -_DEPTH_OF_LISTS)
            encoded[name] = _to_text(argument) if as_text else argument
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


def storable_text(text: str) -> str:
    """The text with U+FFFD for U+0000 and for each half of a surrogate pair."""
    return _UNSTORABLE_CHARACTERS.sub("\ufffd", text)


def replace_unstorable(arguments: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The arguments with what JSON or Postgres cannot hold replaced, and where that was.

    U+0000 and each half of a surrogate pair become U+FFFD; NaN, the infinities and integers of more
    digits than Python reads back become None.
    """
    places: list[str] = []
    replaced = {}
    for name, argument in arguments.items():
        root = "document" if isinstance(argument, Mapping) else name
        replaced[name] = _replaced(argument, _STRUCTURES.get(name, root), places, 0)
    return replaced, places


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


def _replaced(value: Any, path: str, places: list[str], depth: int) -> Any:
    if isinstance(value, str):
        text = storable_text(value)
        if text != value:
            places.append(path)
        return text
    if depth > _MAX_DEPTH + _DEPTH_OF_LISTS:
        # It is going to be refused.
        return value
    if isinstance(value, Mapping):
        members = {}
        for key, item in value.items():
            name = key
            if isinstance(key, str):
                name = _replaced(key, f"a key of {path}", places, depth)
            members[name] = _replaced(item, f"{path}[{name!r}]", places, depth + 1)
        return members
    if isinstance(value, (list, tuple)):
        items = []
        for position, item in enumerate(value):
            items.append(_replaced(item, f"{path}[{position}]", places, depth + 1))
        return items
    if _is_unstorable_number(value):
        places.append(path)
        return None
    return value


def _is_unstorable_number(value: Any) -> bool:
    if isinstance(value, float):
        return not math.isfinite(value)
    try:
        return isinstance(value, int) and not str(value)
    except ValueError:
        return True


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
