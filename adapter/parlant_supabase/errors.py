"""Every error that the adapter raises, and the SQLSTATEs that the SQL functions raise them with."""

from __future__ import annotations

from typing import ClassVar


class SupabaseAdapterError(Exception):
    """Base of all errors of the adapter, and the error for whatever has no class of its own.

    The message says what failed, on which collection, and what to do next. It never holds a key or
    a document's content.

    Attributes:
        code: SQLSTATE, PostgREST code or HTTP status of the failure, where there is one.
        server_message: The server's own words, which may quote a document's content.
        server_detail: The server's detail, likewise.
    """

    sqlstate: ClassVar[str | None] = None

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        server_message: str | None = None,
        server_detail: str | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code or self.sqlstate
        self.server_message = server_message
        self.server_detail = server_detail


# Raised by the SQL functions, each with a SQLSTATE of ours.


class InvalidFilterError(SupabaseAdapterError, ValueError):
    """A filter is malformed; the message names the place inside it."""

    sqlstate = "PD001"


class InvalidDocumentError(SupabaseAdapterError, ValueError):
    """A document is not an object or has no string id."""

    sqlstate = "PD002"


class DuplicateDocumentError(SupabaseAdapterError):
    """Another document has that id or those uniquely indexed values. Nothing was changed."""

    sqlstate = "PD003"


class CollectionNotFoundError(SupabaseAdapterError, ValueError):
    """The collection does not exist."""

    sqlstate = "PD004"


class CollectionExistsError(SupabaseAdapterError, ValueError):
    """The collection to create exists."""

    sqlstate = "PD005"


class InvalidTableNameError(SupabaseAdapterError, ValueError):
    """A table prefix and a collection name give no usable table name, or one that is taken."""

    sqlstate = "PD006"


class TableNotOursError(SupabaseAdapterError):
    """A table of that name exists and does not belong to parlant-supabase."""

    sqlstate = "PD007"


class InvalidArgumentError(SupabaseAdapterError, ValueError):
    """A limit, cursor, sort or index definition is malformed."""

    sqlstate = "PD008"


class IncompleteDocumentError(SupabaseAdapterError, TypeError):
    """A document to insert lacks fields that its schema requires."""

    sqlstate = "PD009"


class TurnSupersededError(SupabaseAdapterError):
    """A newer turn of the session has begun, on another server. Nothing was written."""

    sqlstate = "PD010"


class InsertSuppressedError(SupabaseAdapterError):
    """A trigger of your own returned NULL, so a document was not stored."""

    sqlstate = "PD011"


# Raised before anything is sent.


class ConfigurationError(SupabaseAdapterError, ValueError):
    """An argument or environment variable of the database is missing or wrong."""


class NotOpenError(SupabaseAdapterError, RuntimeError):
    """The database was used outside its `async with` block."""


class UnstorableValueError(SupabaseAdapterError, ValueError):
    """A document or filter holds what JSON cannot; the message names the field."""


# Translated from PostgREST, Postgres, the gateway and the network.


class AuthenticationError(SupabaseAdapterError):
    """The key is missing, wrong or expired."""


class PermissionDeniedError(SupabaseAdapterError):
    """The key's role may not do this; the adapter needs the service role key."""


class NotDeployedError(SupabaseAdapterError):
    """The SQL functions are not there: `supabase db push` has not been run."""


class SchemaNotExposedError(SupabaseAdapterError):
    """The schema is not among the exposed schemas of the project."""


class VersionMismatchError(SupabaseAdapterError):
    """The deployed SQL, or the installed Parlant, is too old or too new for this adapter."""


class StatementTimeoutError(SupabaseAdapterError):
    """The database ended the statement because it took too long. Nothing was changed."""


class IndexedValueTooLongError(SupabaseAdapterError, ValueError):
    """The value of an indexed field is too long for an index entry. Nothing was changed."""


class UnreachableError(SupabaseAdapterError, ConnectionError):
    """No connection to the project could be made. Nothing was sent."""


class OutcomeUnknownError(SupabaseAdapterError, ConnectionError):
    """A write was sent and its answer was lost: it may have been carried out or not.

    It is the only error of which that holds: after every other one nothing has been written.
    """


class UnavailableError(SupabaseAdapterError):
    """The project cannot serve requests now. Nothing was written."""


class UnexpectedReplyError(SupabaseAdapterError):
    """Something other than the project's API answered, such as a proxy or a wrong URL."""


ERRORS_BY_SQLSTATE: dict[str, type[SupabaseAdapterError]] = {
    error.sqlstate: error
    for error in (
        InvalidFilterError,
        InvalidDocumentError,
        DuplicateDocumentError,
        CollectionNotFoundError,
        CollectionExistsError,
        InvalidTableNameError,
        TableNotOursError,
        InvalidArgumentError,
        IncompleteDocumentError,
        TurnSupersededError,
        InsertSuppressedError,
    )
    if error.sqlstate is not None
}
