"""Brings the documents of a source into a project, and reads them back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from parlant.core.common import Version

from parlant_supabase.errors import (
    DuplicateDocumentError,
    IndexedValueTooLongError,
    InvalidDocumentError,
    StatementTimeoutError,
    SupabaseAdapterError,
    UnstorableValueError,
)
from parlant_supabase.store_layout import METADATA
from parlant_supabase.transfer.errors import SourceError
from parlant_supabase.transfer.ledger import Ledger, Likeness
from parlant_supabase.transfer.project import Project, Saved
from parlant_supabase.transfer.readability import Readability
from parlant_supabase.transfer.records import Fingerprint, Part, Record, Source

_BATCH_DOCUMENTS = 500
_BATCH_CHARACTERS = 2_000_000

# What one document of a batch may be to blame for.
_OF_ONE_DOCUMENT = (
    DuplicateDocumentError,
    IndexedValueTooLongError,
    InvalidDocumentError,
    StatementTimeoutError,
)
_TOO_LARGE = "413"


class OnConflict(str, Enum):
    """What becomes of a document whose id a different one in the project has."""

    FAIL = "fail"
    SKIP = "skip"
    REPLACE = "replace"


@dataclass(frozen=True)
class Refusal:
    """A document that cannot be stored or read as it is, and why."""

    id: str | None
    reason: str


@dataclass
class Tally:
    """What became of the documents of one part.

    Attributes:
        read: How many the source has.
        imported: How many are new.
        unchanged: How many were there, exactly as they are.
        replaced: How many took the place of a different one.
        repeated: How many repeat, but for `creation_utc`, one that the source has before.
        kept_metadata: How many gave way to the metadata that the store in the project has.
        contradicted: Ids of those that were not imported because the source has a different one of
            their id before.
        different: Ids of those that were not imported because the project has a different one of
            their id.
        unreadable: Those that the installed Parlant cannot read; imported all the same, with a copy
            among the failed documents.
        copies_in_source: How many of the unreadable are among the source's failed documents, too.
        refused: Those that cannot be stored.
        replaced_values: Those in which characters or numbers that cannot be stored were replaced,
            and the fields where that was.
        verified: How many were read back and are equal.
        missing: Ids of those that were not found when they were read back.
        changed: Ids of those that are not equal any more.
        others: How many further documents are there.
    """

    read: int = 0
    imported: int = 0
    unchanged: int = 0
    replaced: int = 0
    repeated: int = 0
    kept_metadata: int = 0
    contradicted: list[str] = field(default_factory=list)
    different: list[str] = field(default_factory=list)
    unreadable: list[Refusal] = field(default_factory=list)
    copies_in_source: int = 0
    refused: list[Refusal] = field(default_factory=list)
    replaced_values: list[Refusal] = field(default_factory=list)
    verified: int = 0
    missing: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    others: int = 0

    @property
    def is_equal(self) -> bool:
        """Whether everything that was imported or there was found when it was read back."""
        return not self.missing and not self.changed


@dataclass
class _Batch:
    documents: list[Any] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    characters: int = 0


class Import:
    """An import, which can be run again after it was cut off.

    Args:
        source: Where the documents come from.
        project: Where they go.
        ledger: An empty ledger.
        readability: Tells which documents the installed Parlant cannot read.
        place: Where the documents of a part of the source belong, or None if they are left out.
        on_conflict: What becomes of a document whose id a different one has.
        replace_unstorable: Whether characters and numbers that the database cannot hold are
            replaced, rather than their documents refused.
        dry_run: Whether to change nothing, and only say what would be imported.
        advance: Is told how many documents more have been dealt with.

    Attributes:
        tallies: What has become of the documents so far, by the part that they belong to.
        stopped: Why not everything could be read; None if it was.
    """

    def __init__(
        self,
        source: Source,
        project: Project,
        ledger: Ledger,
        *,
        readability: Readability,
        place: Callable[[Part], Part | None],
        on_conflict: OnConflict,
        replace_unstorable: bool = False,
        dry_run: bool,
        advance: Callable[[int], None],
    ) -> None:
        self.tallies: dict[Part, Tally] = {}
        self.stopped: str | None = None
        self._source = source
        self._project = project
        self._ledger = ledger
        self._place = place
        self._on_conflict = on_conflict
        self._replace_unstorable = replace_unstorable
        self._dry_run = dry_run
        self._advance = advance
        self._there: set[Part] = set()
        self._metadata: dict[str, list[dict[str, Any] | None]] = {}
        self._readability = readability
        self._failed: set[tuple[Part, str | None]] = set()
        self._batch_part: Part | None = None
        self._batch = _Batch()

    @property
    def is_complete(self) -> bool:
        """Whether every document of the source is, or would be, in the project as it should."""
        return self.stopped is None and all(
            (self._dry_run or tally.is_equal)
            and not tally.refused
            and (not tally.different or self._on_conflict is OnConflict.SKIP)
            and (not tally.contradicted or self._on_conflict is not OnConflict.FAIL)
            for tally in self.tallies.values()
        )

    async def run(self) -> None:
        """Imports the documents.

        Raises:
            SupabaseAdapterError: The project cannot be used any more; `tallies` says what is done.
        """
        self._there = set(await self._project.parts(need_all=False))
        try:
            for part in self._source.parts:
                await self._open(part)
            async for record in self._source.records():
                await self._take(record)
        except SourceError as error:
            self.stopped = str(error)
        await self._flush()
        await self._copy_unreadable()

    async def compare(self, advance: Callable[[int], None]) -> None:
        """Reads the parts back and compares them with the source.

        Args:
            advance: Is told how many documents more have been read.

        Raises:
            SupabaseAdapterError: The project cannot be used any more.
        """
        for part, tally in self.tallies.items():
            if part in self._there:
                async for page in self._project.pages(part):
                    for record in page:
                        self._compare(record, tally)
                    advance(len(page))
            if self._dry_run:
                _forget_left_out(tally)
                tally.imported = sum(1 for _ in self._ledger.keys(part))
            else:
                tally.missing = [_name(part, key) for key in self._ledger.keys(part)]

    async def _open(self, part: Part) -> Part | None:
        """Where the documents of a part of the source belong, made if need be."""
        placed = self._place(part)
        if placed is None:
            return None
        if placed not in self.tallies:
            self.tallies[placed] = Tally()
            if placed not in self._there and not self._dry_run:
                await self._project.create(placed)
                self._there |= {placed._replace(is_failed=False), placed._replace(is_failed=True)}
        return placed

    async def _take(self, record: Record) -> None:
        part = await self._open(record.part)
        if part is None:
            return
        tally = self.tallies[part]
        tally.read += 1
        if self._replace_unstorable:
            record, places = record.without_unstorable()
            if places:
                tally.replaced_values.append(Refusal(record.id, ", ".join(places)))
        try:
            document = record.encode()
        except UnstorableValueError as error:
            tally.refused.append(Refusal(record.id, str(error)))
            self._advance(1)
            return
        if record.failure is None and await self._has_other_metadata(part, record):
            tally.kept_metadata += 1
            self._advance(1)
            return
        fingerprint = record.fingerprint()
        key = _key(record, fingerprint)
        likeness = self._ledger.add(part, key, fingerprint)
        if likeness is not Likeness.UNKNOWN:
            if likeness is Likeness.DIFFERENT:
                tally.contradicted.append(key)
            else:
                tally.repeated += 1
            self._advance(1)
            return
        await self._note_unreadable(record, part, tally)
        if self._dry_run:
            self._advance(1)
            return
        if (
            part != self._batch_part
            or len(self._batch.documents) == _BATCH_DOCUMENTS
            or self._batch.characters + fingerprint.size > _BATCH_CHARACTERS
        ):
            await self._flush()
        self._batch_part = part
        self._batch.documents.append(document)
        self._batch.keys.append(key)
        self._batch.characters += fingerprint.size

    async def _note_unreadable(self, record: Record, part: Part, tally: Tally) -> None:
        if record.failure is not None:
            self._failed.add((part._replace(is_failed=False), record.id))
        elif record.data is not None:
            reason = await self._readability.objection(record.part, record.data)
            if reason is not None:
                tally.unreadable.append(Refusal(record.id, reason))

    async def _copy_unreadable(self) -> None:
        """Keeps copies of what cannot be read among the failed documents.

        It is the last step, because the source may bring such copies itself.
        """
        for part, tally in self.tallies.items():
            _forget_left_out(tally)
            tally.copies_in_source = sum(
                (part, each.id) in self._failed for each in tally.unreadable
            )
            if tally.unreadable and not self._dry_run:
                await self._project.copy_unreadable(
                    part, {str(each.id): each.reason for each in tally.unreadable}
                )

    async def _has_other_metadata(self, part: Part, record: Record) -> bool:
        """Whether it is metadata and the store has other metadata already, which it keeps.

        Raises:
            SourceError: The documents are of a newer version than the store.
        """
        if part.collection != METADATA:
            return False
        if part.prefix not in self._metadata:
            pages: AsyncIterator[list[Record]] = self._project.pages(part)
            self._metadata[part.prefix] = (
                [stored.data async for page in pages for stored in page]
                if part in self._there
                else []
            )
        stored = self._metadata[part.prefix]
        if not stored or record.data in stored:
            return False
        there, new = ((data or {}).get("version") for data in (stored[0], record.data))
        if isinstance(there, str) and isinstance(new, str) and _is_newer(new, there):
            raise SourceError(
                f"The documents for {part.prefix} are of version {new}, the store in the project "
                f"is of version {there}: start the agent with the newer Parlant first."
            )
        return True

    async def _flush(self) -> None:
        batch, self._batch = self._batch, _Batch()
        if self._batch_part is not None and batch.documents:
            await self._save(self._batch_part, batch.documents, batch.keys)

    async def _save(self, part: Part, documents: Sequence[Any], keys: Sequence[str]) -> None:
        tally = self.tallies[part]
        try:
            saved: Saved = await self._project.save(
                part, documents, replace=self._on_conflict is OnConflict.REPLACE
            )
        except SupabaseAdapterError as error:
            if not isinstance(error, _OF_ONE_DOCUMENT) and error.code != _TOO_LARGE:
                raise
            if len(documents) > 1:
                middle = len(documents) // 2
                await self._save(part, documents[:middle], keys[:middle])
                await self._save(part, documents[middle:], keys[middle:])
                return
            self._ledger.strike(part, keys[0])
            tally.refused.append(Refusal(None if part.is_failed else keys[0], str(error)))
        else:
            tally.imported += saved.inserted
            tally.unchanged += saved.unchanged
            tally.replaced += saved.replaced
            for id in saved.different:
                self._ledger.strike(part, id)
                tally.different.append(id)
        self._advance(len(documents))

    def _compare(self, stored: Record, tally: Tally) -> None:
        fingerprint = stored.fingerprint()
        key = _key(stored, fingerprint)
        likeness = self._ledger.strike(stored.part, key, fingerprint)
        if likeness is Likeness.UNKNOWN:
            tally.others += 1
        elif likeness is Likeness.EQUAL:
            tally.verified += 1
            tally.unchanged += self._dry_run
        elif self._dry_run:
            if self._on_conflict is OnConflict.REPLACE:
                tally.replaced += 1
            else:
                tally.different.append(key)
        else:
            tally.changed.append(_name(stored.part, key))


def _forget_left_out(tally: Tally) -> None:
    """Counts no document as unreadable that is not going to be in the project."""
    left_out = {*tally.different, *(refusal.id for refusal in tally.refused)}
    tally.unreadable = [each for each in tally.unreadable if each.id not in left_out]


def _key(record: Record, fingerprint: Fingerprint) -> str:
    """What the ledger has it under: failed documents may share an id, or have none."""
    return fingerprint.content.hex() if record.part.is_failed else str(record.id)


def _name(part: Part, key: str) -> str:
    return "a failed document" if part.is_failed else key


def _is_newer(version: str, than: str) -> bool:
    try:
        return Version.from_string(version) > Version.from_string(than)
    except ValueError:
        return False
