"""Maps PostgREST, Postgres and gateway errors to the adapter's exceptions."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from parlant_supabase import remedies
from parlant_supabase.errors import (
    ERRORS_BY_SQLSTATE,
    AuthenticationError,
    DuplicateDocumentError,
    IndexedValueTooLongError,
    NotDeployedError,
    NotOpenError,
    OutcomeUnknownError,
    PermissionDeniedError,
    SchemaNotExposedError,
    StatementTimeoutError,
    SupabaseAdapterError,
    UnavailableError,
    UnexpectedReplyError,
)
from parlant_supabase.rpc.functions import Function, Kind

_DEPLOY = (
    f"Run `{remedies.deploy()}` in your Supabase project's folder; if you just did, wait a moment "
    "for the API to notice. If it says that the database is up to date, run what "
    "`parlant-supabase init --print` prints in the dashboard's SQL editor."
)
_QUALIFY = (
    "Write its schema before the name, as in public.audit_log, or give the trigger's function a "
    "path of its own: alter function ... set search_path = public."
)
_OWN_OBJECT = "The server's own words are in the error's server_message and server_detail."
_KEY = (
    "Set SUPABASE_KEY to the secret or service_role key of this project "
    "(dashboard: Settings, API keys)."
)
_AGAIN = "Try again in a moment; see the project's status in the Supabase dashboard if it persists."
_ADDRESS = "Check SUPABASE_URL; it looks like https://your-project.supabase.co."

# Codes of Postgres and PostgREST: the error, what happened, what to do next.
_BY_CODE: dict[str, tuple[type[SupabaseAdapterError], str, str]] = {
    "402": (
        UnavailableError,
        "the project is restricted because its organization is over its plan's quota; nothing was "
        "changed",
        "See the organization's usage in the Supabase dashboard.",
    ),
    "23505": (
        DuplicateDocumentError,
        "a document with the same values in a unique index exists; nothing was changed",
        "Change the document, or open the collection without that unique index.",
    ),
    "25006": (
        UnavailableError,
        "the database takes no writes, as after running out of disk space; nothing was changed",
        "See the project's disk in the Supabase dashboard.",
    ),
    "2BP01": (
        SupabaseAdapterError,
        "a view or other object of your own depends on the table; nothing was changed",
        "Drop it first; the error's server_detail names it.",
    ),
    "42P10": (
        SupabaseAdapterError,
        "a table of the store has lost its primary key or a unique index, so nothing can be "
        "inserted; nothing was changed",
        "`parlant-supabase doctor` says which table, with the statements that put it right.",
    ),
    "42501": (
        PermissionDeniedError,
        "the role of this key has no permission; the adapter needs the service role",
        _KEY,
    ),
    "54000": (
        IndexedValueTooLongError,
        "the id or another indexed field is too long for an index; nothing was changed",
        "Keep ids and indexed fields under 2,000 bytes.",
    ),
    "57014": (
        StatementTimeoutError,
        "the database ended the statement because it took too long; nothing was changed",
        "Narrow the filter, set a limit, or raise the role's statement_timeout.",
    ),
    "PGRST106": (
        SchemaNotExposedError,
        "the schema is not exposed by the API",
        "Add it to the exposed schemas (dashboard: Settings, API), or correct SUPABASE_SCHEMA.",
    ),
    "PGRST202": (NotDeployedError, "the database lacks the function", _DEPLOY),
    "42883": (NotDeployedError, "the database lacks a function", _DEPLOY),
    "3F000": (NotDeployedError, "the database lacks a schema", _DEPLOY),
    "42P01": (
        NotDeployedError,
        "the database lacks a table that is registered",
        "Restore the table from a backup, or run what `parlant-supabase init --print` prints in "
        "the dashboard's SQL editor, which makes an empty one.",
    ),
    # What the adapter's own functions never raise: the user's objects do, on the same tables.
    "23502": (
        SupabaseAdapterError,
        "a column of your own on the table must not be null; nothing was changed",
        "Give the column a default, or drop its not null constraint. " + _OWN_OBJECT,
    ),
    "23503": (
        SupabaseAdapterError,
        "a foreign key of your own on the table, or to it, was violated; nothing was changed",
        "Delete what refers to the document first, or give the key an on delete action. "
        + _OWN_OBJECT,
    ),
    "23514": (
        SupabaseAdapterError,
        "a check constraint of your own on the table was violated; nothing was changed",
        _OWN_OBJECT,
    ),
    "P0001": (
        SupabaseAdapterError,
        "a trigger of your own on the table raised an error; nothing was changed",
        _OWN_OBJECT,
    ),
}

# Codes for names that were not found, each with the kind of thing that was looked for.
_NOT_FOUND = {"42P01": "relation", "42883": "function", "42704": "type"}

# Every name in the adapter's functions is qualified, so one without a dot is in the user's own.
_UNQUALIFIED = re.compile(
    r'(?:relation|type) "[^".]+"|function [^\s."(]+\(|operator does not exist'
)
_AUTHENTICATION_CODES = {"PGRST300", "PGRST301", "PGRST302", "PGRST303"}

# Codes with which nothing was carried out, or what was has been rolled back.
_UNAVAILABLE_CODES = {
    # PostgREST had no connection to the database, no schema cache, or no free connection.
    "PGRST000",
    "PGRST002",
    "PGRST003",
    # Postgres rolled the transaction back to make way for another, or could not lock.
    "40001",
    "40P01",
    "55P03",
    # Postgres refused the connection.
    "08001",
    "08004",
    "57P03",
    # The gateway turned the request away: there are too many, there is no server behind it that it
    # can reach, or the project is paused.
    "429",
    "521",
    "523",
    "525",
    "526",
    "530",
    "540",
}
_UNAVAILABLE_CLASSES = ("53",)  # insufficient resources

# Codes with which the database or PostgREST was lost while an answer was awaited. That may have
# been after the commit. Besides these: every HTTP status from 500 on that is not above.
_LOST_CODES = {"PGRST001", "PGRSTX00", "40003", "408"}
_LOST_CLASSES = ("08", "57P")  # connection failed, connection ended by the server

Explanation = tuple[type[SupabaseAdapterError], str, str]


class RequestFailed(Exception):
    """A request failed; it may have carried one call or many.

    Args:
        explain: Returns the error to raise for a function that the request called, given that
            function and the subject of the call.
    """

    def __init__(self, explain: Callable[[Function[Any], str], SupabaseAdapterError]) -> None:
        super().__init__()
        self._explain = explain

    def error(self, function: Function[Any], subject: str) -> SupabaseAdapterError:
        """The error to raise for one of the calls that the request carried."""
        error = self._explain(function, subject)
        error.__cause__ = self.__cause__
        error.__suppress_context__ = True
        return error


def answer_lost(
    function: Function[Any], subject: str, what: str, code: str | None = None
) -> UnavailableError | OutcomeUnknownError:
    """The error for a call that was sent and not answered.

    Args:
        function: The function that was called.
        subject: What was asked, such as "find on collection 'events'".
        what: What happened instead of an answer.
        code: SQLSTATE, PostgREST code or HTTP status, where there is one.
    """
    if function.kind is Kind.READ:
        return UnavailableError(f"{subject}: {what}. {_AGAIN}", code=code)
    return _outcome_unknown(subject, what, code)


def closed_in_flight(function: Function[Any], subject: str) -> NotOpenError | OutcomeUnknownError:
    """The error for a call that was sent, and the database closed before it was answered."""
    what = "the database was closed before the answer came"
    if function.kind is Kind.READ:
        return NotOpenError(f"{subject}: {what}. Close it after the last call has returned.")
    return _outcome_unknown(subject, what)


def incomplete_reply(
    function: Function[Any], subject: str
) -> UnexpectedReplyError | OutcomeUnknownError:
    """The error for a JSON object that is not what the function returns."""
    what = f"the answer is not one of {function.name}"
    if function.kind is Kind.READ:
        return UnexpectedReplyError(f"{subject}: {what}. {_ADDRESS}")
    return _outcome_unknown(subject, what)


def not_the_api(subject: str, what: str) -> UnexpectedReplyError:
    """The error for a reply that no function of the project gives."""
    return UnexpectedReplyError(f"{subject}: {what}. {_ADDRESS}")


def not_open(subject: str) -> NotOpenError:
    """The error for a call of a database that is not open."""
    return NotOpenError(
        f"{subject}: the database is not open. "
        "Use it inside `async with SupabaseDocumentDatabase(...)`."
    )


def translate(
    function: Function[Any],
    subject: str,
    code: str | None,
    message: str | None,
    detail: str | None,
    hint: str | None,
    *,
    schema: str = "public",
) -> SupabaseAdapterError:
    """The error for a reply that reports a failure.

    Args:
        function: The function that was called.
        subject: What was asked, such as "find on collection 'events'".
        code: SQLSTATE, PostgREST code or HTTP status; None where there is none to be had.
        message: The server's message; repeated only where the code, and with it the text, is ours.
        detail: The server's detail, likewise.
        hint: The server's hint, likewise.
        schema: Where the functions are.
    """
    if code in ERRORS_BY_SQLSTATE:
        what = f"{message} ({detail.rstrip('.')})" if detail else str(message)
        error, next_step = ERRORS_BY_SQLSTATE[code], hint or ""
    elif _is_lost(code, message):
        return answer_lost(function, subject, _describe_loss(code), code)
    else:
        error, what, next_step = _explain(code, message)
        if error is StatementTimeoutError and function.has_time_limit:
            next_step = _raise_time_limit(function, schema)
    return error(
        f"{subject}: {what}. {next_step}".strip(),
        code=code,
        server_message=message,
        server_detail=detail,
    )


def _raise_time_limit(function: Function[Any], schema: str) -> str:
    return (
        f"{function.name} has a time limit of its own, whatever the role's is; to raise it, run "
        f"`alter function \"{schema}\".{function.name} set statement_timeout = '10min'; "
        "notify pgrst, 'reload schema';` and open the database with timeout=1200."
    )


def _outcome_unknown(subject: str, what: str, code: str | None = None) -> OutcomeUnknownError:
    return OutcomeUnknownError(
        f"{subject}: {what}, so it may have been carried out or not. Look before you repeat it.",
        code=code,
    )


def _explain(code: str | None, message: str | None) -> Explanation:
    if code in _NOT_FOUND and _UNQUALIFIED.match(message or ""):
        return (
            SupabaseAdapterError,
            f"a trigger, constraint or policy of your own on the table names a {_NOT_FOUND[code]} "
            "without its schema, and the adapter's functions run with a search path in which it is "
            "not found; nothing was changed",
            f"{_QUALIFY} {_OWN_OBJECT}",
        )
    if code == "42501" and (message or "").startswith("permission denied for schema "):
        return (
            PermissionDeniedError,
            "the role of this key may not use the schema, as after it was dropped and made again; "
            "nothing was changed",
            "Run what `parlant-supabase init --print` prints in the dashboard's SQL editor. "
            f"Otherwise the key is not the right one: {_KEY}",
        )
    if code in _BY_CODE:
        return _BY_CODE[code]
    if code in _AUTHENTICATION_CODES or _is_key_refusal(code, message):
        return AuthenticationError, "the key was refused as missing, wrong or expired", _KEY
    if code is not None and _is_unavailable(code):
        return UnavailableError, f"the project cannot serve requests now ({code})", _AGAIN
    if code == "413":
        return (
            UnexpectedReplyError,
            "the gateway refused the request as too large (HTTP 413); nothing was changed",
            "Store smaller documents.",
        )
    if code is not None and _is_status(code):
        return (
            UnexpectedReplyError,
            f"something other than the project's API answered (HTTP {code})",
            _ADDRESS,
        )
    return (
        SupabaseAdapterError,
        f"the database reported an error of code {code}",
        "The server's own words are in the error's server_message.",
    )


def _is_key_refusal(code: str | None, message: str | None) -> bool:
    # The hosted gateway answers with a message and no code.
    return code == "401" or (code is None and "api key" in (message or "").lower())


def _is_unavailable(code: str) -> bool:
    return code in _UNAVAILABLE_CODES or code.startswith(_UNAVAILABLE_CLASSES)


def _is_lost(code: str | None, message: str | None) -> bool:
    if code is None:
        return not _is_key_refusal(code, message)
    if _is_unavailable(code):
        return False
    return (
        code in _LOST_CODES
        or code.startswith(_LOST_CLASSES)
        or (_is_status(code) and code.startswith("5"))
    )


def _describe_loss(code: str | None) -> str:
    if code is None:
        return "the gateway reported a failure without a code"
    if _is_status(code):
        return f"the gateway answered HTTP {code}"
    return f"the connection to the database was lost ({code})"


def _is_status(code: str) -> bool:
    return code.isdigit() and len(code) == 3
