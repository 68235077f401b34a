"""Where a database connects to, and how long it is open."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable
from typing import Any

import httpx
import psycopg
import pytest
from parlant.core.common import IdGenerator
from parlant.core.customers import CustomerDocumentStore
from parlant.core.persistence.document_database import BaseDocument, identity_loader
from parlant.core.sessions import SessionDocumentStore
from parlant_supabase import (
    ConfigurationError,
    NotOpenError,
    PermissionDeniedError,
    SchemaNotExposedError,
    SupabaseDocumentDatabase,
)
from parlant_supabase.local import LocalStack
from supabase import AsyncClient, AsyncClientOptions, acreate_client

from tests.adapter.notes import Notes, fill, ids, note
from tests.tables import on

SETTINGS = ("SUPABASE_URL", "SUPABASE_KEY", "SUPABASE_SCHEMA")


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The environment, without settings of whoever runs the tests."""
    for variable in SETTINGS:
        monkeypatch.delenv(variable, raising=False)
    return monkeypatch


async def store_one(database: SupabaseDocumentDatabase) -> list[str]:
    notes = await database.get_or_create_collection("notes", BaseDocument, identity_loader)
    await fill(notes, [note("a")])
    return await ids(notes)


class TestSettings:
    async def test_that_the_environment_is_enough(
        self, stack: LocalStack, logger: Any, prefix: str, environment: pytest.MonkeyPatch
    ) -> None:
        environment.setenv("SUPABASE_URL", stack.url)
        environment.setenv("SUPABASE_KEY", stack.service_role_key)

        async with SupabaseDocumentDatabase(logger=logger, table_prefix=prefix) as database:
            assert await store_one(database) == ["a"]

    async def test_that_white_space_around_a_variable_does_no_harm(
        self, stack: LocalStack, logger: Any, prefix: str, environment: pytest.MonkeyPatch
    ) -> None:
        environment.setenv("SUPABASE_URL", f" {stack.url}/\n")
        environment.setenv("SUPABASE_KEY", f"{stack.service_role_key}\n")

        async with SupabaseDocumentDatabase(logger, table_prefix=prefix) as database:
            assert await store_one(database) == ["a"]

    async def test_that_arguments_win_over_the_environment(
        self, stack: LocalStack, logger: Any, prefix: str, environment: pytest.MonkeyPatch
    ) -> None:
        environment.setenv("SUPABASE_URL", "http://127.0.0.1:1")
        environment.setenv("SUPABASE_KEY", "wrong")
        environment.setenv("SUPABASE_SCHEMA", "wrong")
        params = {"url": stack.url, "key": stack.service_role_key, "schema": "public"}

        async with SupabaseDocumentDatabase(logger, params, table_prefix=prefix) as database:
            assert await store_one(database) == ["a"]

    async def test_that_the_schema_is_taken_from_the_environment(
        self, stack: LocalStack, logger: Any, environment: pytest.MonkeyPatch
    ) -> None:
        environment.setenv("SUPABASE_SCHEMA", "elsewhere")
        params = {"url": stack.url, "key": stack.service_role_key}

        with pytest.raises(SchemaNotExposedError):
            async with SupabaseDocumentDatabase(logger, params):
                pass

    async def test_that_an_empty_schema_is_the_default(
        self, stack: LocalStack, logger: Any, prefix: str, environment: pytest.MonkeyPatch
    ) -> None:
        environment.setenv("SUPABASE_SCHEMA", "")
        params = {"url": stack.url, "key": stack.service_role_key}

        async with SupabaseDocumentDatabase(logger, params, table_prefix=prefix) as database:
            assert await store_one(database) == ["a"]

    async def test_that_the_key_of_the_new_kind_serves(
        self, stack: LocalStack, make_database: Callable[..., SupabaseDocumentDatabase]
    ) -> None:
        async with make_database(key=stack.secret_key) as database:
            assert await store_one(database) == ["a"]

    @pytest.mark.parametrize(
        ("params", "named"),
        [
            ({}, "SUPABASE_URL"),
            ({"key": "k"}, "SUPABASE_URL"),
            ({"url": "http://127.0.0.1"}, "SUPABASE_KEY"),
            ({"url": "", "key": "k"}, "SUPABASE_URL"),
            ({"url": "http://127.0.0.1", "key": None}, "SUPABASE_KEY"),
            ({"url": "127.0.0.1", "key": "k"}, "SUPABASE_URL"),
            ({"url": "ftp://127.0.0.1", "key": "k"}, "SUPABASE_URL"),
            ({"url": "http://127.0.0.1:port", "key": "k"}, "SUPABASE_URL"),
            ({"url": "http://127.0.0.1:99999", "key": "k"}, "SUPABASE_URL"),
            ({"url": "http://", "key": "k"}, "SUPABASE_URL"),
            ({"url": "http://a b", "key": "k"}, "SUPABASE_URL"),
            ({"url": "postgresql://u:p@127.0.0.1/postgres", "key": "k"}, "SUPABASE_URL"),
            ({"url": "http://127.0.0.1", "key": "a key"}, "SUPABASE_KEY"),
            ({"url": "http://127.0.0.1", "key": "schlüssel"}, "SUPABASE_KEY"),
            ({"url": 5, "key": "k"}, "'url'"),
            ({"url": "http://127.0.0.1", "key": b"k"}, "'key'"),
            ({"url": "http://127.0.0.1", "key": "k", "schema": 5}, "'schema'"),
            ({"url": "http://127.0.0.1", "key": "k", "schema": "a\nb"}, "SUPABASE_SCHEMA"),
            ({"url": "http://127.0.0.1", "key": "k", "password": "p"}, "'password'"),
            ({"URL": "http://127.0.0.1", "key": "k"}, "'URL'"),
            ({"url": "http://127.0.0.1", "key": "http://127.0.0.1"}, "SUPABASE_KEY is a URL"),
            ({"url": "http://127.0.0.1", "key": "sbp_0123"}, "SUPABASE_KEY is an access token"),
            ("http://127.0.0.1", "connection_params must be a Mapping, got a str"),
            ([("url", "http://127.0.0.1")], "connection_params must be a Mapping, got a list"),
        ],
    )
    def test_that_a_wrong_setting_is_named(self, logger: Any, params: Any, named: str) -> None:
        with pytest.raises(ConfigurationError) as caught:
            SupabaseDocumentDatabase(logger, params)

        assert named in str(caught.value)
        assert isinstance(caught.value, ValueError)

    def test_that_missing_settings_are_named_where_there_are_no_parameters(
        self, logger: Any
    ) -> None:
        with pytest.raises(
            ConfigurationError, match=r"Set SUPABASE_URL, or pass connection_params"
        ):
            SupabaseDocumentDatabase(logger)

    @pytest.mark.parametrize(
        ("arguments", "sentence"),
        [
            ({"table_prefix": ""}, "table_prefix is empty. Name one such as parlant_sessions_"),
            ({"table_prefix": b"a_"}, "table_prefix must be a str, got a bytes."),
            ({"timeout": 0}, "timeout must be positive and finite, got 0. Pass seconds"),
            ({"timeout": -1.5}, "timeout must be positive and finite, got -1.5."),
            ({"timeout": math.inf}, "timeout must be positive and finite, got inf."),
            ({"timeout": math.nan}, "timeout must be positive and finite, got nan."),
            ({"timeout": "5"}, "timeout must be a number, got a str."),
            ({"timeout": True}, "timeout must be a number, got a bool."),
            ({"timeout": None}, "timeout must be a number, got None."),
            ({"slow_call_seconds": 0}, "slow_call_seconds must be positive and finite, got 0."),
            ({"logger": None}, "logger must be a Logger, got None. Pass one of Parlant's"),
            ({"logger": logging.getLogger()}, "logger must be a Logger, got a RootLogger."),
            ({"tracer": "t"}, "tracer must be a Tracer, got a str."),
            ({"meter": 1}, "meter must be a Meter, got an int."),
            ({"client": "c", "connection_params": None}, "client must be an AsyncClient, got a s"),
        ],
    )
    def test_that_a_wrong_argument_is_named(
        self, logger: Any, arguments: dict[str, Any], sentence: str
    ) -> None:
        connection = {"url": "http://a", "key": "k"}
        right = {"logger": logger, "connection_params": connection}

        with pytest.raises(ConfigurationError) as caught:
            SupabaseDocumentDatabase(**{**right, **arguments})

        assert str(caught.value).startswith(sentence)
        assert str(caught.value).endswith(".")

    async def test_that_the_prefix_is_parlant_by_default(
        self, stack: LocalStack, logger: Any, sql: Any
    ) -> None:
        connection = {"url": stack.url, "key": stack.service_role_key}
        async with SupabaseDocumentDatabase(logger, connection) as database:
            await database.create_collection("default_prefix", BaseDocument)

        assert sql.execute(
            "select to_regclass('public.parlant_default_prefix') is not null"
        ).fetchone() == (True,)


