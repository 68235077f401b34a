"""`parlant-supabase failed`: the documents that Parlant could not convert, and another try."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from typing import Annotated, TypeVar

import typer
from rich.table import Table

from parlant_supabase.cli.display import err, out, plain, progress
from parlant_supabase.cli.errors import CommandError
from parlant_supabase.cli.options import JSONOutcome
from parlant_supabase.failed_documents import (
    FailedCollection,
    FailedDocuments,
    UnknownStoreError,
)
from parlant_supabase.plurals import counted
from parlant_supabase.rpc.client import RpcClient
from parlant_supabase.settings import ConnectionSettings

_T = TypeVar("_T")

_SHOWN_DOCUMENTS = 100
_DROPPED_AT_ONCE = 1000

PrefixOption = Annotated[
    str | None,
    typer.Option(show_default="every prefix", help="Table prefix of the store."),
]
CollectionOption = Annotated[
    str | None,
    typer.Option(show_default="every collection", help="Name of the collection, such as events."),
]

failed_commands = typer.Typer(
    help="See, retry or drop the documents that a newer version of Parlant could not read.",
    no_args_is_help=True,
)


@failed_commands.command("list")
def list_documents(
    prefix: PrefixOption = None,
    collection: CollectionOption = None,
    limit: Annotated[
        int | None,
        typer.Option(
            min=0,
            show_default=f"{_SHOWN_DOCUMENTS} of each collection, with --json all",
            help="Most documents to list of a collection.",
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object a document, each on a line.")
    ] = False,
) -> None:
    """List which documents failed, when and why."""
    _with_project(lambda failed: _list(failed, prefix, collection, limit, as_json))


@failed_commands.command()
def retry(
    prefix: PrefixOption = None,
    collection: CollectionOption = None,
    as_json: JSONOutcome = False,
) -> None:
    """Give the documents to the installed Parlant again; fails if any cannot be converted.

    What it converts now moves back into its collection, unless the collection has something newer.
    """
    put_back, stay = _with_project(lambda failed: _retry(failed, prefix, collection))
    if as_json:
        reasons = [
            {
                "prefix": where.prefix,
                "collection": where.collection,
                "reason": reason,
                "count": count,
            }
            for (where, reason), count in stay.items()
        ]
        typer.echo(json.dumps({"put_back": put_back, "stay": reasons}))
    else:
        _show_retried(put_back, stay)
    if stay:
        raise typer.Exit(1)


@failed_commands.command()
def drop(
    ids: Annotated[
        list[str] | None, typer.Argument(metavar="ID", help="Ids of the documents to drop.")
    ] = None,
    drop_all: Annotated[
        bool, typer.Option("--all", help="Drop all, or all of the prefix or collection named.")
    ] = False,
    prefix: PrefixOption = None,
    collection: CollectionOption = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Drop without asking.")] = False,
    as_json: JSONOutcome = False,
) -> None:
    """Delete failed documents. One that was rejected is nowhere else, so it is gone for good."""
    if bool(ids) is drop_all:
        raise CommandError("Name the ids of the documents to drop, or say --all.")
    dropped = _with_project(lambda failed: _drop(failed, prefix, collection, ids or None, yes))
    if as_json:
        typer.echo(json.dumps({"dropped": dropped}))
    else:
        out.print(
            f"Dropped {counted(dropped, 'failed document')}." if dropped else "No failed documents."
        )


def _with_project(work: Callable[[FailedDocuments], Awaitable[_T]]) -> _T:
    """Does something with the project that the environment names."""
    settings = ConnectionSettings.from_environment()

    async def run() -> _T:
        async with RpcClient(settings) as rpc:
            return await work(FailedDocuments(rpc))

    return asyncio.run(run())


async def _collections_with_any(
    failed: FailedDocuments, prefix: str | None, collection: str | None
) -> list[FailedCollection]:
    with err.status("Counting failed documents ..."):
        found = await failed.collections(prefix, collection)
    if not found and (prefix or collection):
        raise CommandError(
            "There is no such collection; `parlant-supabase doctor` lists those there are."
        )
    return [each for each in found if each.total]


def _place(collection: FailedCollection) -> dict[str, str]:
    return {"prefix": collection.prefix, "collection": collection.collection}


async def _list(
    failed: FailedDocuments,
    prefix: str | None,
    collection: str | None,
    limit: int | None,
    as_json: bool,
) -> None:
    collections = await _collections_with_any(failed, prefix, collection)
    if not collections and not as_json:
        out.print("No failed documents.")
    for each in collections:
        if as_json:
            await _print_lines(failed, each, limit)
        else:
            await _print_table(failed, each, _SHOWN_DOCUMENTS if limit is None else limit)


async def _print_lines(
    failed: FailedDocuments, collection: FailedCollection, limit: int | None
) -> None:
    printed = 0
    async for page in failed.pages(collection):
        for document in page:
            if printed == limit:
                return
            entry = {
                "prefix": collection.prefix,
                "collection": collection.collection,
                **asdict(document),
            }
            del entry["data"]
            typer.echo(json.dumps(entry))
            printed += 1


async def _print_table(failed: FailedDocuments, collection: FailedCollection, limit: int) -> None:
    counts = ", ".join(
        f"{count:,} {kind}"
        for kind, count in (
            ("rejected", collection.rejected),
            ("raised", collection.raised),
            ("unknown", collection.unknown),
        )
        if count
    )
    out.print(plain(f"{collection.prefix} {collection.collection}: {counts}"), style="bold")
    table = Table("Id", "Version", "Failed at", "Reason", box=None, pad_edge=False)
    shown = 0
    async for page in failed.pages(collection):
        for document in page[: limit - shown]:
            table.add_row(
                plain(document.id or "-"),
                plain(document.version or "-"),
                plain(document.failed_at[:19]),
                plain(document.reason),
            )
        shown = table.row_count
        if shown == limit:
            break
    if shown:
        out.print(table)
    if collection.total > shown:
        out.print(f"and {collection.total - shown:,} more")
    out.print()


async def _retry(
    failed: FailedDocuments, prefix: str | None, collection: str | None
) -> tuple[int, Counter[tuple[FailedCollection, str]]]:
    """How many documents are failed ones no more, and why how many others still are."""
    put_back = 0
    stay: Counter[tuple[FailedCollection, str]] = Counter()
    collections = await _collections_with_any(failed, prefix, collection)
    with progress() as bar:
        task = bar.add_task("Retrying", total=sum(each.total for each in collections))
        for each in collections:
            try:
                store = await failed.store_of(each)
            except UnknownStoreError as error:
                stay[each, str(error)] += each.total
                bar.advance(task, each.total)
                continue
            async for page in failed.pages(each, with_data=True):
                for retried in await failed.retry(each, store, page):
                    if retried.stays is None:
                        put_back += 1
                    else:
                        stay[each, retried.stays] += 1
                bar.advance(task, len(page))
    return put_back, stay


def _show_retried(put_back: int, stay: Counter[tuple[FailedCollection, str]]) -> None:
    out.print(f"{counted(put_back, 'document')} converted.")
    if not stay:
        return
    verb = "stays" if stay.total() == 1 else "stay"
    out.print(f"{counted(stay.total(), 'document')} {verb} among the failed ones:")
    for (where, reason), count in stay.most_common():
        out.print(
            plain(f"  {count:,} of {where.prefix} {where.collection}: {reason}"), soft_wrap=True
        )


async def _drop(
    failed: FailedDocuments,
    prefix: str | None,
    collection: str | None,
    ids: Sequence[str] | None,
    yes: bool,
) -> int:
    """How many were dropped."""
    chosen = await _choose(failed, prefix, collection, ids)
    count = sum(len(seqs) for _, seqs, _ in chosen)
    only_here = sum(only for _, _, only in chosen)
    if not count:
        return 0
    if only_here:
        err.print(
            f"{only_here:,} of them are nowhere else: dropped, they are gone for good."
            if count > 1
            else "It is nowhere else: dropped, it is gone for good."
        )
    if not yes:
        typer.confirm(f"Drop {counted(count, 'failed document')}?", abort=True, err=True)
    dropped = 0
    with progress() as bar:
        task = bar.add_task("Dropping", total=count)
        for each, seqs, _ in chosen:
            for start in range(0, len(seqs), _DROPPED_AT_ONCE):
                dropped += await failed.drop(each, seqs[start : start + _DROPPED_AT_ONCE])
                bar.update(task, completed=dropped)
    return dropped


async def _choose(
    failed: FailedDocuments,
    prefix: str | None,
    collection: str | None,
    ids: Sequence[str] | None,
) -> list[tuple[FailedCollection, list[int], int]]:
    """Of each collection the documents of these ids, or all, and how many are only there."""
    collections = await _collections_with_any(failed, prefix, collection)
    missing = set(ids or ())
    chosen = []
    with progress() as bar:
        task = bar.add_task("Looking", total=sum(each.total for each in collections))
        for each in collections:
            seqs, only_here = [], 0
            async for page in failed.pages(each):
                for document in page:
                    if ids is None or document.id in ids:
                        seqs.append(document.seq)
                        only_here += not document.reason.startswith("raised")
                        missing.discard(document.id or "")
                bar.advance(task, len(page))
            chosen.append((each, seqs, only_here))
    if missing:
        names = ", ".join(sorted(missing))
        raise CommandError(f"No failed document has the id {names}; nothing was dropped.")
    return chosen
