"""`parlant-supabase doctor`: what keeps the agent from working, and what to do about it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict
from itertools import groupby
from typing import Annotated

import typer
from rich import box
from rich.table import Table
from rich.text import Text

from parlant_supabase.cli.display import err, out, plain
from parlant_supabase.diagnosis.diagnose import Diagnosis, diagnose
from parlant_supabase.diagnosis.findings import CHECKS, Finding
from parlant_supabase.plurals import counted
from parlant_supabase.rpc.replies import CollectionDiagnosis, TableDiagnosis

_SYMBOLS = {
    "ok": ("✓", "green"),
    "notice": ("i", "blue"),
    "warning": ("!", "yellow"),
    "error": ("✗", "bold red"),
}
_SHOWN_REMEDIES = 5
_CHECK_WIDTH = max(map(len, CHECKS))
_INDENT = " " * (_CHECK_WIDTH + len("✓ " + "  "))


def doctor(
    as_json: Annotated[
        bool, typer.Option("--json", help="Print everything as one JSON object.")
    ] = False,
) -> None:
    """Check what can be wrong, in order, and say what to do; fails if the agent would not work.

    It reads SUPABASE_URL, SUPABASE_KEY and SUPABASE_SCHEMA, and changes nothing.
    """
    with err.status("") as status:
        diagnosis = asyncio.run(diagnose(lambda step: status.update(f"{step} ...")))
    if as_json:
        typer.echo(json.dumps(_as_json(diagnosis), indent=2))
    else:
        _show(diagnosis)
    if not diagnosis.is_ready:
        raise typer.Exit(1)


def _as_json(diagnosis: Diagnosis) -> dict[str, object]:
    return {
        "ready": diagnosis.is_ready,
        "findings": [asdict(finding) for finding in diagnosis.findings],
        "collections": [
            {
                "prefix": collection["prefix"],
                "collection": collection["collection"],
                "table": collection["documents"]["table"],
                "documents": collection["documents"].get("rows"),
                "failed": collection["failed"].get("rows"),
            }
            for collection in diagnosis.collections
        ],
    }


def _show(diagnosis: Diagnosis) -> None:
    for finding in diagnosis.findings:
        if finding.status != "skipped":
            _show_finding(finding)
    if skipped := [each.check for each in diagnosis.findings if each.status == "skipped"]:
        out.print(Text(f"- Not checked because of that: {', '.join(skipped)}.", style="dim"))
    if diagnosis.collections:
        out.print()
        out.print(_collections_table(diagnosis.collections))
    errors = sum(finding.status == "error" for finding in diagnosis.findings)
    warnings = sum(finding.status == "warning" for finding in diagnosis.findings)
    verdict = "Ready" if diagnosis.is_ready else f"Not ready: {counted(errors, 'error')}"
    if warnings:
        verdict += f", {counted(warnings, 'warning')}"
    out.print()
    out.print(Text(f"{verdict}.", style="green" if diagnosis.is_ready else "bold red"))


def _show_finding(finding: Finding) -> None:
    symbol, style = _SYMBOLS[finding.status]
    out.print(
        Text.assemble((symbol, style), f" {finding.check:<{_CHECK_WIDTH}}  ", plain(finding.text)),
        soft_wrap=True,
    )
    # Not wrapped, because commands and SQL are there to be copied.
    for remedy in finding.remedies[:_SHOWN_REMEDIES]:
        out.print(Text.assemble(_INDENT, "→ ", plain(remedy)), soft_wrap=True)
    more = len(finding.remedies) - _SHOWN_REMEDIES
    if more > 0:
        out.print(f"{_INDENT}→ and {more:,} more, which --json prints")


def _collections_table(collections: Sequence[CollectionDiagnosis]) -> Table:
    table = Table("Table", box=box.SIMPLE)
    table.add_column("Documents", justify="right")
    table.add_column("Failed", justify="right")
    for _, store in groupby(collections, key=lambda collection: collection["prefix"]):
        table.add_section()
        for collection in store:
            documents, failed = collection["documents"], collection["failed"]
            table.add_row(plain(documents["table"]), _rows(documents), _rows(failed))
    return table


def _rows(table: TableDiagnosis) -> str:
    if not table["exists"]:
        return "missing"
    rows = table["rows"]
    if rows is None:
        return "unknown"
    return f"{rows['count']:,}" if rows["exact"] else f"about {rows['count']:,}"
