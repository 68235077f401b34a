"""Parlant's default storage: a JSON file for each store."""

from __future__ import annotations

import codecs
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from parlant_supabase.transfer.errors import SourceError
from parlant_supabase.transfer.records import Part, Record
from parlant_supabase.transfer.sources.parlant_layout import (
    STORES_BY_NAME,
    collection_of_failed,
    failure_of,
    metadata_first,
)

# All failed documents of a store, whatever their collection.
_FAILED = "failed_migrations"

# Names of Python classes by collection, which Parlant 1 wrote into each file.
_SCHEMAS = "__schemas__"


class JSONFiles:
    """Reads sessions.json, customers.json and context_variables.json.

    One file is in memory at a time, as it is whenever Parlant writes to it.

    Args:
        path: The folder with them, or one of them.

    Raises:
        SourceError: There are none.
    """

    def __init__(self, path: Path) -> None:
        candidates = sorted(path.glob("*.json")) if path.is_dir() else [path]
        self._files = [each for each in candidates if each.stem in STORES_BY_NAME]
        if not self._files:
            raise SourceError(
                f"{path} holds none of sessions.json, customers.json and context_variables.json; "
                "name the folder that PARLANT_HOME is set to, by default parlant-data."
            )
        self.parts: Sequence[Part] = ()
        self.total: int | None = None
        self.notes = []
        if others := [each.name for each in candidates if each not in self._files]:
            self.notes.append(
                f"{', '.join(others)}: not for these stores, so left where Parlant reads them"
            )

    async def records(self) -> AsyncIterator[Record]:
        """The documents, store by store and collection by collection.

        Raises:
            SourceError: A file cannot be read or is not one of Parlant's.
        """
        for file in self._files:
            prefix = STORES_BY_NAME[file.stem].table_prefix
            for name, documents in metadata_first(_read(file)):
                for document in documents:
                    if name == _FAILED:
                        part = Part(prefix, collection_of_failed(file.stem, document), True)
                        yield Record(part, document, failure=failure_of(document))
                    else:
                        yield Record(Part(prefix, name), document)


def _read(file: Path) -> Mapping[str, list[dict[str, Any]]]:
    try:
        text = _decoded(file, file.read_bytes())
        # Parlant, too, takes an empty file for an empty store.
        content = json.loads(text) if text else {}
    except OSError as error:
        raise SourceError(f"{file} cannot be read: {error.strerror}.") from None
    except (ValueError, RecursionError) as error:
        raise SourceError(
            f"{file} is damaged: {error}. If an agent is writing to it, stop the agent first."
        ) from None
    if isinstance(content, dict):
        content.pop(_SCHEMAS, None)
    if not isinstance(content, dict) or not all(
        isinstance(documents, list) and all(isinstance(document, dict) for document in documents)
        for documents in content.values()
    ):
        raise SourceError(f"{file} is no file of Parlant's: it holds something else.")
    return content


def _decoded(file: Path, content: bytes) -> str:
    """The text of a file: UTF-8, or what a byte order mark says, which some editors write."""
    is_utf16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return content.decode("utf-16" if is_utf16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise SourceError(
            f"{file} is not {'UTF-16' if is_utf16 else 'UTF-8'}: it has the byte "
            f"0x{content[error.start]:02x} at position {error.start:,}. Parlant 1 wrote its files "
            "in the encoding of the system, which is often cp1252 on Windows; convert a copy, as "
            "with `iconv -f cp1252 -t utf-8`."
        ) from None