class TestLifetime:
    async def test_that_it_can_be_entered_again(
        self, make_database: Callable[..., SupabaseDocumentDatabase]
    ) -> None:
        database = make_database()

        for _ in range(2):
            async with database:
                assert await store_one(database) == ["a"]

    def test_that_it_can_be_entered_in_another_event_loop(
        self, make_database: Callable[..., SupabaseDocumentDatabase]
    ) -> None:
        database = make_database()

        async def use() -> list[str]:
            async with database:
                return await store_one(database)

        assert asyncio.run(use()) == asyncio.run(use()) == ["a"]

    async def test_that_it_serves_nobody_before_and_after(
        self, make_database: Callable[..., SupabaseDocumentDatabase]
    ) -> None:
        database = make_database()
        with pytest.raises(NotOpenError):
            await store_one(database)

        async with database:
            notes = await database.create_collection("notes", BaseDocument)

        with pytest.raises(NotOpenError):
            await notes.find({})
        with pytest.raises(NotOpenError):
            await database.delete_collection("notes")

    async def test_that_it_closes_though_the_block_fails(
        self, make_database: Callable[..., SupabaseDocumentDatabase]
    ) -> None:
        database = make_database()

        with pytest.raises(LookupError):
            async with database:
                raise LookupError

        with pytest.raises(NotOpenError):
            await store_one(database)

    async def test_that_it_closes_though_the_handshake_fails(
        self, stack: LocalStack, make_database: Callable[..., SupabaseDocumentDatabase]
    ) -> None:
        database = make_database(key=stack.anon_key)

        with pytest.raises(PermissionDeniedError):
            await database.__aenter__()

        with pytest.raises(NotOpenError):
            await store_one(database)


