"""The point operations: what is called, on which documents."""

from __future__ import annotations

import itertools
import random
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from parlant.core.common import Version
from parlant.core.context_variables import ContextVariableId
from parlant.core.customers import CustomerId
from parlant.core.persistence.common import ObjectId
from parlant.core.sessions import EventKind, EventSource, SessionId, SessionUpdateParams

from benchmarks.contenders.contender import Document, Documents, Stores

MESSAGE = "Where is my order? I have been waiting for it for a week."

WRITES = frozenset(
    {"insert_one", "update_one", "delete_one", "update_session", "create_event", "update_value"}
)
"""The operations that commit something."""


@dataclass(frozen=True)
class Operation:
    """One call, and what makes the documents that so many calls need."""

    call: Callable[[], Awaitable[object]]
    prepare: Callable[[int], Awaitable[object]] | None = None


_numbers = itertools.count(1)


def new_document() -> Document:
    """A document that is in no collection yet."""
    number = next(_numbers)
    return Document(
        id=ObjectId(f"n{number}"),
        version=Version.String("0.1.0"),
        creation_utc=f"2026-06-01T00:00:{number:09}",
        session_id="s0",
        message=MESSAGE,
    )


def picks(name: str, count: int) -> Callable[[], str]:
    """Names so many things by turns, in an order that is random and always the same."""
    order = random.Random(1)
    return lambda: f"{name}{order.randrange(count)}"


def point_operations(
    count: int,
    *,
    find_one: Callable[[str], Awaitable[object]],
    insert_one: Callable[[Document], Awaitable[object]],
    update_one: Callable[[str], Awaitable[object]],
    delete_one: Callable[[str], Awaitable[object]],
) -> dict[str, Operation]:
    """The calls of a collection that holds the documents d0, d1 … up to the count.

    Each is given the id of the document that it is for, or a new document.
    """
    id_ = picks("d", count)
    inserted: deque[str] = deque()

    async def insert_new() -> object:
        document = new_document()
        inserted.append(document["id"])
        return await insert_one(document)

    async def prepare(calls: int) -> None:
        while len(inserted) < calls:
            await insert_new()

    return {
        "find_one": Operation(lambda: find_one(id_())),
        "insert_one": Operation(insert_new),
        "update_one": Operation(lambda: update_one(id_())),
        "delete_one": Operation(lambda: delete_one(inserted.popleft()), prepare),
    }


def document_operations(documents: Documents, count: int) -> dict[str, Operation]:
    """The calls of a DocumentCollection."""
    return point_operations(
        count,
        find_one=lambda id_: documents.find_one({"id": {"$eq": id_}}),
        insert_one=documents.insert_one,
        update_one=lambda id_: documents.update_one(
            {"id": {"$eq": id_}}, Document(session_id="s0", message=MESSAGE)
        ),
        delete_one=lambda id_: documents.delete_one({"id": {"$eq": id_}}),
    )


def store_operations(stores: Stores, sessions: int, customers: int) -> dict[str, Operation]:
    """The calls of stores that hold so many sessions, s0, s1 and so on, and customers, c0, c1.

    New events go to the sessions of the upper half, so that the others keep their 20.
    """
    half = max(1, sessions // 2)
    read_id, written_id = picks("s", half), picks("s", sessions - half)
    customer = picks("c", customers)

    def upper(session_id: str) -> SessionId:
        return SessionId(f"s{half + int(session_id[1:])}")

    return {
        "read_session": Operation(lambda: stores.sessions.read_session(SessionId(read_id()))),
        "update_session": Operation(
            lambda: stores.sessions.update_session(
                SessionId(read_id()), SessionUpdateParams(title=MESSAGE)
            )
        ),
        "create_event": Operation(
            lambda: stores.sessions.create_event(
                upper(written_id()),
                EventSource.CUSTOMER,
                EventKind.MESSAGE,
                "t0",
                {"message": MESSAGE},
            )
        ),
        "list_events": Operation(lambda: stores.sessions.list_events(SessionId(read_id()))),
        "read_customer": Operation(lambda: stores.customers.read_customer(CustomerId(customer()))),
        "read_value": Operation(
            lambda: stores.variables.read_value(ContextVariableId("v0"), customer())
        ),
        "update_value": Operation(
            lambda: stores.variables.update_value(
                ContextVariableId("v1"), customer(), next(_numbers)
            )
        ),
    }
