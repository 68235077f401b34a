"""Durable document storage for Parlant agents on Supabase."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from parlant_supabase.errors import (
    AuthenticationError,
    CollectionExistsError,
    CollectionNotFoundError,
    ConfigurationError,
    DuplicateDocumentError,
    IncompleteDocumentError,
    IndexedValueTooLongError,
    InsertSuppressedError,
    InvalidArgumentError,
    InvalidDocumentError,
    InvalidFilterError,
    InvalidTableNameError,
    NotDeployedError,
    NotOpenError,
    OutcomeUnknownError,
    PermissionDeniedError,
    SchemaNotExposedError,
    StatementTimeoutError,
    SupabaseAdapterError,
    TableNotOursError,
    TurnSupersededError,
    UnavailableError,
    UnexpectedReplyError,
    UnreachableError,
    UnstorableValueError,
    VersionMismatchError,
)
from parlant_supabase.versions import SQL_VERSION, __version__

if TYPE_CHECKING:
    from parlant_supabase.collection import SupabaseDocumentCollection
    from parlant_supabase.database import SupabaseDocumentDatabase

__all__ = [
    "SQL_VERSION",
    "AuthenticationError",
    "CollectionExistsError",
    "CollectionNotFoundError",
    "ConfigurationError",
    "DuplicateDocumentError",
    "IncompleteDocumentError",
    "IndexedValueTooLongError",
    "InsertSuppressedError",
    "InvalidArgumentError",
    "InvalidDocumentError",
    "InvalidFilterError",
    "InvalidTableNameError",
    "NotDeployedError",
    "NotOpenError",
    "OutcomeUnknownError",
    "PermissionDeniedError",
    "SchemaNotExposedError",
    "StatementTimeoutError",
    "SupabaseAdapterError",
    "SupabaseDocumentCollection",
    "SupabaseDocumentDatabase",
    "TableNotOursError",
    "TurnSupersededError",
    "UnavailableError",
    "UnexpectedReplyError",
    "UnreachableError",
    "UnstorableValueError",
    "VersionMismatchError",
    "__version__",
]

# Parlant and the Supabase client take a second to import, which most commands do without.
_IMPORTED_WHEN_USED = {
    "SupabaseDocumentCollection": "parlant_supabase.collection",
    "SupabaseDocumentDatabase": "parlant_supabase.database",
}


def __getattr__(name: str) -> Any:
    if name not in _IMPORTED_WHEN_USED:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_IMPORTED_WHEN_USED[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_IMPORTED_WHEN_USED})