class TestAnotherPrefix:
    async def test_that_it_shares_the_connections(
        self,
        make_database: Callable[..., SupabaseDocumentDatabase],
        prefix: str,
        sql: psycopg.Connection,
    ) -> None:
        database = make_database()
        other = database.with_prefix(f"{prefix}other_")
        with pytest.raises(NotOpenError):
            await store_one(other)

        async with database:
            assert await store_one(other) == ["a"]
            # As whoever has a database that wants to be opened may do.
            async with other:
                pass
            assert await store_one(database) == ["a"]

        with pytest.raises(NotOpenError):
            await store_one(other)
        for table in (f"{prefix}notes", f"{prefix}other_notes"):
            assert sql.execute(on("select id from {}", table)).fetchall() == [("a",)]

    async def test_that_each_may_have_a_store_of_its_own(
        self, make_database: Callable[..., SupabaseDocumentDatabase], prefix: str
    ) -> None:
        async with (
            make_database() as database,
            SessionDocumentStore(database) as sessions,
            CustomerDocumentStore(
                IdGenerator(), database.with_prefix(f"{prefix}other_")
            ) as customers,
        ):
            assert (await sessions.list_sessions()).items == []
            assert len((await customers.list_customers()).items) == 1, "the guest"

    def test_that_a_wrong_prefix_is_named(
        self, make_database: Callable[..., SupabaseDocumentDatabase]
    ) -> None:
        for wrong in ("", None):
            with pytest.raises(ConfigurationError, match="table_prefix"):
                make_database().with_prefix(wrong)  # type: ignore[arg-type]


class TestClientOfTheCallers:
    @pytest.fixture
    async def http(self) -> Any:
        async with httpx.AsyncClient(timeout=60) as http:
            yield http

    @pytest.fixture
    async def client(self, stack: LocalStack, http: httpx.AsyncClient) -> AsyncClient:
        return await acreate_client(
            stack.url,
            stack.service_role_key,
            AsyncClientOptions(httpx_client=http, auto_refresh_token=False),
        )

    async def test_that_it_is_used_and_left_open(
        self, client: AsyncClient, http: httpx.AsyncClient, logger: Any, prefix: str
    ) -> None:
        async with SupabaseDocumentDatabase(logger, client=client, table_prefix=prefix) as database:
            assert await store_one(database) == ["a"]

        assert not http.is_closed
        response = await client.rpc("parlant_get_version").execute()
        assert isinstance(response.data, dict)

    async def test_that_databases_may_share_it(
        self, client: AsyncClient, logger: Any, prefix: str
    ) -> None:
        first = SupabaseDocumentDatabase(logger, client=client, table_prefix=f"{prefix}1_")
        second = SupabaseDocumentDatabase(logger, client=client, table_prefix=f"{prefix}2_")

        async with first, second:
            assert await store_one(first) == await store_one(second) == ["a"]

    async def test_that_failures_of_it_are_the_adapters_errors(
        self, stack: LocalStack, http: httpx.AsyncClient, logger: Any
    ) -> None:
        options = AsyncClientOptions(httpx_client=http, auto_refresh_token=False)
        client = await acreate_client(stack.url, stack.anon_key, options)

        with pytest.raises(PermissionDeniedError, match="SUPABASE_KEY"):
            async with SupabaseDocumentDatabase(logger, client=client):
                pass

    async def test_that_it_needs_no_settings_and_takes_none(
        self, client: AsyncClient, logger: Any
    ) -> None:
        with pytest.raises(ConfigurationError, match="either connection_params or a client"):
            SupabaseDocumentDatabase(logger, {"url": "http://127.0.0.1"}, client=client)


async def test_that_both_imports_name_the_same_class(notes: Notes) -> None:
    from parlant.adapters.db import supabase_db

    assert supabase_db.SupabaseDocumentDatabase is SupabaseDocumentDatabase
    assert isinstance(notes, supabase_db.SupabaseDocumentCollection)
