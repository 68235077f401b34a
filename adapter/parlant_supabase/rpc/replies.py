"""Types of what the SQL functions return; the headers below sql/functions/ describe the same."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from typing_extensions import NotRequired, TypedDict

Document: TypeAlias = Any
"""A stored document. Its type is the business of the store that it belongs to."""


class CursorReply(TypedDict):
    """Where the next page begins."""

    creation_utc: str
    id: str


class PageReply(TypedDict):
    """A page of documents."""

    items: list[Document]
    total_count: int
    has_more: bool
    next_cursor: CursorReply | None


class DocumentReply(TypedDict):
    """A document, or None if there is none."""

    document: Document | None


class TaggedReply(TypedDict):
    """A document with its tags; the document is None if there is none."""

    document: Document | None
    tags: list[str]


class TaggedDocument(TypedDict):
    """A document with its tags."""

    document: Document
    tags: list[str]


class TaggedPageReply(TypedDict):
    """A page of documents with their tags."""

    items: list[TaggedDocument]
    total_count: int
    has_more: bool
    next_cursor: CursorReply | None


class TaggedListReply(TypedDict):
    """All documents that match, with their tags."""

    items: list[TaggedDocument]


class UntaggedReply(TypedDict):
    """Whether a tag was removed, and the document after that."""

    removed: bool
    document: Document | None
    tags: list[str]


class CreatedReply(TypedDict):
    """Whether something new was created."""

    created: bool


class CreatedTaggedReply(TypedDict):
    """Whether a document was created, and the document that is stored now."""

    created: bool
    document: Document
    tags: list[str]


class SupersededReply(TypedDict):
    """The sessions whose turns have been superseded by newer ones."""

    superseded: list[str]


class ClaimedTurn(TypedDict):
    """What became of a session whose lease has run out, and the trace of its turn."""

    session_id: str
    outcome: str
    trace_id: str | None


class ClaimedReply(TypedDict):
    """Sessions whose leases have run out."""

    turns: list[ClaimedTurn]


class DeletedReply(TypedDict):
    """Whether there was something to delete."""

    deleted: bool


class InsertedTagReply(TypedDict):
    """Whether a tag was inserted; None if what it was for does not exist."""

    inserted: bool | None


class VersionReply(TypedDict):
    """Version of the deployed SQL, and the oldest adapter version that it serves."""

    sql_version: int
    compatible_since: int


class AcknowledgedReply(TypedDict):
    """Whether a document was new; it is acknowledged if the same one was stored before."""

    acknowledged: bool
    inserted: bool


class UpdateReply(TypedDict):
    """Counts of 1 and the updated document, or counts of 0."""

    matched_count: int
    modified_count: int
    updated_document: Document | None


class DeleteReply(TypedDict):
    """A count of 1 and the deleted document, or a count of 0."""

    deleted_count: int
    deleted_document: Document | None


class DeletedSessionReply(TypedDict):
    """Whether there was such a session, and how many events it had."""

    deleted: bool
    deleted_events: int


class EventPlaceReply(TypedDict):
    """Where an event was stored; None and None if there is no such session."""

    offset: int | None
    creation_utc: str | None


class EventPlace(TypedDict):
    """Where an event was stored."""

    offset: int
    creation_utc: str


class EventPlacesReply(TypedDict):
    """Where events were stored; None if there is no such session. The session where it is told."""

    places: list[EventPlace] | None
    session: Document | None


class TurnReply(TypedDict):
    """What a turn of a conversation begins with."""

    session: Document | None
    customer: TaggedReply
    events: list[Document]
    variables: list[list[TaggedDocument]]
    keys: list[str]
    values: list[Document]


class EventReply(TypedDict):
    """An event, and whether its session exists."""

    session_exists: bool
    document: Document | None


class EventsReply(TypedDict):
    """Events; None if there is no such session."""

    documents: list[Document] | None


class WatchesReply(TypedDict):
    """For each watch, whether there are events; None if there is no such session."""

    results: list[bool | None]


class DocumentToLoad(TypedDict):
    """A document that a store's loader has to see."""

    id: str
    digest: str
    data: Document


class LoadingPosition(TypedDict):
    """Where the next page of documents to load begins; passed on as it is."""

    version: str
    seq: int
    id: str


class LoadingPage(TypedDict):
    """A page of documents that a store's loader has to see."""

    documents: list[DocumentToLoad]
    next: LoadingPosition | None


class OpenedCollectionReply(LoadingPage):
    """An opened collection, its tables, and the first documents to load."""

    created: bool
    table: str
    failed_table: str


class LoadedReply(LoadingPage):
    """Counts of what was stored of the page before, and the next page."""

    changed: int
    rejected: int
    raised: int


class OpenedStoreReply(TypedDict):
    """The metadata of a store and its opened collections, by name."""

    metadata: list[Document]
    collections: dict[str, OpenedCollectionReply]


class CreatedIndexesReply(TypedDict):
    """How many indexes were missing and were created."""

    created: int


class AdoptedReply(TypedDict):
    """Names of the collections that are registered now."""

    collections: list[str]


class ViewsReply(TypedDict):
    """For each view, whether it was made."""

    views: dict[str, Literal["made", "waiting", "left alone"]]


class DocumentCount(TypedDict):
    """How many documents and failed documents a collection has."""

    prefix: str
    collection: str
    table: str
    documents: int | None
    failed_table: str
    failed: int | None


