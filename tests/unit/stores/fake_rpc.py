"""Stores on a database that answers what a test has told it to, and remembers what it was asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from parlant.core.common import IdGenerator, UniqueId
from parlant.core.context_variables import ContextVariableDocumentStore
from parlant.core.customers import CustomerDocumentStore
from parlant.core.loggers import Logger, LogLevel, TracingLogger
from parlant.core.sessions import SessionDocumentStore
from parlant.core.tracer import LocalTracer
from parlant_supabase import SupabaseDocumentDatabase
from parlant_supabase.database import connection_of
from parlant_supabase.rpc.encoding import encode_arguments
from parlant_supabase.rpc.functions import Function
from parlant_supabase.stores import (
    SupabaseContextVariableStore,
    SupabaseCustomerStore,
    SupabaseSessionStore,
)

Call = tuple[str, dict[str, Any]]


class FakeRpc:
    """Stands in for the RpcClient.

    Attributes:
        replies: Maps an operation to its next replies, of which the last is given for ever. An
            exception is raised, everything else is returned.
        calls: The operations that were called, with their arguments.
    """

    def __init__(self) -> None:
        self.replies: dict[str, list[Any]] = {"copy_unreadable_documents": [{"copied": 1}]}
        self.calls: list[Call] = []

    async def call(
        self, function: Function[Any], arguments: Mapping[str, Any], subject: str
    ) -> Any:
        self.calls.append((function.operation, encode_arguments(dict(arguments))))
        replies = self.replies[function.operation]
        reply = replies.pop(0) if len(replies) > 1 else replies[0]
        if isinstance(reply, Exception):
            raise reply
        assert function.accepts(reply), f"not a reply of {function.name}: {reply}"
        return reply

    def answer(self, operation: str, *replies: Any) -> None:
        """Sets the replies of an operation."""
        self.replies[operation] = [*replies]

    @property
    def last(self) -> Call:
        """The last call, without the prefix."""
        operation, arguments = self.calls[-1]
        return operation, {key: arguments[key] for key in arguments if key != "p_prefix"}


class CountingIds(IdGenerator):
    """Ids that say which checksum they are for, and how many came before."""

    def __init__(self) -> None:
        super().__init__()
        self.given: list[str] = []

    def generate(self, content_checksum: str) -> UniqueId:
        self.given.append(content_checksum)
        return UniqueId(f"id{len(self.given)}")


def a_logger() -> Logger:
    """A logger that says everything."""
    return TracingLogger(LocalTracer(), LogLevel.TRACE, logger_id="parlant-supabase-unit-tests")


def fake_database(rpc: FakeRpc | None = None, prefix: str = "p_") -> SupabaseDocumentDatabase:
    """A database whose calls go to a FakeRpc."""
    database = SupabaseDocumentDatabase(
        a_logger(), {"url": "http://127.0.0.1:1", "key": "k"}, table_prefix=prefix
    )
    connection_of(database).rpc = rpc or FakeRpc()  # type: ignore[assignment]
    return database


def store_of(kind: type, rpc: FakeRpc | None = None, ids: IdGenerator | None = None) -> Any:
    """The store of this package that stands in for one of Parlant's."""
    database = fake_database(rpc)
    if kind is SessionDocumentStore:
        return SupabaseSessionStore(database)
    if kind is CustomerDocumentStore:
        return SupabaseCustomerStore(ids or IdGenerator(), database)
    assert kind is ContextVariableDocumentStore
    return SupabaseContextVariableStore(ids or IdGenerator(), database)
