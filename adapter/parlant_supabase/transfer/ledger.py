"""Remembers what was read from a source, to recognise it in the database."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from enum import Enum, auto
from types import TracebackType

from typing_extensions import Self

from parlant_supabase.transfer.records import Fingerprint, Part


class Likeness(Enum):
    """How a document compares with the one that the ledger has under its key."""

    UNKNOWN = auto()
    EQUAL = auto()
    EQUAL_BUT_FOR_CREATION_UTC = auto()
    DIFFERENT = auto()


class Ledger:
    """Fingerprints of documents, in a temporary file where they are more than fit into memory."""

    def __init__(self) -> None:
        # No name: on disk as far as need be, and gone with the connection.
        self._connection = sqlite3.connect("", isolation_level=None)
        for statement in (
            "pragma journal_mode = off",
            "pragma synchronous = off",
            "create table entries (part text, key text, content blob, creation_utc text,"
            " primary key (part, key)) without rowid",
        ):
            self._connection.execute(statement)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._connection.close()

    def add(self, part: Part, key: str, fingerprint: Fingerprint) -> Likeness:
        """Enters a document, unless there is one of that key: then says how it compares."""
        added = self._connection.execute(
            "insert or ignore into entries values (?, ?, ?, ?)",
            (repr(part), key, fingerprint.content, fingerprint.creation_utc),
        )
        return Likeness.UNKNOWN if added.rowcount else self._compare(part, key, fingerprint)

    def strike(self, part: Part, key: str, fingerprint: Fingerprint | None = None) -> Likeness:
        """Removes the document of a key; says how one with the fingerprint compares."""
        likeness = self._compare(part, key, fingerprint) if fingerprint else Likeness.UNKNOWN
        self._connection.execute(
            "delete from entries where part = ? and key = ?", (repr(part), key)
        )
        return likeness

    def keys(self, part: Part) -> Iterator[str]:
        """The keys of the documents that have not been removed."""
        for (key,) in self._connection.execute(
            "select key from entries where part = ?", (repr(part),)
        ):
            yield key

    def _compare(self, part: Part, key: str, fingerprint: Fingerprint) -> Likeness:
        entry = self._connection.execute(
            "select content, creation_utc from entries where part = ? and key = ?",
            (repr(part), key),
        ).fetchone()
        if entry is None:
            return Likeness.UNKNOWN
        if entry[0] != fingerprint.content:
            return Likeness.DIFFERENT
        if entry[1] != fingerprint.creation_utc:
            return Likeness.EQUAL_BUT_FOR_CREATION_UTC
        return Likeness.EQUAL
