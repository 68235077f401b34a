"""Says what an import or an export came to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from itertools import groupby
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from parlant_supabase.cli.display import out, plain
from parlant_supabase.plurals import counted
from parlant_supabase.transfer.exporting import Difference, Exported
from parlant_supabase.transfer.importing import Import, Tally
from parlant_supabase.transfer.records import Part

_SHOWN_IDS = 5


def export_summary(exported: Exported) -> dict[str, Any]:
    """What was exported, for JSON."""
    return {
        "documents": exported.end.documents,
        "failed": exported.end.failed,
        "sha256": exported.end.sha256,
        "collections": [
            {**_place(part), "documents": count} for part, count in exported.counts.items()
        ],
        "differences": [
            {
                **_place(each.part),
                "documents": each.written,
                "before": each.before,
                "after": each.after,
            }
            for each in exported.differences
        ],
    }


def describe_difference(difference: Difference) -> str:
    """What is wrong with the number of documents that were exported of a part."""
    part = difference.part
    kind = "failed documents" if part.is_failed else "documents"
    return (
        f"{part.prefix} {part.collection}: exported {difference.written:,} {kind}; the table had "
        f"{difference.before:,} before and {difference.after:,} after. Export again while nothing "
        "writes."
    )


def show_export(exported: Exported, console: Console, target: str) -> None:
    """Prints what was exported."""
    table = Table("Collection", box=box.SIMPLE)
    table.add_column("Documents", justify="right")
    _add_rows(
        table,
        {part: [count] for part, count in exported.counts.items() if count or not part.is_failed},
    )
    console.print(table)
    failed = f" and {exported.end.failed:,} failed" if exported.end.failed else ""
    text = f"Exported {counted(exported.end.documents, 'document')}{failed} to {target}."
    console.print(plain(text), soft_wrap=True)


def customer_summary(counts: Mapping[Part, int]) -> dict[str, Any]:
    """What was exported of a customer, for JSON."""
    return {
        "documents": sum(counts.values()),
        "collections": [{**_place(part), "documents": count} for part, count in counts.items()],
    }


def show_customer_export(
    counts: Mapping[Part, int], console: Console, customer_id: str, target: str
) -> None:
    """Prints what was exported of a customer."""
    if not counts:
        console.print(plain(f"Nothing is stored of customer {customer_id}."), soft_wrap=True)
        return
    table = Table("Collection", box=box.SIMPLE)
    table.add_column("Documents", justify="right")
    _add_rows(table, {part: [count] for part, count in counts.items()})
    console.print(table)
    console.print(
        plain(f"Exported {counted(sum(counts.values()), 'document')} to {target}."), soft_wrap=True
    )


def import_summary(run: Import, notes: Sequence[str], *, dry_run: bool) -> dict[str, Any]:
    """What was imported, for JSON."""
    return {
        "complete": run.is_complete,
        "dry_run": dry_run,
        "stopped": run.stopped,
        "left_out": list(notes),
        "collections": [{**_place(part), **asdict(tally)} for part, tally in run.tallies.items()],
    }


def show_import(run: Import, notes: Sequence[str], *, dry_run: bool) -> None:
    """Prints what was imported."""
    table = Table("Collection", box=box.SIMPLE)
    names = ["Source", "To import" if dry_run else "Imported", "There", "Left out"]
    for name in names if dry_run else [*names, "Verified"]:
        table.add_column(name, justify="right")
    _add_rows(
        table,
        {
            part: [
                tally.read,
                tally.imported + tally.replaced,
                tally.unchanged,
                tally.repeated
                + tally.kept_metadata
                + len(tally.contradicted)
                + len(tally.different)
                + len(tally.refused),
                *([] if dry_run else [tally.verified]),
            ]
            for part, tally in run.tallies.items()
            if tally.read or not part.is_failed
        },
    )
    out.print(table)
    for line in _details(run.tallies, dry_run=dry_run):
        out.print(plain(line), soft_wrap=True)
    for note in notes:
        out.print(plain(f"Not imported: {note}."), soft_wrap=True)
    style = "green" if run.is_complete else "bold red"
    out.print(plain(_verdict(run, dry_run=dry_run)), style=style, soft_wrap=True)


def progress_so_far(run: Import) -> str:
    """How far an import has come that did not get to its end."""
    done = sum(tally.imported + tally.replaced + tally.unchanged for tally in run.tallies.values())
    verb = "is" if done == 1 else "are"
    return (
        f"{counted(done, 'document')} of it {verb} in the project; run it again to continue: what "
        "is there is left alone."
    )


def _add_rows(table: Table, rows: Mapping[Part, Sequence[int]]) -> None:
    for prefix, group in groupby(rows.items(), key=lambda row: row[0].prefix):
        table.add_section()
        table.add_row(plain(prefix))
        for part, numbers in group:
            name = f" {part.collection}{' (failed)' if part.is_failed else ''}"
            table.add_row(plain(name), *(f"{number:,}" for number in numbers))


def _details(tallies: Mapping[Part, Tally], *, dry_run: bool) -> Iterable[str]:
    for part, tally in tallies.items():
        if tally.repeated:
            yield (
                f"{part}: left out {tally.repeated:,} that repeat an earlier one of the same id, "
                "as Parlant writes them when an application starts again"
            )
        if tally.kept_metadata:
            yield f"{part}: the store keeps the version that it has"
        if tally.replaced:
            verb = "would replace" if dry_run else "replaced"
            yield f"{part}: {tally.replaced:,} {verb} a different one of the same id"
        if tally.contradicted:
            yield (
                f"{part}: the source has the id {_some(tally.contradicted)} more than once, with "
                "different contents; the first is taken, as it is the one that Parlant reads, and "
                "--on-conflict skip makes that a success"
            )
        if tally.different:
            yield (
                f"{part}: the project has a different one of the id {_some(tally.different)}; "
                "--on-conflict replace puts the source's in its place, --on-conflict skip leaves it"
            )
        for objection in tally.unreadable[:_SHOWN_IDS]:
            yield f"{part}: {objection.id} cannot be read by Parlant: {objection.reason}"
        if len(tally.unreadable) > _SHOWN_IDS:
            more = len(tally.unreadable) - _SHOWN_IDS
            yield f"{part}: and {more:,} more cannot be read by Parlant"
        for each in tally.replaced_values[:_SHOWN_IDS]:
            yield f"{part}: {each.id}: replaced what cannot be stored in {each.reason}"
        if len(tally.replaced_values) > _SHOWN_IDS:
            more = len(tally.replaced_values) - _SHOWN_IDS
            yield f"{part}: replaced what cannot be stored in {more:,} more"
        for refusal in tally.refused[:_SHOWN_IDS]:
            yield f"{part}: {refusal.id or 'one without id'} cannot be stored: {refusal.reason}"
        if len(tally.refused) > _SHOWN_IDS:
            yield f"{part}: and {len(tally.refused) - _SHOWN_IDS:,} more cannot be stored"
        if tally.missing:
            yield f"{part}: not there when read back: {_some(tally.missing)}"
        if tally.changed:
            yield f"{part}: different when read back: {_some(tally.changed)}"


def _verdict(run: Import, *, dry_run: bool) -> str:
    tallies = run.tallies.values()
    unreadable = _verdict_on_unreadable(run.tallies)
    if not run.is_complete:
        remedy = (
            " --replace-unstorable imports documents that cannot be stored with U+FFFD and null in "
            "place of the values named."
            if any(tally.refused for tally in tallies)
            else ""
        )
        return f"{run.stopped or 'Not everything was imported, as said above.'}{remedy}{unreadable}"
    imported = sum(tally.imported + tally.replaced for tally in tallies)
    if dry_run:
        return (
            f"{counted(imported, 'document')} would be imported; nothing was changed.{unreadable}"
        )
    verified = sum(tally.verified for tally in tallies)
    replaced = sum(len(tally.replaced_values) for tally in tallies)
    but = (
        f", but for values of {counted(replaced, 'document')} that cannot be stored"
        if replaced
        else ""
    )
    return (
        f"Imported {counted(imported, 'document')}; read back {verified:,}, all equal to the "
        f"source{but}.{unreadable}"
    )


def _verdict_on_unreadable(tallies: Mapping[Part, Tally]) -> str:
    count = sum(
        tally.read if part.is_failed else len(tally.unreadable) - tally.copies_in_source
        for part, tally in tallies.items()
    )
    if not count:
        return ""
    verb = "is" if count == 1 else "are"
    return (
        f" {counted(count, 'document')} cannot be read by Parlant and {verb} left out of its "
        "lists: see `parlant-supabase failed list`."
    )


def _some(ids: Sequence[str]) -> str:
    more = f" and {len(ids) - _SHOWN_IDS:,} more" if len(ids) > _SHOWN_IDS else ""
    return ", ".join(ids[:_SHOWN_IDS]) + more


def _place(part: Part) -> dict[str, Any]:
    return {"prefix": part.prefix, "collection": part.collection, "failed": part.is_failed}
