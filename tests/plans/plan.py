"""Which rows a function's statements read, and by which indexes: from their plans, executed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

# Superuser's settings. Plans are reported as notices to the session itself.
_SETTINGS = {
    "auto_explain.log_min_duration": "0",
    "auto_explain.log_nested_statements": "on",
    "auto_explain.log_analyze": "on",
    "auto_explain.log_buffers": "on",
    "auto_explain.log_timing": "off",
    "auto_explain.log_triggers": "off",
    "auto_explain.log_format": "json",
    "client_min_messages": "log",
}


@dataclass(frozen=True)
class Scan:
    """One node that reads a table.

    Attributes:
        kind: Such as "Index Scan".
        table: The table's name.
        index: The index's name, or None.
        condition: What is looked up in the index, or "".
        read: How many rows were read, those included that a filter dropped then.
        blocks: How many blocks of table and index were looked at. An index scan that begins too
            early walks entries that it does not count as rows.
    """

    kind: str
    table: str
    index: str | None
    condition: str
    read: float
    blocks: int


@dataclass(frozen=True)
class Execution:
    """How the statements of one function call were carried out.

    Attributes:
        scans: The nodes that read tables of the collections.
        sorted_rows: How many rows were sorted, other than by reading an index in its order.
    """

    scans: list[Scan]
    sorted_rows: float

    @property
    def read(self) -> float:
        return sum(scan.read for scan in self.searches)

    @property
    def blocks(self) -> int:
        return sum(scan.blocks for scan in self.scans)

    @property
    def searches(self) -> list[Scan]:
        """The scans that look for rows; the others fetch rows that were found, by their place."""
        return [scan for scan in self.scans if scan.kind != "Tid Scan"]

    @property
    def without_index(self) -> list[Scan]:
        return [scan for scan in self.searches if scan.index is None]


class Explainer:
    """Runs statements as service_role, undoes what they did, and tells how they did it."""

    def __init__(self, superuser: psycopg.Connection, table_prefix: str) -> None:
        self._connection = superuser
        self._table_prefix = table_prefix
        self._notices: list[str] = []
        superuser.execute("load 'auto_explain'")
        for name, value in _SETTINGS.items():
            superuser.execute("select set_config(%s, %s, false)", (name, value))
        superuser.add_notice_handler(
            lambda notice: self._notices.append(notice.message_primary or "")
        )

    def execute(self, function: str, params: Mapping[str, Any]) -> Execution:
        types = self._argument_types(function)
        call = sql.SQL("select public.{}({})").format(
            sql.Identifier(function),
            sql.SQL(", ").join(
                sql.SQL("{} => %s::{}").format(sql.Identifier(name), sql.SQL(types[name]))
                for name in params
            ),
        )
        arguments = [
            Jsonb(value) if types[name] == "jsonb" and value is not None else value
            for name, value in params.items()
        ]
        return self.run(call, arguments)

    def run(self, statement: sql.SQL | sql.Composed, arguments: Sequence[Any] = ()) -> Execution:
        with self._connection.transaction(force_rollback=True):
            self._connection.execute("set local role service_role")
            self._notices.clear()
            self._connection.execute(statement, arguments)
            return self._read_notices()

    def _argument_types(self, function: str) -> dict[str, str]:
        rows = self._connection.execute(
            "select a.name, a.type::regtype::text from pg_proc,"
            " unnest(proargnames, proargtypes::oid[]) as a (name, type)"
            " where pronamespace = 'public'::regnamespace and proname = %s",
            (function,),
        )
        return dict(rows.fetchall())

    def _read_notices(self) -> Execution:
        scans: list[Scan] = []
        sorted_rows = 0.0
        for notice in self._notices:
            _, _, plan = notice.partition("plan:\n")
            if not plan:
                continue
            for node in _nodes(json.loads(plan)["Plan"]):
                if node["Node Type"] in ("Sort", "Incremental Sort"):
                    sorted_rows += node["Plans"][0]["Actual Rows"] * node["Actual Loops"]
                if scan := self._scan(node):
                    scans.append(scan)
        return Execution(scans, sorted_rows)

    def _scan(self, node: dict[str, Any]) -> Scan | None:
        table = node.get("Relation Name", "")
        if node["Node Type"] == "ModifyTable" or not table.startswith(self._table_prefix):
            return None
        index = node.get("Index Name")
        condition = node.get("Index Cond", "")
        if node["Node Type"] == "Bitmap Heap Scan":
            bitmaps = [below for below in _nodes(node) if "Index Name" in below]
            index = ", ".join(below["Index Name"] for below in bitmaps)
            condition = ", ".join(below.get("Index Cond", "") for below in bitmaps)
        dropped = node.get("Rows Removed by Filter", 0) + node.get(
            "Rows Removed by Index Recheck", 0
        )
        read = (node["Actual Rows"] + dropped) * node["Actual Loops"]
        blocks = node["Shared Hit Blocks"] + node["Shared Read Blocks"]
        return Scan(node["Node Type"], table, index, condition, read, blocks)


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from _nodes(below)
