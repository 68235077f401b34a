"""The JSON Lines that `export` writes and `import` reads.

    {"parlant_supabase_export": 1, "exported_at": "...", "collections": [[prefix, collection], ...]}
    {"prefix": "...", "collection": "...", "document": {...}}
    {"prefix": "...", "collection": "...", "failed": {"id", "reason", "failed_at", "data"}}
    {"end": {"documents": 1, "failed": 1, "sha256": "..."}}

The digest is that of all bytes before the last line, so what was cut off or changed is noticed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, BinaryIO

from parlant_supabase import remedies
from parlant_supabase.transfer.errors import SourceError
from parlant_supabase.transfer.records import Failure, Part, Record

_FORMAT = 1
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class End:
    """What the last line says.

    Attributes:
        documents: How many documents there are.
        failed: How many failed documents.
        sha256: The digest of all lines before.
    """

    documents: int
    failed: int
    sha256: str


class ArchiveWriter:
    """Writes an archive.

    Args:
        file: Where to.
        parts: The parts that are going to be written.
    """

    def __init__(self, file: BinaryIO, parts: Sequence[Part]) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self._documents = 0
        self._failed = 0
        self._write(
            json.dumps(
                {
                    "parlant_supabase_export": _FORMAT,
                    "exported_at": datetime.now(timezone.utc).isoformat(timespec="seconds"),
                    "collections": [
                        [part.prefix, part.collection] for part in parts if not part.is_failed
                    ],
                }
            )
        )

    def add(self, record: Record) -> None:
        """Writes a document."""
        if record.failure is None:
            self._documents += 1
            kind, text = "document", record.text or json.dumps(record.data, ensure_ascii=False)
        else:
            self._failed += 1
            kind, text = "failed", json.dumps({**vars(record.failure), "data": record.data})
        prefix, collection = json.dumps(record.part.prefix), json.dumps(record.part.collection)
        self._write(f'{{"prefix": {prefix}, "collection": {collection}, "{kind}": {text}}}')

    def close(self) -> End:
        """Writes the last line; without it the archive counts as cut off."""
        end = End(self._documents, self._failed, self._digest.hexdigest())
        self._write(json.dumps({"end": vars(end)}))
        self._file.flush()
        return end

    def _write(self, text: str) -> None:
        line = text.encode() + b"\n"
        self._digest.update(line)
        self._file.write(line)


class Archive:
    """Reads an archive.

    Args:
        file: Where from; it is read once, from its beginning to its end.
        name: What it is called in messages.

    Raises:
        SourceError: It is none.
    """

    def __init__(self, file: BinaryIO, name: str) -> None:
        self.total: int | None = None
        self.notes: list[str] = []
        self._name = name
        self._digest = hashlib.sha256()
        self._lines = self._numbered(file)
        self.parts: Sequence[Part] = self._read_header()

    async def records(self) -> AsyncIterator[Record]:
        """The documents in their order.

        Raises:
            SourceError: A line is damaged, or the archive ends early or was changed.
        """
        documents = failed = 0
        digest = self._digest.hexdigest()
        for number, line in self._lines:
            entry = self._parse(number, line)
            if "end" in entry:
                self._check_end(number, entry["end"], End(documents, failed, digest))
                return
            record = self._record(number, line, entry)
            documents += record.failure is None
            failed += record.failure is not None
            yield record
            digest = self._digest.hexdigest()
        raise _ends_early(self._name)

    def _numbered(self, file: BinaryIO) -> Iterator[tuple[int, bytes]]:
        for number, line in enumerate(file, 1):
            self._digest.update(line)
            yield number, line

    def _read_header(self) -> list[Part]:
        try:
            number, line = next(self._lines)
        except StopIteration:
            raise SourceError(f"{self._name} is empty.") from None
        header = self._parse(number, line)
        version = header.get("parlant_supabase_export")
        if version is None:
            raise SourceError(
                f"{self._name} was not written by `parlant-supabase export`: its first line is "
                "not that of an export."
            )
        if version != _FORMAT:
            raise SourceError(
                f"{self._name} was written by a newer parlant-supabase than this one. "
                f"{remedies.upgrade()}"
            )
        try:
            return [Part(prefix, collection) for prefix, collection in header["collections"]]
        except (KeyError, TypeError, ValueError):
            raise self._damaged(1, "the list of collections is missing") from None

    def _parse(self, number: int, line: bytes) -> dict[str, Any]:
        try:
            entry = json.loads(line)
        except ValueError as error:
            if not line.endswith(b"\n"):
                raise _ends_early(self._name) from None
            raise self._damaged(number, str(error)) from None
        except RecursionError:
            raise self._damaged(number, "it is nested too deeply") from None
        if not isinstance(entry, dict):
            raise self._damaged(number, "it is no JSON object")
        return entry

    def _record(self, number: int, line: bytes, entry: dict[str, Any]) -> Record:
        prefix, collection = entry.get("prefix"), entry.get("collection")
        if not isinstance(prefix, str) or not isinstance(collection, str):
            raise self._damaged(number, "it names no prefix and collection")
        document, failed = entry.get("document"), entry.get("failed")
        if isinstance(document, dict):
            return Record(
                Part(prefix, collection), document, _exact_text(line.decode(), "document")
            )
        if isinstance(failed, dict) and isinstance(failed.get("reason"), str):
            failure = Failure(failed.get("id"), failed["reason"], failed.get("failed_at"))
            return Record(Part(prefix, collection, True), failed.get("data"), None, failure)
        raise self._damaged(number, "there is no document in it")

    def _check_end(self, number: int, said: Any, read: End) -> None:
        try:
            end = End(**said)
        except TypeError:
            raise self._damaged(number, "it does not say how the export ended") from None
        if (end.documents, end.failed) != (read.documents, read.failed):
            raise SourceError(
                f"{self._name} is not as it was exported: it should hold {end.documents:,} "
                f"documents and {end.failed:,} failed ones, and holds {read.documents:,} and "
                f"{read.failed:,}."
            )
        if end.sha256 != read.sha256:
            raise _changed(self._name)
        if next(self._lines, None) is not None:
            raise SourceError(f"{self._name} goes on after its end, at line {number + 1}.")

    def _damaged(self, number: int, what: str) -> SourceError:
        return SourceError(f"Line {number} of {self._name} is damaged: {what}.")


def check(path: Path) -> End:
    """What the last line of an archive says, after a look at all bytes before it.

    Raises:
        SourceError: It ends early, or was changed.
    """
    with path.open("rb") as file:
        start = _start_of_last_line(file)
        try:
            last = json.loads(file.read())
            end = End(**last["end"])
        except (ValueError, TypeError, KeyError):
            raise _ends_early(str(path)) from None
        file.seek(0)
        digest = hashlib.sha256()
        while start:
            chunk = file.read(min(start, _CHUNK_BYTES))
            digest.update(chunk)
            start -= len(chunk)
    if digest.hexdigest() != end.sha256:
        raise _changed(str(path))
    return end


def _start_of_last_line(file: BinaryIO) -> int:
    """Where the last line begins; the file is left there."""
    # The line of an end is short.
    length = file.seek(0, 2)
    start = max(0, length - 1000)
    file.seek(start)
    tail = file.read()
    start += tail.rstrip(b"\n").rfind(b"\n") + 1
    file.seek(start)
    return start


def _exact_text(line: str, key: str) -> str | None:
    """The text of a member of an object, or None if Python reads more out of it than Postgres.

    That is so where a number has an exponent: 1e22 is a float to Python, an integer to Postgres.
    """
    exponents = []

    def read_float(text: str) -> float:
        if "e" in text.lower():
            exponents.append(text)
        return float(text)

    decoder = json.JSONDecoder(parse_float=read_float)
    found = None
    position = _skip(line, line.index("{") + 1, "")
    while line[position] != "}":
        name, position = decoder.raw_decode(line, position)
        start = _skip(line, position, ":")
        exponents.clear()
        _, position = decoder.raw_decode(line, start)
        if name == key:
            found = None if exponents else line[start:position]
        position = _skip(line, position, ",")
    return found


def _skip(line: str, position: int, separator: str) -> int:
    while line[position] in f"{separator} \t\r\n":
        position += 1
    return position


def _ends_early(name: str) -> SourceError:
    return SourceError(
        f"{name} ends early: the line with which an export ends is missing, so it was cut off."
    )


def _changed(name: str) -> SourceError:
    return SourceError(f"{name} is not as it was exported: its digest is another.")
