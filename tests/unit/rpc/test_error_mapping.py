"""What the server's codes are told as, and after which of them a write may have happened."""

from __future__ import annotations

import pytest
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
from parlant_supabase.rpc.error_mapping import (
    RequestFailed,
    answer_lost,
    closed_in_flight,
    incomplete_reply,
    not_open,
    not_the_api,
    translate,
)
from parlant_supabase.rpc.functions import FIND, INSERT_ONE, UPDATE_ONE, Function, Kind
from parlant_supabase.rpc.replies import CreatedReply

AGAIN = "Try again in a moment; see the project's status in the Supabase dashboard if it persists."
ADDRESS = "Check SUPABASE_URL; it looks like https://your-project.supabase.co."
LOOK = "so it may have been carried out or not. Look before you repeat it."
DEPLOY = f"Run `{remedies.deploy()}` in your Supabase project's folder"
KEY = (
    "Set SUPABASE_KEY to the secret or service_role key of this project "
    "(dashboard: Settings, API keys)."
)


def translated(code: str | None, message: str | None = "theirs") -> SupabaseAdapterError:
    return translate(UPDATE_ONE, "updating", code, message, "their detail", "their hint")


@pytest.mark.parametrize("code", sorted(ERRORS_BY_SQLSTATE))
def test_that_errors_of_our_own_are_told_in_the_words_of_the_sql(code: str) -> None:
    error = translate(FIND, "finding", code, "no such thing", "x is y.", "Do z.")

    assert type(error) is ERRORS_BY_SQLSTATE[code]
    assert str(error) == "finding: no such thing (x is y). Do z."
    assert error.code == code
    assert (error.server_message, error.server_detail) == ("no such thing", "x is y.")
    assert str(translate(FIND, "finding", code, "no", None, None)) == "finding: no."


@pytest.mark.parametrize(
    ("code", "error", "words"),
    [
        ("402", UnavailableError, "over its plan's quota; nothing was changed"),
        ("23505", DuplicateDocumentError, "unique index exists; nothing was changed"),
        ("25006", UnavailableError, "the database takes no writes"),
        ("2BP01", SupabaseAdapterError, "depends on the table; nothing was changed"),
        ("42501", PermissionDeniedError, f"the adapter needs the service role. {KEY}"),
        ("54000", IndexedValueTooLongError, "Keep ids and indexed fields under 2,000 bytes."),
        ("57014", StatementTimeoutError, "it took too long; nothing was changed"),
        ("PGRST106", SchemaNotExposedError, "the schema is not exposed by the API"),
        ("PGRST202", NotDeployedError, f"the database lacks the function. {DEPLOY}"),
        ("42883", NotDeployedError, f"the database lacks a function. {DEPLOY}"),
        ("3F000", NotDeployedError, f"the database lacks a schema. {DEPLOY}"),
        ("42P01", NotDeployedError, "lacks a table that is registered. Restore the table"),
    ],
)
def test_that_a_known_code_says_what_happened_and_what_to_do(
    code: str, error: type[SupabaseAdapterError], words: str
) -> None:
    caught = translated(code)

    assert type(caught) is error
    assert str(caught).startswith("updating: ")
    assert words in str(caught)
    assert "their" not in str(caught)
    assert caught.code == code
    assert (caught.server_message, caught.server_detail) == ("theirs", "their detail")


@pytest.mark.parametrize(("schema", "named"), [({}, "public"), ({"schema": "acme"}, "acme")])
def test_that_a_function_with_a_time_limit_says_how_to_raise_it(
    schema: dict[str, str], named: str
) -> None:
    function = Function("parlant_slow", Kind.WRITE, CreatedReply, has_time_limit=True)
    error = translate(function, "calling", "57014", "theirs", None, None, **schema)

    assert type(error) is StatementTimeoutError
    assert str(error) == (
        "calling: the database ended the statement because it took too long; nothing was changed. "
        "parlant_slow has a time limit of its own, whatever the role's is; to raise it, run "
        f"`alter function \"{named}\".parlant_slow set statement_timeout = '10min'; "
        "notify pgrst, 'reload schema';` and open the database with timeout=1200."
    )
    assert "time limit" not in str(translate(function, "calling", "42501", None, None, None))


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("PGRST300", None),
        ("PGRST301", None),
        ("PGRST302", None),
        ("PGRST303", None),
        ("401", None),
        (None, "Invalid API key"),
        (None, "No API KEY found in request"),
    ],
)
def test_that_a_refused_key_is_told_as_that(code: str | None, message: str | None) -> None:
    error = translated(code, message)

    assert type(error) is AuthenticationError
    assert str(error) == f"updating: the key was refused as missing, wrong or expired. {KEY}"


