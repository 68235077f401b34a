"""Runs a store's loader over the documents that need it, page by page, and stores the outcome."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, cast

from parlant.core.common import Version
from parlant.core.loggers import Logger
from parlant.core.persistence.document_database import BaseDocument

from parlant_supabase.conversion import Loader, convert
from parlant_supabase.left_out import why
from parlant_supabase.rpc.encoding import encode_document
from parlant_supabase.rpc.functions import SAVE_LOADED_DOCUMENTS, Function, Reply
from parlant_supabase.rpc.replies import DocumentToLoad, LoadedReply, LoadingPage


class Call(Protocol):
    """Calls a function of the database for one collection."""

    async def __call__(self, function: Function[Reply], **arguments: Any) -> Reply:
        """The function's reply."""
        ...


def store_of(loader: Loader) -> object | None:
    """The store that a loader is a method of, or None."""
    owner = getattr(loader, "__self__", None)
    return owner if getattr(owner, "VERSION", None) is not None else None


def version_of(loader: Loader) -> str | None:
    """The version of the store that a loader is a method of, or None.

    Documents at that version are not shown to the loader: all of Parlant's own return them as they
    are, but for one that would reject them.
    """
    version = getattr(store_of(loader), "VERSION", None)
    if version is None:
        return None
    return version.to_string() if isinstance(version, Version) else str(version)


@dataclass(frozen=True)
class LoadingReport:
    """How many documents were changed, rejected and failed to load."""

    changed: int = 0
    rejected: int = 0
    raised: int = 0

    def plus(self, reply: LoadedReply) -> LoadingReport:
        """The sum of this report and the counts in a reply."""
        return LoadingReport(
            self.changed + reply["changed"],
            self.rejected + reply["rejected"],
            self.raised + reply["raised"],
        )


async def load_documents(
    call: Call, page: LoadingPage, loader: Loader, name: Callable[[str, str], None]
) -> LoadingReport:
    """Shows a collection's documents to its loader and stores what it makes of them.

    A document that the loader changes is replaced; one that it rejects, by returning None, moves to
    the table of failed documents; one on which it raises stays, and is copied there once. One that
    somebody changes meanwhile is shown again, with the next page. No more than two pages are in
    memory at a time.

    Args:
        call: Calls a function of the database for the collection.
        page: The first page, as opening the collection returned it.
        loader: The store's loader.
        name: Hears of each document that cannot be converted: its id, and why.
    """
    report = LoadingReport()
    version = version_of(loader)
    while page["documents"]:
        results = [
            result
            for stored in page["documents"]
            if (result := await _load(stored, loader, name)) is not None
        ]
        if not results and page["next"] is None:
            break
        saved = await call(
            SAVE_LOADED_DOCUMENTS, p_results=results, p_version=version, p_after=page["next"]
        )
        report = report.plus(saved)
        page = saved
    return report


async def _load(
    stored: DocumentToLoad, loader: Loader, name: Callable[[str, str], None]
) -> dict[str, Any] | None:
    """The outcome for one document, or None if it stays as it is."""
    result = {"id": stored["id"], "digest": stored["digest"]}
    try:
        # Taken before, so that a loader that changes its argument is noticed too.
        before = _text(stored["data"])
        loaded = await convert(loader, cast(BaseDocument, stored["data"]))
        if not loaded:
            name(stored["id"], "Parlant does not know its version")
            return {**result, "outcome": "rejected"}
        if _text(loaded) == before:
            return None
        return {**result, "outcome": "changed", "data": encode_document(loaded)}
    except Exception as error:
        # Whatever a loader raises, the document stays as it is and the store opens.
        name(stored["id"], f"it cannot be converted to today's version: {why(error)}")
        return {**result, "outcome": "raised", "reason": _reason(error)}


def _text(document: Any) -> str:
    # == would call 1, 1.0 and True the same.
    return json.dumps(document, sort_keys=True)


def _reason(error: Exception) -> str:
    text = f"{type(error).__name__}: {error}"[:500]
    return text.encode(errors="replace").decode().replace("\x00", "")


def log_report(logger: Logger, collection: str, failed_table: str, report: LoadingReport) -> None:
    """Says in the log what loading a collection came to, if anything."""
    if report.changed:
        logger.info(f"Migrated {report.changed} documents of collection {collection!r}.")
    if report.rejected:
        logger.warning(
            f"{report.rejected} documents of collection {collection!r} were rejected by its loader "
            f"and moved to table {failed_table}."
        )
    if report.raised:
        logger.error(
            f"{report.raised} documents of collection {collection!r} could not be migrated. They "
            f"stay as they are; a copy of each is in table {failed_table}."
        )
