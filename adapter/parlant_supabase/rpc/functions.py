"""The catalogue of SQL functions: how each may be retried, whether it may be batched, its reply."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any, Generic, TypeVar

from parlant_supabase.rpc import replies

Reply = TypeVar("Reply")


class Kind(Enum):
    """When a call whose outcome is unknown may be made again."""

    READ = "read"
    """Always: the function is `stable`, so it changes nothing."""

    REPEATABLE_WRITE = "repeatable write"
    """Always: two calls with the same arguments leave, and tell the caller, what one does."""

    WRITE = "write"
    """Never. A second update_one could overwrite another writer's newer value, a second delete_one
    take the next document that matches, a second delete_session say that there was none, a second
    create_customer that somebody else had created the customer."""


class Batching(Enum):
    """Whether a call may share a request with others.

    Batches lock what they are going to write in one order, so that no two of them wait for each
    other. That requires that the arguments of a call name what it writes.
    """

    ALWAYS = "always"

    IF_ID_IS_KNOWN = "if the id is known"
    """If its filter names the id, and the call does not change it."""

    NEVER = "never"
    """The function creates tables or indexes, reads whole stores, or writes documents that its
    arguments do not name."""


@dataclass(frozen=True)
class Function(Generic[Reply]):
    """A SQL function that the adapter calls.

    Attributes:
        name: Its name in the database.
        kind: When a call may be made again.
        reply: The type of what it returns.
        batching: Whether a call may share a request with others.
        has_time_limit: Whether it sets a statement_timeout of its own, which takes the place of the
            role's.
    """

    name: str
    kind: Kind
    reply: type[Reply]
    batching: Batching = Batching.ALWAYS
    has_time_limit: bool = False

    @property
    def operation(self) -> str:
        """The name without `parlant_`, as in messages and batches."""
        return self.name.removeprefix("parlant_")

    def accepts(self, reply: object) -> bool:
        """Whether a reply is an object with all keys that the function returns."""
        required: frozenset[str] = getattr(self.reply, "__required_keys__")  # noqa: B009
        return isinstance(reply, dict) and required <= reply.keys()


_READ, _REPEATABLE, _WRITE = Kind.READ, Kind.REPEATABLE_WRITE, Kind.WRITE
_IF_ID_IS_KNOWN, _NEVER = Batching.IF_ID_IS_KNOWN, Batching.NEVER

# Documents.

FIND = Function("parlant_find", _READ, replies.PageReply)
FIND_ONE = Function("parlant_find_one", _READ, replies.DocumentReply)
# The same document inserted again is acknowledged without a write.
INSERT_ONE = Function("parlant_insert_one", _REPEATABLE, replies.AcknowledgedReply)
UPDATE_ONE = Function("parlant_update_one", _WRITE, replies.UpdateReply, _IF_ID_IS_KNOWN)
DELETE_ONE = Function("parlant_delete_one", _WRITE, replies.DeleteReply, _IF_ID_IS_KNOWN)

# Collections. Those that are repeatable find what the first call made.

CREATE_COLLECTION = Function(
    "parlant_create_collection", _WRITE, replies.CreatedReply, _NEVER, has_time_limit=True
)
GET_COLLECTION = Function("parlant_get_collection", _READ, replies.OpenedCollectionReply, _NEVER)
GET_OR_CREATE_COLLECTION = Function(
    "parlant_get_or_create_collection",
    _REPEATABLE,
    replies.OpenedCollectionReply,
    _NEVER,
    has_time_limit=True,
)
DELETE_COLLECTION = Function("parlant_delete_collection", _WRITE, replies.DeletedReply, _NEVER)
OPEN_STORE = Function(
    "parlant_open_store", _REPEATABLE, replies.OpenedStoreReply, _NEVER, has_time_limit=True
)
ENSURE_INDEXES = Function(
    "parlant_ensure_indexes", _REPEATABLE, replies.CreatedIndexesReply, _NEVER, has_time_limit=True
)
ADOPT_COLLECTIONS = Function(
    "parlant_adopt_collections", _REPEATABLE, replies.AdoptedReply, _NEVER, has_time_limit=True
)
CREATE_VIEWS = Function("parlant_create_views", _WRITE, replies.ViewsReply, _NEVER)
# Passes over documents whose digest is no longer the one that was read.
SAVE_LOADED_DOCUMENTS = Function(
    "parlant_save_loaded_documents", _REPEATABLE, replies.LoadedReply, _NEVER
)

# Sessions and events.

LIST_SESSIONS = Function("parlant_list_sessions", _READ, replies.PageReply)
DELETE_SESSION = Function("parlant_delete_session", _WRITE, replies.DeletedSessionReply, _NEVER)
UPDATE_SESSION_LABELS = Function("parlant_update_session_labels", _WRITE, replies.DocumentReply)
UPDATE_SESSION_METADATA = Function("parlant_update_session_metadata", _WRITE, replies.DocumentReply)
# The same event created again is acknowledged without a write.
CREATE_EVENT = Function("parlant_create_event", _REPEATABLE, replies.EventPlaceReply)
# Agent states of the same traces are replaced.
UPDATE_SESSION = Function("parlant_update_session", _REPEATABLE, replies.DocumentReply)
CREATE_EVENTS = Function("parlant_create_events", _REPEATABLE, replies.EventPlacesReply)
READ_EVENT = Function("parlant_read_event", _READ, replies.EventReply)
LIST_EVENTS = Function("parlant_list_events", _READ, replies.EventsReply)
CHECK_EVENTS = Function("parlant_check_events", _READ, replies.WatchesReply)

# Turns. A repeated claim returns what the first one claimed.

KEEP_TURNS = Function("parlant_keep_turns", _REPEATABLE, replies.SupersededReply, _NEVER)
CLAIM_TURNS = Function("parlant_claim_turns", _REPEATABLE, replies.ClaimedReply, _NEVER)

# What a turn begins with.

READ_TURN = Function("parlant_read_turn", _READ, replies.TurnReply)

# Customers and their tags.

CREATE_CUSTOMER = Function("parlant_create_customer", _WRITE, replies.CreatedReply)
READ_CUSTOMER = Function("parlant_read_customer", _READ, replies.TaggedReply)
LIST_CUSTOMERS = Function("parlant_list_customers", _READ, replies.TaggedPageReply)
UPDATE_CUSTOMER = Function("parlant_update_customer", _WRITE, replies.TaggedReply)
DELETE_CUSTOMER = Function("parlant_delete_customer", _WRITE, replies.DeletedReply, _NEVER)
UPSERT_CUSTOMER_TAG = Function("parlant_upsert_customer_tag", _WRITE, replies.InsertedTagReply)
REMOVE_CUSTOMER_TAG = Function("parlant_remove_customer_tag", _WRITE, replies.UntaggedReply)

# Context variables and their tags.

# The same variable created again is found.
CREATE_VARIABLE = Function("parlant_create_variable", _REPEATABLE, replies.CreatedTaggedReply)
READ_VARIABLE = Function("parlant_read_variable", _READ, replies.TaggedReply)
LIST_VARIABLES = Function("parlant_list_variables", _READ, replies.TaggedListReply)
UPDATE_VARIABLE = Function("parlant_update_variable", _WRITE, replies.TaggedReply)
DELETE_VARIABLE = Function("parlant_delete_variable", _WRITE, replies.DeletedReply, _NEVER)
ADD_VARIABLE_TAG = Function("parlant_add_variable_tag", _WRITE, replies.TaggedReply)
REMOVE_VARIABLE_TAG = Function("parlant_remove_variable_tag", _WRITE, replies.UntaggedReply)

# Export and import. A repeated import leaves alone what the first one inserted, and counts it as
# unchanged.

COUNT_DOCUMENTS = Function(
    "parlant_count_documents", _READ, replies.DocumentCountsReply, _NEVER, has_time_limit=True
)
EXPORT_DOCUMENTS = Function("parlant_export_documents", _READ, replies.ExportedPage, _NEVER)
IMPORT_DOCUMENTS = Function(
    "parlant_import_documents", _REPEATABLE, replies.ImportedReply, _NEVER, has_time_limit=True
)
IMPORT_FAILED_DOCUMENTS = Function(
    "parlant_import_failed_documents",
    _REPEATABLE,
    replies.ImportedFailedReply,
    _NEVER,
    has_time_limit=True,
)

# Failed documents.

# One that has a copy gets no other.
COPY_UNREADABLE_DOCUMENTS = Function(
    "parlant_copy_unreadable_documents", _REPEATABLE, replies.CopiedReply, _NEVER
)

COUNT_FAILED_DOCUMENTS = Function(
    "parlant_count_failed_documents", _READ, replies.FailedCountsReply
)
LIST_FAILED_DOCUMENTS = Function(
    "parlant_list_failed_documents", _READ, replies.FailedDocumentsPage
)
RESTORE_FAILED_DOCUMENTS = Function(
    "parlant_restore_failed_documents", _WRITE, replies.RestoredReply, _NEVER
)
DROP_FAILED_DOCUMENTS = Function(
    "parlant_drop_failed_documents", _WRITE, replies.DroppedReply, _NEVER
)

# A customer's data. A repeated call erases what is left, and does not count again what is gone.

COUNT_CUSTOMER_DOCUMENTS = Function(
    "parlant_count_customer_documents", _READ, replies.TableCountsReply, _NEVER
)
COUNT_SESSION_DOCUMENTS = Function(
    "parlant_count_session_documents", _READ, replies.TableCountsReply, _NEVER
)
LIST_CUSTOMER_FAILED_DOCUMENTS = Function(
    "parlant_list_customer_failed_documents", _READ, replies.FailedDocumentsPage, _NEVER
)
LIST_EXPIRED_SESSIONS = Function(
    "parlant_list_expired_sessions", _READ, replies.ExpiredSessionsReply, _NEVER
)
ERASE_CUSTOMER = Function("parlant_erase_customer", _REPEATABLE, replies.ErasedReply, _NEVER)
ERASE_SESSION = Function("parlant_erase_session", _REPEATABLE, replies.ErasedReply, _NEVER)
ANONYMIZE_CUSTOMER = Function(
    "parlant_anonymize_customer", _REPEATABLE, replies.AnonymizedReply, _NEVER
)
EXPIRE_FAILED_DOCUMENTS = Function(
    "parlant_expire_failed_documents", _REPEATABLE, replies.ErasedReply, _NEVER
)

# Caches. Those that store or delete several entries name more than a batch may lock.

OPEN_CACHE = Function(
    "parlant_open_cache", _REPEATABLE, replies.OpenedCacheReply, _NEVER, has_time_limit=True
)
LIST_CACHED = Function("parlant_list_cached", _READ, replies.CachedReply)
SAVE_CACHED = Function("parlant_save_cached", _REPEATABLE, replies.SavedReply, _NEVER)
# Hits would be counted twice.
RECORD_CACHE_USE = Function("parlant_record_cache_use", _WRITE, replies.TouchedReply, _NEVER)
EXPIRE_CACHE = Function("parlant_expire_cache", _REPEATABLE, replies.ErasedReply, _NEVER)
DESCRIBE_CACHES = Function("parlant_describe_caches", _READ, replies.CachesReply, _NEVER)

# The installation.

GET_VERSION = Function("parlant_get_version", _READ, replies.VersionReply, _NEVER)
DIAGNOSE = Function("parlant_diagnose", _READ, replies.DiagnosisReply)
EXECUTE = Function("parlant_execute", _WRITE, replies.BatchReply, _NEVER)

FUNCTIONS: tuple[Function[Any], ...] = tuple(
    thing for thing in list(globals().values()) if isinstance(thing, Function)
)
"""All of them."""
