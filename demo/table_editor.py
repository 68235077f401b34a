"""The project's tables and rows, as the table editor of the Supabase dashboard lists them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row
from rich.console import Console
from rich.markup import escape
from rich.table import Table

SAMPLE_ROWS = 2
LONGEST_CELL = 150
# They are in the documents, too, and leave them no room on a narrow terminal.
OMITTED_COLUMNS = ("version", "creation_utc")


@dataclass(frozen=True)
class ListedTable:
    """A table, the number of its rows, and some of them as {column: value}."""

    name: str
    count: int
    sample: list[dict[str, Any]]


def list_tables(database_url: str) -> list[ListedTable]:
    """Read the tables of the schema `public`, by name."""
    tables = []
    with psycopg.connect(database_url) as connection:
        names = connection.execute(
            "select tablename from pg_catalog.pg_tables where schemaname = 'public' order by 1"
        ).fetchall()
        for (name,) in names:
            table = sql.Identifier("public", name)
            counted = connection.execute(sql.SQL("select count(*) from {}").format(table))
            (count,) = counted.fetchone() or (0,)
            with connection.cursor(row_factory=dict_row) as cursor:
                cursor.execute(
                    sql.SQL("select * from {} limit {}").format(table, sql.Literal(SAMPLE_ROWS))
                )
                tables.append(ListedTable(name, count, cursor.fetchall()))
    return tables


def print_tables(console: Console, tables: list[ListedTable]) -> None:
    """Print the list of tables and, below it, rows of those that hold Parlant's documents."""
    overview = Table("Table", title="Table editor, schema public", title_justify="left")
    overview.add_column("Rows", justify="right")
    for table in tables:
        overview.add_row(table.name, str(table.count), style=None if table.count else "dim")
    console.print(overview, "")
    for table in tables:
        # A store's metadata is one row, its version.
        if table.sample and not table.name.endswith("_metadata"):
            console.print(_sample(table), "")


def _sample(table: ListedTable) -> Table:
    columns = [
        name
        for name in table.sample[0]
        if name not in OMITTED_COLUMNS and any(row[name] is not None for row in table.sample)
    ]
    sample = Table(
        title=f"{table.name}: {len(table.sample)} of {table.count} rows, "
        f"without {' and '.join(OMITTED_COLUMNS)}",
        title_justify="left",
    )
    for name in columns:
        sample.add_column(name, no_wrap=name != "data")
    for row in table.sample:
        sample.add_row(*(escape(_cell(row[name])) for name in columns))
    return sample


def _cell(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= LONGEST_CELL else f"{text[: LONGEST_CELL - 1]}…"