@pytest.mark.parametrize(
    "code",
    [
        "PGRST000",
        "PGRST002",
        "PGRST003",
        "40001",
        "40P01",
        "55P03",
        "08001",
        "08004",
        "57P03",
        "53100",
        "53300",
        "429",
        "521",
        "523",
        "525",
        "526",
        "530",
        "540",
    ],
)
def test_that_after_these_nothing_was_carried_out(code: str) -> None:
    error = translated(code)

    assert type(error) is UnavailableError
    assert str(error) == f"updating: the project cannot serve requests now ({code}). {AGAIN}"


@pytest.mark.parametrize(
    ("code", "what"),
    [
        ("PGRST001", "the connection to the database was lost (PGRST001)"),
        ("PGRSTX00", "the connection to the database was lost (PGRSTX00)"),
        ("08006", "the connection to the database was lost (08006)"),
        ("57P01", "the connection to the database was lost (57P01)"),
        ("40003", "the connection to the database was lost (40003)"),
        ("408", "the gateway answered HTTP 408"),
        ("500", "the gateway answered HTTP 500"),
        ("504", "the gateway answered HTTP 504"),
        ("520", "the gateway answered HTTP 520"),
        (None, "the gateway reported a failure without a code"),
    ],
)
@pytest.mark.parametrize("message", ["theirs", None])
def test_that_after_these_a_write_may_have_been_carried_out(
    code: str | None, what: str, message: str | None
) -> None:
    write = translated(code, message)
    assert type(write) is OutcomeUnknownError
    assert str(write) == f"updating: {what}, {LOOK}"
    assert write.code == code

    read = translate(FIND, "finding", code, message, None, None)
    assert type(read) is UnavailableError
    assert str(read) == f"finding: {what}. {AGAIN}"
    assert read.code == code


@pytest.mark.parametrize("code", ["404", "418", "200", "302"])
def test_that_other_statuses_come_from_something_else(code: str) -> None:
    error = translated(code)

    assert type(error) is UnexpectedReplyError
    assert str(error) == (
        f"updating: something other than the project's API answered (HTTP {code}). {ADDRESS}"
    )


def test_that_a_request_that_is_too_large_says_so() -> None:
    error = translated("413")

    assert type(error) is UnexpectedReplyError
    assert str(error) == (
        "updating: the gateway refused the request as too large (HTTP 413); nothing was changed. "
        "Store smaller documents."
    )


@pytest.mark.parametrize("code", ["23999", "XX000", "5", "50", "5000", "5xx"])
def test_that_any_other_code_is_told_as_it_is(code: str) -> None:
    error = translated(code)

    assert type(error) is SupabaseAdapterError
    assert str(error) == (
        f"updating: the database reported an error of code {code}. "
        "The server's own words are in the error's server_message."
    )


@pytest.mark.parametrize(
    ("function", "error", "rest"),
    [
        (FIND, NotOpenError, ". Close it after the last call has returned."),
        (INSERT_ONE, OutcomeUnknownError, f", {LOOK}"),
        (UPDATE_ONE, OutcomeUnknownError, f", {LOOK}"),
    ],
)
def test_that_a_call_in_flight_at_closing_says_so(
    function: Function[object], error: type[SupabaseAdapterError], rest: str
) -> None:
    caught = closed_in_flight(function, "calling")

    assert type(caught) is error
    assert str(caught) == f"calling: the database was closed before the answer came{rest}"


@pytest.mark.parametrize(
    ("function", "error", "rest"),
    [
        (FIND, UnexpectedReplyError, f"find. {ADDRESS}"),
        (UPDATE_ONE, OutcomeUnknownError, f"update_one, {LOOK}"),
    ],
)
def test_that_an_incomplete_reply_says_so(
    function: Function[object], error: type[SupabaseAdapterError], rest: str
) -> None:
    caught = incomplete_reply(function, "calling")

    assert type(caught) is error
    assert str(caught) == f"calling: the answer is not one of parlant_{rest}"


def test_that_the_other_errors_say_what_to_do() -> None:
    assert str(not_the_api("calling", "a page answered")) == f"calling: a page answered. {ADDRESS}"
    assert str(not_open("calling")) == (
        "calling: the database is not open. "
        "Use it inside `async with SupabaseDocumentDatabase(...)`."
    )


def test_that_a_failed_request_is_told_of_each_call_with_its_cause() -> None:
    cause = ValueError("why")
    failed = RequestFailed(lambda function, subject: answer_lost(function, subject, "lost"))
    failed.__cause__ = cause

    error = failed.error(FIND, "finding")
    assert str(error) == f"finding: lost. {AGAIN}"
    assert error.__cause__ is cause
    assert error.__suppress_context__ is True
    assert failed.error(FIND, "finding") is not error
