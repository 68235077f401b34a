"""Two stores that are told the same, and compared in what they answer."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime, timezone
from enum import Enum
from typing import Any

from parlant.core.common import ItemNotFoundError

# Times before it were given by the test; later ones are the present, which no two calls share.
PRESENT = datetime(2020, 1, 1, tzinfo=timezone.utc)


@dataclass(frozen=True)
class Name:
    """What the test calls something to which each store gives an id of its own."""

    text: str


@dataclass
class Twin:
    """One of the two stores, and the names for its ids."""

    store: Any
    ids: dict[str, str] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)

    def with_ids(self, value: Any) -> Any:
        """Arguments of the test as this store takes them. A name without an id is one."""
        if isinstance(value, Name):
            return self.ids.get(value.text, value.text)
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return dataclasses.replace(
                value,
                **{
                    f.name: self.with_ids(getattr(value, f.name)) for f in dataclasses.fields(value)
                },
            )
        return value

    def with_names(self, value: Any) -> Any:
        """A result in terms that both stores share."""
        if isinstance(value, (Enum, bool, int, float)) or value is None:
            return value
        if isinstance(value, str):
            return self._without_moment(self.names.get(value, value))
        if isinstance(value, datetime):
            return value if value < PRESENT else "now"
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            fields = {
                f.name: self.with_names(getattr(value, f.name)) for f in dataclasses.fields(value)
            }
            if "tags" in fields:
                # Those of one moment are in the order of ids that each store makes.
                fields["tags"].sort()
            return {"type": type(value).__name__, **fields}
        if isinstance(value, Set):
            return {"set": sorted(self.with_names(item) for item in value)}
        if isinstance(value, Mapping):
            return {key: self.with_names(item) for key, item in value.items()}
        if isinstance(value, Sequence):
            return [self.with_names(item) for item in value]
        raise TypeError(f"{value!r} is of no type that a store returns")

    def _without_moment(self, text: str) -> str:
        # A cursor holds a time as text.
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            return text
        return text if moment.tzinfo is None or moment < PRESENT else "now"


class Twins:
    """A store of Parlant's, on Parlant's own reference database, and the one under test."""

    def __init__(self, reference: Any, store: Any) -> None:
        self._reference = Twin(reference)
        self._store = Twin(store)

    async def __call__(self, method: str, *arguments: Any, named: str = "", **more: Any) -> Any:
        """Calls a method of both and returns what they agree on.

        Args:
            method: The method's name.
            arguments: Its arguments, with a `Name` for each id.
            named: The name for the id of what is created.
            more: Its keyword arguments.
        """
        outcomes: list[tuple[type[Exception] | None, Any]] = []
        for twin in (self._reference, self._store):
            try:
                result = await getattr(twin.store, method)(
                    *(twin.with_ids(argument) for argument in arguments),
                    **{key: twin.with_ids(argument) for key, argument in more.items()},
                )
            except (ItemNotFoundError, ValueError) as error:
                outcomes.append((type(error), None))
                continue
            if named:
                twin.ids[named] = result.id
                twin.names[result.id] = named
            outcomes.append((None, twin.with_names(result)))
        assert outcomes[1] == outcomes[0], f"{method}{arguments}{more}"
        return outcomes[1][1]
