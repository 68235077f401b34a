"""Reads the notation in which the headers below sql/ say what a function returns."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Literal, get_args, get_origin, get_type_hints

from typing_extensions import NotRequired, is_typeddict

_TOKEN = re.compile(r'\s*("[^"]*"|\.\.\.|[][{}:,|]|[^][{}:,|"\s]+)')
_BASIC = {"int": int, "bool": bool, "text": str, "true": bool, "false": bool, "0": int, "1": int}


@dataclass(frozen=True)
class Shape:
    """What a value may be.

    Attributes:
        kinds: Types; None for null, `object` where the notation does not say.
        keys: Of an object whose keys are known, their shapes.
        items: Of a list, or of an object whose keys are not known, the shape of what is in it.
    """

    kinds: frozenset[Any]
    keys: dict[str, Shape] | None = None
    items: Shape | None = None


ANYTHING = Shape(frozenset({object}))


@dataclass
class _Reader:
    tokens: list[str]
    position: int = field(default=0)

    @property
    def next(self) -> str:
        return self.tokens[self.position] if self.position < len(self.tokens) else ""

    def take(self) -> str:
        self.position += 1
        return self.tokens[self.position - 1]

    def value(self) -> Shape:
        shape = self.alternative()
        while self.next == "|":
            self.take()
            shape = either(shape, self.alternative())
        return shape

    def alternative(self) -> Shape:
        if self.next == "{":
            return self.mapping()
        if self.next == "[":
            return self.sequence()
        if self.next.startswith('"'):
            self.take()
            return Shape(frozenset({str}))
        words = []
        while self.next not in {"", ",", "|", "]", "}"}:
            words.append(self.take())
        text = " ".join(words)
        if text == "null":
            return Shape(frozenset({None}))
        return Shape(frozenset({_BASIC[text]})) if text in _BASIC else ANYTHING

    def mapping(self) -> Shape:
        self.take()
        keys: dict[str, Shape] = {}
        items: Shape | None = None
        while self.next != "}":
            if self.next in {",", "..."}:
                self.take()
                continue
            key = self.take()
            shape = ANYTHING
            if self.next == ":":
                self.take()
                shape = self.value()
            if key.startswith('"'):
                keys[key.strip('"')] = shape
            else:
                items = shape
        self.take()
        return Shape(frozenset({dict}), keys or None, items)

    def sequence(self) -> Shape:
        self.take()
        items: Shape | None = None
        while self.next != "]":
            if self.next in {",", "..."}:
                self.take()
                continue
            shape = self.value()
            items = shape if items is None else either(items, shape)
        self.take()
        return Shape(frozenset({list}), None, items)


def either(one: Shape, other: Shape) -> Shape:
    """What may be the one or the other."""
    if one.keys is None or other.keys is None:
        keys = one.keys or other.keys
    else:
        keys = {
            key: either(one.keys.get(key, ANYTHING), other.keys.get(key, ANYTHING))
            for key in {**one.keys, **other.keys}
        }
    items = other.items if one.items is None else one.items
    return Shape(one.kinds | other.kinds, keys, items)


def read_notation(text: str) -> Shape:
    """The shape that a header gives; of the prose, only what follows `or` is read."""
    tokens = _TOKEN.findall(text)
    reader = _Reader(tokens)
    shape = reader.value()
    while "{" in tokens[reader.position :]:
        start = tokens.index("{", reader.position)
        if "or" not in tokens[start - 1]:
            break
        reader.position = start
        shape = either(shape, reader.value())
    return shape


def shape_of(annotation: Any) -> Shape:
    """The shape that a type of Python describes."""
    if annotation is None or annotation is type(None):
        return Shape(frozenset({None}))
    if get_origin(annotation) is NotRequired:
        return shape_of(get_args(annotation)[0])
    if is_typeddict(annotation):
        hints = get_type_hints(annotation)
        return Shape(frozenset({dict}), {key: shape_of(hint) for key, hint in hints.items()})
    if get_origin(annotation) is Literal:
        return Shape(frozenset({str}))
    if get_origin(annotation) is list:
        return Shape(frozenset({list}), None, shape_of(get_args(annotation)[0]))
    if get_origin(annotation) is dict:
        return Shape(frozenset({dict}), None, shape_of(get_args(annotation)[1]))
    if get_args(annotation):
        first, *others = map(shape_of, get_args(annotation))
        for other in others:
            first = either(first, other)
        return first
    return ANYTHING if annotation is Any else Shape(frozenset({annotation}))


def differences(noted: Shape, typed: Shape, path: str = "reply") -> list[str]:
    """Where a type says something else than the notation; what the notation leaves open may be."""
    if object in noted.kinds or object in typed.kinds:
        found = []
        if (None in noted.kinds) and None not in typed.kinds and object not in typed.kinds:
            found.append(f"{path} may be null")
        return found
    if noted.kinds != typed.kinds:
        return [f"{path} is {noted.kinds} in the header and {typed.kinds} in the type"]
    if noted.keys is not None and typed.keys is not None:
        if noted.keys.keys() != typed.keys.keys():
            return [f"{path} has other keys: {sorted(noted.keys.keys() ^ typed.keys.keys())}"]
        return [
            found
            for key, shape in noted.keys.items()
            for found in differences(shape, typed.keys[key], f"{path}[{key!r}]")
        ]
    if noted.items is not None and typed.items is not None:
        return differences(noted.items, typed.items, f"{path}[…]")
    return []
