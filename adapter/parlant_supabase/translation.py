"""Turns what PostgREST, Postgres or the gateway answered into the adapter's errors."""

from __future__ import annotations

from parlant_supabase.errors import (
    ERRORS_BY_SQLSTATE,
    AuthenticationError,
    DuplicateDocumentError,
    IndexedValueTooLongError,
    NotDeployedError,
    PermissionDeniedError,
    SchemaNotExposedError,
    StatementTimeoutError,
    SupabaseAdapterError,
    UnavailableError,
    UnexpectedReplyError,
)

_DEPLOY = (
    "Run `supabase db push` in the Supabase project folder that holds the migrations of "
    "parlant-supabase; if you just did, wait a moment for the API to notice."
)
_KEY = (
    "Set SUPABASE_KEY to the secret or service_role key of this project "
    "(dashboard: Settings, API keys)."
)
_AGAIN = "Try again in a moment; see the project's status in the Supabase dashboard if it persists."

_GATEWAY_STATUSES = {"500", "502", "503", "504", "520", "521", "522", "523", "524", "544"}

# Codes of Postgres and PostgREST: the error, what happened, what to do next.
_BY_CODE: dict[str, tuple[type[SupabaseAdapterError], str, str]] = {
    "23505": (
        DuplicateDocumentError,
        "a document with the same values in a unique index exists; nothing was changed",
        "Change the document, or open the collection without that unique index.",
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
        "Restore the table; its name stands in parlant_internal.collections.",
    ),
}
_AUTHENTICATION_CODES = {"PGRST300", "PGRST301", "PGRST302", "PGRST303"}
_UNAVAILABLE_CODES = {
    "PGRST000",
    "PGRST001",
    "PGRST002",
    "PGRST003",
    "40001",
    "40P01",
    "53300",
    "55P03",
    "57P01",
    "57P02",
    "57P03",
}


Explanation = tuple[type[SupabaseAdapterError], str, str]


def translate(
    subject: str,
    code: str | None,
    message: str | None,
    detail: str | None,
    hint: str | None,
) -> SupabaseAdapterError:
    """The error for a reply that reports a failure.

    Args:
        subject: What was asked, such as "find on collection 'events'".
        code: SQLSTATE, PostgREST code or HTTP status; None where the gateway gave none.
        message: The server's message; repeated only where the code, and with it the text, is ours.
        detail: The server's detail, likewise.
        hint: The server's hint, likewise.
    """
    if code in ERRORS_BY_SQLSTATE:
        what = f"{message} ({detail.rstrip('.')})" if detail else str(message)
        error, next_step = ERRORS_BY_SQLSTATE[code], hint or ""
    else:
        error, what, next_step = _explain(code, message)
    return error(
        f"{subject}: {what}. {next_step}".strip(),
        code=code,
        server_message=message,
        server_detail=detail,
    )


def _explain(code: str | None, message: str | None) -> Explanation:
    if code in _BY_CODE:
        return _BY_CODE[code]
    if code in _AUTHENTICATION_CODES or _is_key_refusal(code, message):
        return AuthenticationError, "the key was refused as missing, wrong or expired", _KEY
    if code in _UNAVAILABLE_CODES or (code or "").startswith("08"):
        return UnavailableError, f"the project cannot serve requests now ({code})", _AGAIN
    if code in _GATEWAY_STATUSES:
        return UnavailableError, f"the gateway answered HTTP {code}", _AGAIN
    if code == "413":
        return (
            UnexpectedReplyError,
            "the gateway refused the request as too large (HTTP 413); nothing was changed",
            "Store smaller documents.",
        )
    if code is None or (code.isdigit() and len(code) == 3):
        return (
            UnexpectedReplyError,
            f"something other than the project's API answered (HTTP {code or 'error'})",
            "Check SUPABASE_URL; it looks like https://your-project.supabase.co.",
        )
    return (
        SupabaseAdapterError,
        f"the database reported an error of code {code}",
        "The server's own words are in the error's server_message.",
    )


def _is_key_refusal(code: str | None, message: str | None) -> bool:
    # The hosted gateway answers with a message and no code.
    return code == "401" or (code is None and "api key" in (message or "").lower())
