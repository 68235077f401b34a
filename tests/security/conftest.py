"""Databases with an opt-in applied, and calls of functions with any token."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import psycopg
import pytest
from parlant_supabase.deployment.package_files import find_project
from parlant_supabase.local import LocalStack, StackDatabase, SupervisedDatabase


@dataclass(frozen=True)
class Caller:
    """Someone who calls functions of a database over HTTP."""

    url: str
    headers: dict[str, str]

    def call(self, function: str, **arguments: Any) -> httpx.Response:
        return httpx.post(
            f"{self.url}/rest/v1/rpc/{function}", headers=self.headers, json=arguments, timeout=60
        )

    def read(self, table: str) -> httpx.Response:
        return httpx.get(f"{self.url}/rest/v1/{table}", headers=self.headers, timeout=60)


def caller(database: StackDatabase, role: str, **claims: Any) -> Caller:
    """A caller with a token of a role; `service_role` and `anon` have keys of their own."""
    keys = {"service_role": database.service_role_key, "anon": database.anon_key}
    token = keys.get(role) or database.sign({"role": role, **claims})
    key = keys.get(role, database.anon_key)
    return Caller(database.url, {"apikey": key, "Authorization": f"Bearer {token}"})


def opted_in(stack: LocalStack, name: str, opt_in: str) -> SupervisedDatabase:
    """A database of its own with a file of supabase/opt-in/ applied after the migrations."""
    database = stack.create_database(name)
    database.deploy(find_project())
    script = find_project() / "supabase" / "opt-in" / opt_in
    with psycopg.connect(database.database_url, autocommit=True) as connection:
        connection.execute(script.read_bytes())
    database.reload_schema()
    return database


@pytest.fixture(scope="session")
def for_users(stack: LocalStack) -> Iterator[SupervisedDatabase]:
    """A database whose signed-in users see the sessions of their own customer id."""
    database = opted_in(stack, "for_users", "authenticated.sql")
    yield database
    stack.drop_database(database)


@pytest.fixture(scope="session")
def for_everybody(stack: LocalStack) -> Iterator[SupervisedDatabase]:
    """A database that is open to the public key."""
    database = opted_in(stack, "for_everybody", "public_key.sql")
    yield database
    stack.drop_database(database)
