"""Every way to fail ends in an error that says what failed, where, and what to do next."""

from __future__ import annotations

import ast
import asyncio
import inspect
import re
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import parlant_supabase
import psycopg
import pytest
from parlant.core.persistence.common import SortDirection
from parlant.core.persistence.document_database import (
    BaseDocument,
    CollectionIndex,
    identity_loader,
)
from parlant_supabase import (
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
    SupabaseDocumentDatabase,
    TableNotOursError,
    TurnSupersededError,
    UnavailableError,
    UnexpectedReplyError,
    UnreachableError,
    UnstorableValueError,
    VersionMismatchError,
    errors,
    remedies,
)
from parlant_supabase.database import connection_of
from parlant_supabase.local import LocalStack, StackDatabase, SupervisedDatabase
from parlant_supabase.local.ports import find_free_ports
from parlant_supabase.rpc import retry
from parlant_supabase.rpc.functions import UPDATE_SESSION

from tests.adapter.notes import EVERYTHING, Notes, note, only, where
from tests.checkout import CHECKOUT
from tests.deployed_version import set_deployed_version
from tests.rpc.recording import RecordingMeter, RecordingTracer, everything_said
from tests.tables import on

SECRET = "The patient's diagnosis, in confidence"
WRONG_KEY = "eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoic2VydmljZV9yb2xlIn0.c2ln"
WRONG_SECRET_KEY = "sb_secret_0123456789abcdefghij"
# What repeats would be compressed and fit into an index.
LONG = "".join(chr(0x4E00 + (number * 7919) % 20000) for number in range(3000))


@dataclass
class Stage:
    """What the scenes below play with."""

    stack: LocalStack
    prefix: str
    logger: Any
    sql: psycopg.Connection
    request: pytest.FixtureRequest
    meter: RecordingMeter = field(default_factory=RecordingMeter)
    tracer: RecordingTracer = field(default_factory=RecordingTracer)

    @property
    def notes(self) -> Notes:
        """A collection that is open and empty."""
        notes: Notes = self.request.getfixturevalue("notes")
        return notes

    def database(
        self, target: StackDatabase | None = None, **params: str
    ) -> SupabaseDocumentDatabase:
        target = target or self.stack
        return SupabaseDocumentDatabase(
            self.logger,
            {"url": target.url, "key": target.service_role_key, **params},
            table_prefix=self.prefix,
            tracer=self.tracer,
            meter=self.meter,
            slow_call_seconds=1e-9,
            refuse_unstorable=True,
        )

    def prop(self, fixture: str) -> SupervisedDatabase:
        database: SupervisedDatabase = self.request.getfixturevalue(fixture)
        return database