class DocumentCountsReply(TypedDict):
    """The counts of collections, all of one moment; None where a table is missing."""

    collections: list[DocumentCount]


class ExportPosition(TypedDict):
    """Where the next page of an export begins; passed on as it is."""

    seq: int
    id: str


class ExportedPage(TypedDict):
    """A page of documents, each as its JSON text."""

    documents: list[str]
    next: ExportPosition | None


class ImportedReply(TypedDict):
    """What became of imported documents."""

    inserted: int
    unchanged: int
    replaced: int
    different: list[str]


class ImportedFailedReply(TypedDict):
    """What became of imported failed documents."""

    inserted: int
    unchanged: int


class CopiedReply(TypedDict):
    """How many documents were copied to the failed ones."""

    copied: int


class FailedDocumentReply(TypedDict):
    """A failed document; without data unless that was asked for."""

    seq: int
    id: str | None
    version: str | None
    reason: str
    failed_at: str
    data: NotRequired[Document]


class FailedDocumentsPage(TypedDict):
    """A page of failed documents."""

    documents: list[FailedDocumentReply]
    next: int | None


class FailedCount(TypedDict):
    """How many documents of a collection have failed."""

    prefix: str
    collection: str
    rejected: int
    raised: int
    unknown: int


class FailedCountsReply(TypedDict):
    """Failed documents of each collection."""

    collections: list[FailedCount]


class RestoredDocument(TypedDict):
    """What became of a failed document that a loader has converted."""

    seq: int
    outcome: str


class RestoredReply(TypedDict):
    """What became of each failed document."""

    outcomes: list[RestoredDocument]


class DroppedReply(TypedDict):
    """How many failed documents were deleted."""

    dropped: int


class RowCount(TypedDict):
    """How many rows a table has, counted or estimated."""

    count: int
    exact: bool


class TableRepairs(TypedDict, total=False):
    """Statements that repair a table; those that are needed."""

    row_level_security: str
    lacking: str
    granted: str
    primary_key: str
    sequence: str


class TableDiagnosis(TypedDict):
    """The state of a table; the name alone if it does not exist."""

    table: str
    exists: bool
    rows: NotRequired[RowCount | None]
    row_level_security: NotRequired[bool]
    policies: NotRequired[int]
    lacking: NotRequired[list[str]]
    granted: NotRequired[dict[str, list[str]]]
    repairs: NotRequired[TableRepairs]


class IndexDiagnosis(TypedDict):
    """An index that a table should have."""

    fields: list[list[str]]
    origin: Literal["table", "default", "requested"]
    present: bool
    repair: str | None


class CollectionDiagnosis(TypedDict):
    """The state of a collection."""

    prefix: str
    collection: str
    documents: TableDiagnosis
    failed: TableDiagnosis
    indexes: list[IndexDiagnosis]
    forget: str | None
    make_failed: str | None


class FunctionsDiagnosis(TypedDict):
    """Functions that are missing, denied to the caller, or open to the public roles."""

    missing: list[str]
    denied: list[str]
    open: dict[str, list[str]]


class ViewDiagnosis(TypedDict):
    """The state of a view, with the statement that repairs it where one is needed."""

    view: str
    state: Literal["made", "waiting", "missing", "left alone"]
    repair: NotRequired[str]


class UnregisteredTable(TypedDict):
    """A table of the adapter's that the registry lacks, with the statement that registers it."""

    table: str
    repair: str


class DiagnosisReply(TypedDict):
    """The state of an installation."""

    now: float
    functions: FunctionsDiagnosis
    collections: list[CollectionDiagnosis]
    unregistered: list[UnregisteredTable]
    views: list[ViewDiagnosis]


class TableCountsReply(TypedDict):
    """How many documents of a customer or a session each table holds."""

    tables: dict[str, int]


class ErasedReply(TypedDict):
    """How many rows of each table were erased, and whether nothing is left to erase."""

    erased: dict[str, int]
    done: bool


class AnonymizedReply(TypedDict):
    """How many rows of each table were changed or erased, and whether nothing is left to do."""

    changed: dict[str, int]
    done: bool


class ExpiredSession(TypedDict):
    """A session that has been idle for long, and how many events it has."""

    id: str
    events: int


class ExpiredSessionsReply(TypedDict):
    """A page of idle sessions."""

    sessions: list[ExpiredSession]
    next: str | None


class CachedReply(TypedDict):
    """A page of cached values by their ids; next is the argument for the page after it."""

    values: dict[str, str]
    next: dict[str, str] | None


class OpenedCacheReply(TypedDict):
    """The first page of each collection of a cache."""

    cached_evaluations: CachedReply
    cached_embeddings: CachedReply


class SavedReply(TypedDict):
    """How many values were stored."""

    saved: int


class TouchedReply(TypedDict):
    """Of how many entries the last use was written."""

    touched: int


class CacheDescription(TypedDict):
    """Size and use of one collection of a cache."""

    prefix: str
    collection: str
    table: str
    entries: int
    bytes: int
    unused: int
    hits: int
    misses: int
    since: str | None


class CachesReply(TypedDict):
    """Size and use of caches."""

    caches: list[CacheDescription]


class CallErrorReply(TypedDict):
    """Why a call of a batch failed."""

    code: str
    message: str
    detail: str | None
    hint: str | None


class CallResult(TypedDict, total=False):
    """The reply or the error of a call of a batch."""

    reply: Any
    error: CallErrorReply


class BatchReply(TypedDict):
    """The results of the calls of a batch, in their order."""

    results: list[CallResult]
