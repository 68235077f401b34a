"""SQL statements on tables whose names are made up by the tests."""

from __future__ import annotations

from psycopg import sql


def on(statement: str, *tables: str) -> sql.Composed:
    """The statement with the quoted names of tables in schema public in place of each {}."""
    return sql.SQL(statement).format(*(sql.Identifier("public", table) for table in tables))