@pytest.fixture
def stage(
    stack: LocalStack,
    prefix: str,
    logger: Any,
    sql: psycopg.Connection,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> Stage:
    # Giving up after so many attempts, it needs no deadline that a slow machine might miss.
    monkeypatch.setattr(retry, "_LONGEST_PAUSE", 0.001)
    return Stage(stack, prefix, logger, sql, request)


@pytest.fixture
async def database(stage: Stage) -> AsyncIterator[SupabaseDocumentDatabase]:
    async with stage.database() as database:
        yield database


Scene = Callable[[Stage], Awaitable[object]]
SCENES: dict[str, tuple[type[SupabaseAdapterError], str, Scene]] = {}


def ends_in(error: type[SupabaseAdapterError], saying: str) -> Callable[[Scene], Scene]:
    def register(scene: Scene) -> Scene:
        SCENES[getattr(scene, "__name__", "")] = (error, saying, scene)
        return scene

    return register


async def enter(database: SupabaseDocumentDatabase) -> None:
    async with database:
        pass


@asynccontextmanager
async def answering(reply: bytes) -> AsyncIterator[str]:
    """The URL of something that gives every request the same reply; no real part does."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
        await reader.readexactly(int(length[1]) if length else 0)
        writer.write(reply)
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


def page(status: str) -> bytes:
    body = b"<!doctype html><title>Not what you wanted</title>"
    head = f"HTTP/1.1 {status}\r\nContent-Type: text/html\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + b"Connection: close\r\n\r\n" + body


# Settings and life cycle


@ends_in(ConfigurationError, "unknown connection parameter 'apikey'")
async def an_unknown_connection_parameter(stage: Stage) -> None:
    stage.database(apikey="x")


@ends_in(ConfigurationError, "SUPABASE_KEY holds white space")
async def a_key_with_a_line_break(stage: Stage) -> None:
    stage.database(key=stage.stack.service_role_key + "\n")


@ends_in(ConfigurationError, "SUPABASE_URL is not a URL")
async def a_url_without_a_scheme(stage: Stage) -> None:
    stage.database(url="your-project.supabase.co")


@ends_in(NotOpenError, "Use it inside `async with SupabaseDocumentDatabase(...)`")
async def a_database_that_was_never_entered(stage: Stage) -> None:
    await stage.database().create_collection("more", BaseDocument)


@ends_in(NotOpenError, "find on collection 'more'")
async def a_collection_of_a_database_that_was_left(stage: Stage) -> None:
    async with stage.database() as database:
        notes = await database.create_collection("more", BaseDocument)
    await notes.find(EVERYTHING)


# Keys and addresses


@ends_in(AuthenticationError, "Set SUPABASE_KEY to the secret or service_role key")
async def a_wrong_key(stage: Stage) -> None:
    await enter(stage.database(key=WRONG_KEY))


@ends_in(AuthenticationError, "Set SUPABASE_KEY to the secret or service_role key")
async def a_wrong_key_of_the_new_kind(stage: Stage) -> None:
    await enter(stage.database(key=WRONG_SECRET_KEY))


@ends_in(PermissionDeniedError, "Set SUPABASE_KEY to the secret or service_role key")
async def the_anonymous_key(stage: Stage) -> None:
    await enter(stage.database(key=stage.stack.anon_key))


@ends_in(PermissionDeniedError, "Set SUPABASE_KEY to the secret or service_role key")
async def the_publishable_key(stage: Stage) -> None:
    await enter(stage.database(key=stage.stack.publishable_key))


@ends_in(UnreachableError, "nothing was sent. Check SUPABASE_URL")
async def a_closed_port(stage: Stage) -> None:
    (port,) = find_free_ports(1)
    await enter(stage.database(url=f"http://127.0.0.1:{port}"))


@ends_in(UnexpectedReplyError, "Check SUPABASE_URL; it looks like https://")
async def a_web_page(stage: Stage) -> None:
    async with answering(page("200 OK")) as url:
        await enter(stage.database(url=url))


@ends_in(UnexpectedReplyError, "something other than the project's API answered (HTTP 404)")
async def a_missing_web_page(stage: Stage) -> None:
    async with answering(page("404 Not Found")) as url:
        await enter(stage.database(url=url))


@ends_in(UnexpectedReplyError, "Check SUPABASE_URL")
async def a_path_that_the_gateway_does_not_serve(stage: Stage) -> None:
    await enter(stage.database(url=stage.stack.url + "/dashboard"))


@ends_in(UnavailableError, "Try again in a moment")
async def a_gateway_without_a_server_behind_it(stage: Stage) -> None:
    async with answering(page("503 Service Unavailable")) as url:
        await enter(stage.database(url=url))


@ends_in(SchemaNotExposedError, "correct SUPABASE_SCHEMA")
async def a_schema_that_is_not_exposed(stage: Stage) -> None:
    await enter(stage.database(schema="parlant_internal"))


# What is deployed


@ends_in(NotDeployedError, "Run `parlant-supabase init && npx supabase db push --remote`")
async def a_project_without_the_functions(stage: Stage) -> None:
    await enter(stage.database(stage.prop("undeployed")))


@ends_in(NotDeployedError, "Restore the table")
async def a_table_dropped_by_hand(stage: Stage) -> None:
    stage.sql.execute(on("drop table {}", f"{stage.prefix}notes"))
    await stage.notes.find(EVERYTHING)


@ends_in(VersionMismatchError, f"has version 0, this adapter needs 1. Run `{remedies.deploy()}`")
async def older_sql(stage: Stage) -> None:
    await enter(_with_version(stage, 0, 0))


@ends_in(VersionMismatchError, f"from SQL version 8 on, this one has 1. {remedies.upgrade()}")
async def newer_sql_that_breaks_with_the_old(stage: Stage) -> None:
    await enter(_with_version(stage, 9, 8))


def _with_version(stage: Stage, version: int, compatible_since: int) -> SupabaseDocumentDatabase:
    broken = stage.prop("broken")
    with psycopg.connect(broken.database_url, autocommit=True) as connection:
        set_deployed_version(connection, version, compatible_since)
    return stage.database(broken)


# Collections


@ends_in(CollectionExistsError, "create_collection of collection 'notes'")
async def creating_a_collection_that_exists(stage: Stage) -> None:
    async with stage.database() as database:
        await database.create_collection("notes", BaseDocument)


@ends_in(CollectionNotFoundError, "get_collection of collection 'nothing'")
async def opening_a_collection_that_does_not_exist(stage: Stage) -> None:
    async with stage.database() as database:
        await database.get_collection("nothing", BaseDocument, identity_loader)


@ends_in(InvalidTableNameError, "Use a shorter table_prefix")
async def a_name_that_is_too_long(stage: Stage) -> None:
    async with stage.database() as database:
        await database.create_collection("x" * 64, BaseDocument)


@ends_in(TableNotOursError, "Use another table_prefix, or rename that table")
async def a_table_of_the_users(stage: Stage) -> None:
    stage.sql.execute(on("create table {} (id int)", f"{stage.prefix}orders"))
    async with stage.database() as database:
        await database.create_collection("orders", BaseDocument)


# Documents, filters and arguments


@ends_in(InvalidFilterError, 'filter["diagnosis"]["$like"]: unknown operator')
async def a_filter_with_an_unknown_operator(stage: Stage) -> None:
    await stage.notes.find(where({"diagnosis": {"$like": SECRET}}))


@ends_in(InvalidFilterError, 'filter["diagnosis"]: expected operators, got string')
async def a_filter_with_a_bare_value(stage: Stage) -> None:
    await stage.notes.delete_one(where({"diagnosis": SECRET}))


@ends_in(InvalidDocumentError, "the id of a document must be a string, got number")
async def a_document_without_a_string_id(stage: Stage) -> None:
    await stage.notes.insert_one(note("a", id=1, diagnosis=SECRET))


@ends_in(IncompleteDocumentError, "lacks the fields id, creation_utc, version")
async def a_document_that_lacks_fields(stage: Stage) -> None:
    incomplete: Any = {"diagnosis": SECRET}
    await stage.notes.insert_one(incomplete)


@ends_in(IncompleteDocumentError, "lacks the fields id, creation_utc, version")
async def an_upsert_that_lacks_fields(stage: Stage) -> None:
    incomplete: Any = {"diagnosis": SECRET}
    await stage.notes.update_one(only(SECRET), incomplete, upsert=True)


@ends_in(DuplicateDocumentError, "Use update_one to change a document, or another id")
async def a_different_document_with_the_same_id(stage: Stage) -> None:
    await stage.notes.insert_one(note(SECRET, diagnosis=SECRET))
    await stage.notes.insert_one(note(SECRET, diagnosis="another"))


@ends_in(DuplicateDocumentError, "the same values in a unique index")
async def the_same_values_in_a_unique_index(stage: Stage) -> None:
    fields = (("diagnosis", SortDirection.ASC),)
    await stage.notes.ensure_indexes([CollectionIndex(fields=fields, unique=True)])
    await stage.notes.insert_one(note("a", diagnosis=SECRET))
    await stage.notes.insert_one(note("b", diagnosis=SECRET))


@ends_in(InsertSuppressedError, "Have its function return new, or drop the trigger")
async def a_trigger_that_returns_null(stage: Stage) -> None:
    await stage.notes.insert_one(note("a"))
    with psycopg.connect(stage.stack.database_url) as connection:
        connection.execute(
            "create or replace function public.keep_out() returns trigger language plpgsql as"
            " $$ begin return null; end $$"
        )
        connection.execute(
            on(
                "create trigger keep_out before insert on {}"
                " for each row execute function public.keep_out()",
                f"{stage.prefix}notes",
            )
        )
    await stage.notes.insert_one(note(SECRET))


@ends_in(UnstorableValueError, "document['diagnosis'][1] is nan")
async def a_document_with_nan(stage: Stage) -> None:
    await stage.notes.insert_one(note("a", diagnosis=[SECRET, float("nan")]))


@ends_in(UnstorableValueError, "filter['diagnosis']['$eq'] holds the character U+0000")
async def a_filter_with_a_null_character(stage: Stage) -> None:
    await stage.notes.find(where({"diagnosis": {"$eq": SECRET + "\0"}}))


@ends_in(IndexedValueTooLongError, "Keep ids and indexed fields under 2,000 bytes")
async def an_id_that_is_too_long(stage: Stage) -> None:
    await stage.notes.insert_one(note(LONG, diagnosis=SECRET))


@ends_in(InvalidArgumentError, "the limit must not be negative")
async def a_negative_limit(stage: Stage) -> None:
    await stage.notes.find(only(SECRET), limit=-1)


# The database's own refusals and limits


@ends_in(StatementTimeoutError, "Narrow the filter, set a limit, or raise")
async def a_statement_that_takes_too_long(stage: Stage) -> None:
    async with stage.database(stage.prop("impatient")) as database:
        notes = await database.create_collection("notes", BaseDocument)
        with psycopg.connect(stage.prop("impatient").database_url) as connection:
            connection.execute(
                "create function public.dawdle() returns trigger language plpgsql as"
                " $$ begin perform pg_sleep(60); return new; end $$"
            )
            connection.execute(
                on(
                    "create trigger dawdle before insert on {}"
                    " for each row execute function public.dawdle()",
                    f"{stage.prefix}notes",
                )
            )
        await notes.insert_one(note("a", diagnosis=SECRET))


@ends_in(UnavailableError, "Try again in a moment")
async def a_lock_that_is_not_given_up(stage: Stage) -> None:
    async with stage.database(stage.prop("impatient")) as database:
        notes = await database.create_collection("notes", BaseDocument)
        await notes.insert_one(note(SECRET))
        with psycopg.connect(stage.prop("impatient").database_url) as connection:
            connection.execute(on("select from {} for update", f"{stage.prefix}notes"))
            await notes.update_one(only(SECRET), note(SECRET))


@ends_in(OutcomeUnknownError, "may have been carried out or not. Look before you repeat it")
async def an_answer_that_does_not_come(stage: Stage) -> None:
    await stage.notes.insert_one(note(SECRET))
    async with stage.database() as database:
        notes = await database.get_collection("notes", BaseDocument, identity_loader)
        connection_of(database).rpc.timeout = 1
        with psycopg.connect(stage.stack.database_url) as connection:
            connection.execute(on("select from {} for update", f"{stage.prefix}notes"))
            await notes.update_one(only(SECRET), note(SECRET))


@ends_in(TurnSupersededError, "a newer turn of the session has begun")
async def a_turn_that_was_superseded(stage: Stage) -> None:
    async with stage.database() as database:
        for name in ("sessions", "events"):
            collection = await database.create_collection(name, BaseDocument)
            await collection.insert_one(note("s", title=SECRET))
        for turn, step in (("older", "begins"), ("newer", "begins"), ("older", "goes on")):
            await connection_of(database).rpc.call(
                UPDATE_SESSION,
                {
                    "p_prefix": stage.prefix,
                    "p_session_id": "s",
                    "p_params": {"title": SECRET},
                    "p_turn": {
                        "turn": turn,
                        "trace_id": turn,
                        "step": step,
                        "fenced": True,
                        "lease_seconds": 20,
                    },
                },
                "updating a session",
            )


@ends_in(SupabaseAdapterError, "a check constraint of your own on the table was violated")
async def a_constraint_that_the_user_added(stage: Stage) -> None:
    stage.sql.execute(on("alter table {} add check (id <> 'forbidden')", f"{stage.prefix}notes"))
    # Of a document, Postgres quotes the beginning, and that is the field of the shortest name.
    await stage.notes.insert_one(note("forbidden", d=SECRET))


@pytest.mark.parametrize("scene", SCENES)
async def test_that_a_failure_ends_in_its_error(
    stage: Stage, notes: Notes, scene: str, caplog: pytest.LogCaptureFixture
) -> None:
    error_class, saying, play = SCENES[scene]

    with pytest.raises(error_class) as caught:
        await play(stage)

    assert type(caught.value) is error_class
    message = str(caught.value)
    assert saying in message
    assert message.endswith(".")
    # Neither the message nor what Python prints with it, nor what was logged, traced and measured
    # may give away what is confidential.
    printed = "".join(traceback.format_exception(caught.value)) + repr(caught.value)
    printed += everything_said(caplog, stage.meter, stage.tracer)
    for secret in (SECRET, LONG, stage.stack.service_role_key, stage.stack.anon_key):
        assert secret not in printed
    assert not re.search(r"eyJ\w+\.|sb_(secret|publishable)_\w", printed)


def error_classes() -> set[type[SupabaseAdapterError]]:
    return {
        member
        for _, member in inspect.getmembers(errors, inspect.isclass)
        if issubclass(member, SupabaseAdapterError)
    }


def test_that_every_error_class_is_raised_above() -> None:
    assert {error_class for error_class, _, _ in SCENES.values()} == error_classes()


def test_that_every_error_class_can_be_imported_from_the_package() -> None:
    assert {error.__name__ for error in error_classes()} <= set(parlant_supabase.__all__)


def sqlstates_raised_in_sql() -> set[str]:
    """The codes in every `errcode = '…'` below sql/."""
    texts = [path.read_text() for path in sorted((CHECKOUT / "sql").rglob("*.sql"))]
    return {code for text in texts for code in re.findall(r"errcode\s*=\s*'(\w+)'", text)}


def troubleshooting() -> dict[str, str]:
    """{error class: SQLSTATE or ""} of the table in README."""
    page = (CHECKOUT / "README.md").read_text()
    return dict(re.findall(r"^\| `(\w+)` \| (\w*) ?\|", page, flags=re.MULTILINE))


def test_that_sql_python_and_documents_know_the_same_sqlstates() -> None:
    in_python = {code: error.__name__ for code, error in errors.ERRORS_BY_SQLSTATE.items()}
    in_documents = {code: name for name, code in troubleshooting().items() if code}

    assert sqlstates_raised_in_sql() == set(in_python)
    assert in_documents == in_python


def test_that_the_documents_tell_what_to_do_about_every_error() -> None:
    names = {error.__name__ for error in error_classes()} - {"SupabaseAdapterError"}

    assert set(troubleshooting()) == names


def test_that_the_sql_raises_nothing_without_a_code_of_its_own() -> None:
    for path in sorted((CHECKOUT / "sql").rglob("*.sql")):
        for statement in re.findall(r"raise exception(.*?);", path.read_text(), re.DOTALL):
            assert re.search(r"errcode\s*=\s*'PD\d{3}'", statement), path
            assert "message =" in statement, path
            assert "hint =" in statement, path


@pytest.mark.parametrize(
    "module",
    [
        "collection",
        "connection",
        "database",
        "errors",
        "rpc/batching",
        "rpc/client",
        "rpc/encoding",
        "rpc/error_mapping",
        "rpc/pagination",
        "rpc/retry",
        "settings",
        "validation",
    ],
)
def test_that_no_error_is_raised_that_is_not_the_adapters(module: str) -> None:
    source = (CHECKOUT / "adapter" / "parlant_supabase" / f"{module}.py").read_text()
    raised = {
        node.exc.func.id
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Raise)
        and isinstance(node.exc, ast.Call)
        and isinstance(node.exc.func, ast.Name)
        and node.exc.func.id[0].isupper()
    }

    assert raised <= {error.__name__ for error in error_classes()}
