"""What is moved: documents and failed documents, and where they come from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol

from parlant_supabase.errors import UnstorableValueError
from parlant_supabase.rpc.encoding import encode_document, replace_unstorable


class Part(NamedTuple):
    """A collection, or the failed documents of one."""

    prefix: str
    collection: str
    is_failed: bool = False

    def __str__(self) -> str:
        return f"{self.prefix} {self.collection}{' (failed)' if self.is_failed else ''}"


class Fingerprint(NamedTuple):
    """What two documents have in common if they are equal, types included.

    Attributes:
        content: A digest of all but `creation_utc`.
        creation_utc: That, as JSON; "" if there is none.
        size: How many characters the document's JSON text has, roughly.
    """

    content: bytes
    creation_utc: str
    size: int


@dataclass(frozen=True)
class Failure:
    """What is known of a document that failed, besides the document.

    Attributes:
        id: Its id; None where it has none.
        reason: Why it failed.
        failed_at: When, in ISO 8601; None where that is not known.
    """

    id: str | None
    reason: str
    failed_at: str | None = None


@dataclass(frozen=True)
class Record:
    """A document on its way into a project.

    Attributes:
        part: Where it belongs.
        data: The document; None for a failed one that has not been kept.
        text: Its JSON text, where that says more about its numbers than `data` does.
        failure: What is known of its failure, if it is a failed one.
    """

    part: Part
    data: dict[str, Any] | None
    text: str | None = None
    failure: Failure | None = None

    @property
    def id(self) -> str | None:
        """Its id, if that is a string."""
        id = self.failure.id if self.failure else (self.data or {}).get("id")
        return id if isinstance(id, str) else None

    def without_unstorable(self) -> tuple[Record, Sequence[str]]:
        """The record with what the database cannot hold replaced, and the fields where that was.

        Characters become U+FFFD, numbers None; see `replace_unstorable`.
        """
        replaced, places = replace_unstorable({"": self.data})
        return replace(self, data=replaced[""], text=None), places

    def encode(self) -> dict[str, Any] | str:
        """The form in which it is sent to the database.

        Raises:
            UnstorableValueError: It holds what JSON cannot, or has no id; names the field.
        """
        document = None if self.data is None else encode_document(self.data)
        if document is not None and self.text is not None:
            document = self.text
        if self.failure is not None:
            return {
                "id": self.failure.id,
                "data": document,
                "reason": self.failure.reason,
                "failed_at": self.failure.failed_at,
            }
        if document is None or self.id is None:
            raise UnstorableValueError("it has no id that is a string.")
        return document

    def fingerprint(self) -> Fingerprint:
        """What it is recognised by when it is read back."""
        if self.failure is not None:
            return fingerprint({"": [self.failure.id, self.data, self.failure.reason]})
        return fingerprint(self.data or {})


class Source(Protocol):
    """Where documents come from.

    Attributes:
        parts: The parts that are known before anything is read, empty ones among them.
        total: How many documents there are, or None if that is not known before they are read.
        notes: What is there and is not imported, and why; complete once all records are read.
    """

    parts: Sequence[Part]
    total: int | None
    notes: list[str]

    def records(self) -> AsyncIterator[Record]:
        """The documents, in their order of insertion, those of a store's metadata first.

        Raises:
            SourceError: There is no more to be had, although there should be.
        """
        ...


def fingerprint(data: dict[str, Any]) -> Fingerprint:
    """What a document is recognised by; equal only for documents that are alike to the type."""
    rest = data if "creation_utc" not in data else {**data}
    creation_utc = json.dumps(rest.pop("creation_utc")) if rest is not data else ""
    text = json.dumps(rest, sort_keys=True)
    if "-0.0" in text:
        # Postgres's numbers have no negative zero.
        text = json.dumps(_without_negative_zero(rest), sort_keys=True)
    digest = hashlib.blake2b(text.encode(), digest_size=16).digest()
    return Fingerprint(digest, creation_utc, len(text) + len(creation_utc))


def _without_negative_zero(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_negative_zero(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_negative_zero(item) for item in value]
    return value + 0.0 if isinstance(value, float) else value
