"""Reads and spoils the version that a database says of its SQL."""

from __future__ import annotations

import re

import psycopg


def deployed_version(connection: psycopg.Connection) -> tuple[int, int]:
    """Returns the database's `sql_version` and `compatible_since`."""
    row = connection.execute(
        "select v ->> 'sql_version', v ->> 'compatible_since'"
        " from public.parlant_get_version() as v"
    ).fetchone()
    assert row is not None
    return int(row[0]), int(row[1])


def set_deployed_version(
    connection: psycopg.Connection, sql_version: int, compatible_since: int
) -> None:
    """Replaces the function that tells the version by one that tells another."""
    row = connection.execute(
        "select pg_get_functiondef('public.parlant_get_version'::regproc)"
    ).fetchone()
    assert row is not None
    text, count = re.subn(
        r"'sql_version', \d+,(\s+)'compatible_since', \d+",
        rf"'sql_version', {sql_version},\1'compatible_since', {compatible_since}",
        row[0],
    )
    assert count == 1
    connection.execute(text.encode())
