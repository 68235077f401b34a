"""Reads stored documents; one that cannot be read is left out and takes nothing with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import cache, partial
from typing import Any, TypeVar

from parlant.adapters.db.transient import TransientDocumentDatabase
from parlant.core.common import IdGenerator, ItemNotFoundError, UniqueId
from parlant.core.context_variables import ContextVariableDocumentStore
from parlant.core.sessions import SessionDocumentStore
from parlant.core.tools import ToolId

from parlant_supabase.connection import Connection
from parlant_supabase.left_out import why
from parlant_supabase.parlant_internals import event_of, session_of, value_of

T = TypeVar("T")
D = TypeVar("D")

Fields = Mapping[str, tuple[type, ...]]

_TEXT = (str,)
_NUMBER = (int, float)
_OPTIONAL_TEXT = (str, type(None))

SESSION: Fields = {
    "id": _TEXT,
    "creation_utc": _TEXT,
    "customer_id": _TEXT,
    "agent_id": _TEXT,
    "mode": _TEXT,
    "title": _OPTIONAL_TEXT,
    "consumption_offsets": (dict,),
    "agent_states": (list,),
}
EVENT: Fields = {
    "id": _TEXT,
    "creation_utc": _TEXT,
    "source": _TEXT,
    "kind": _TEXT,
    "offset": _NUMBER,
    "trace_id": _TEXT,
    "metadata": (dict, type(None)),
    "deleted": (bool,),
}
CUSTOMER: Fields = {"id": _TEXT, "creation_utc": _TEXT, "name": _TEXT, "extra": (dict, type(None))}
VARIABLE: Fields = {
    "id": _TEXT,
    "creation_utc": _TEXT,
    "name": _TEXT,
    "tool_id": _OPTIONAL_TEXT,
    "freshness_rules": _OPTIONAL_TEXT,
}
VALUE: Fields = {"id": _TEXT, "last_modified": _TEXT, "key": _TEXT}


class UnreadableDocumentError(ItemNotFoundError):
    """A stored document cannot be read; the log names it."""

    def __init__(self, id: object) -> None:
        super().__init__(UniqueId(str(id)), "the stored document cannot be read; see the log")


def read(
    connection: Connection,
    collection: str,
    fields: Fields,
    document: D,
    build: Callable[[D], T],
) -> T:
    """What a stored document stands for.

    Args:
        connection: Leaves it out if it cannot be read.
        collection: Its collection.
        fields: What its fields must be. Parlant would take another type, and fail on it later.
        document: The document.
        build: Parlant's own reading of it.

    Raises:
        UnreadableDocumentError: It cannot be read.
    """
    stored: Mapping[str, Any] = document  # type: ignore[assignment]
    try:
        return _read(fields, document, build)
    except _ObjectionError as objection:
        connection.leave_out(collection, stored.get("id"), str(objection))
        raise UnreadableDocumentError(stored.get("id")) from None


def objection_to(collection: str, document: Mapping[str, Any]) -> str | None:
    """Why a document of one of the stores cannot be read, as in the log; None if it can."""
    if collection not in _readings():
        return None
    fields, build = _readings()[collection]
    try:
        _read(fields, document, build)
    except _ObjectionError as objection:
        return str(objection)
    return None


def _read(fields: Fields, document: D, build: Callable[[D], T]) -> T:
    stored: Mapping[str, Any] = document  # type: ignore[assignment]
    try:
        for field, types in fields.items():
            value = stored[field]
            if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
                raise _WrongTypeError(field)
        return build(document)
    except UnreadableDocumentError:
        # It has been named already.
        raise
    except _WrongTypeError as error:
        reason = f"{error} has another type than it should"
    except Exception as error:
        # Whatever is in a row, the rest of the list can be read.
        reason = why(error)
    version = stored.get("version")
    if isinstance(version, str):
        reason += f" (document version {version[:20]})"
    raise _ObjectionError(reason)


@cache
def _readings() -> Mapping[str, tuple[Fields, Callable[[Any], object]]]:
    """By collection what its fields must be, and what else reading it takes."""
    sessions = SessionDocumentStore(TransientDocumentDatabase())
    variables = ContextVariableDocumentStore(IdGenerator(), TransientDocumentDatabase())
    association: Fields = {"id": _TEXT, "creation_utc": _TEXT, "tag_id": _TEXT}
    return {
        "sessions": (SESSION, partial(session_of, sessions)),
        "events": (EVENT, partial(event_of, sessions)),
        "customers": (CUSTOMER, lambda each: datetime.fromisoformat(each["creation_utc"])),
        "customer_tag_associations": ({**association, "customer_id": _TEXT}, dict),
        "variables": (
            VARIABLE,
            lambda each: (
                datetime.fromisoformat(each["creation_utc"]),
                ToolId.from_string(each["tool_id"]) if each["tool_id"] else None,
            ),
        ),
        "variable_tag_associations": ({**association, "variable_id": _TEXT}, dict),
        "values": (VALUE, partial(value_of, variables)),
    }


def readable(items: Iterable[D], read_one: Callable[[D], T]) -> list[T]:
    """What the items stand for, without those that cannot be read."""
    found = []
    for item in items:
        try:
            found.append(read_one(item))
        except UnreadableDocumentError:
            continue
    return found


class _WrongTypeError(Exception):
    pass


class _ObjectionError(Exception):
    pass
