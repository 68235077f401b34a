"""`parlant-supabase import`: documents of a file, a folder or tables into the project."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from parlant_supabase.cli import transfer_report as reporting
from parlant_supabase.cli.display import err, plain, progress
from parlant_supabase.cli.errors import CommandError
from parlant_supabase.cli.interruption import interruptible
from parlant_supabase.cli.options import BeginningOfPrefixes, JSONOutcome
from parlant_supabase.errors import SupabaseAdapterError
from parlant_supabase.rpc.client import RpcClient
from parlant_supabase.settings import ConnectionSettings
from parlant_supabase.store_layout import METADATA
from parlant_supabase.stores.parlant_stores import parlant_stores
from parlant_supabase.transfer.archive import Archive, check
from parlant_supabase.transfer.importing import Import, OnConflict
from parlant_supabase.transfer.ledger import Ledger
from parlant_supabase.transfer.project import Project
from parlant_supabase.transfer.readability import Readability
from parlant_supabase.transfer.records import Part, Source
from parlant_supabase.transfer.sources.json_files import JSONFiles
from parlant_supabase.transfer.sources.mongodb import MongoDB, connect
from parlant_supabase.transfer.sources.parlant_layout import STORES_BY_NAME
from parlant_supabase.transfer.sources.tables import Tables

Rename = Callable[[str], str]


def import_command(
    source: Annotated[
        str | None,
        typer.Argument(
            metavar="SOURCE",
            show_default=False,
            help="What to import: a file that `export` wrote, or - for standard input; Parlant's "
            "folder of JSON files, such as parlant-data, or one of them; or the mongodb:// URL "
            "that Parlant's stores were given.",
        ),
    ] = None,
    from_tables: Annotated[
        str | None,
        typer.Option(
            metavar="PREFIX",
            show_default=False,
            help="Import from the tables under this prefix in the same project, also from the "
            "earlier adapter's; they are kept.",
        ),
    ] = None,
    prefix: BeginningOfPrefixes = "",
    rename: Annotated[
        str | None,
        typer.Option(
            metavar="OLD=NEW",
            show_default=False,
            help="Import stores whose table prefix begins with OLD to a prefix that begins with "
            "NEW instead: parlant_=acme_ gives acme_sessions_ and so on.",
        ),
    ] = None,
    on_conflict: Annotated[
        OnConflict,
        typer.Option(
            help="What to do about documents whose id a different one in the project has: leave "
            "them out and fail in the end, leave them out, or replace what is there."
        ),
    ] = OnConflict.FAIL,
    replace_unstorable: Annotated[
        bool,
        typer.Option(
            "--replace-unstorable",
            help="Replace characters and numbers that the database cannot hold (U+0000, halves of "
            "surrogate pairs, NaN) by U+FFFD and null, and say where, instead of leaving out their "
            "documents.",
        ),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Change nothing; count what would be imported.")
    ] = False,
    as_json: JSONOutcome = False,
) -> None:
    """Bring documents into the project, and read them back; fails unless all are equal.

    What is there already, exactly as it is, is left alone, so an import that
    was cut off can be run again. Stop the agents that write to the source.

    Documents of an older version of Parlant come as they are; Parlant
    converts them when an agent opens the store.
    """
    if (source is None) == (from_tables is None):
        raise CommandError(
            "Name what to import: a file, a folder, a mongodb:// URL, or tables by --from-tables."
        )
    renamed = _parse_rename(rename)
    settings = ConnectionSettings.from_environment()
    with ExitStack() as stack:
        with err.status("Looking at the source ..."):
            opened = None if source is None else _open(source, stack)
        ledger = stack.enter_context(Ledger())
        running: list[Import] = []

        async def run() -> Source:
            async with RpcClient(settings) as rpc:
                project = Project(rpc)
                found = opened or await _open_tables(
                    project, str(from_tables), renamed, adopt=not dry_run
                )
                with progress() as bar:
                    task = bar.add_task("Importing", total=found.total)
                    importing = Import(
                        found,
                        project,
                        ledger,
                        readability=Readability(await parlant_stores(), found.parts),
                        place=_placing(prefix, renamed if opened else str),
                        on_conflict=on_conflict,
                        replace_unstorable=replace_unstorable,
                        dry_run=dry_run,
                        advance=lambda count: bar.advance(task, count),
                    )
                    running.append(importing)
                    await importing.run()
                read = sum(tally.read for tally in importing.tallies.values())
                with progress() as bar:
                    task = bar.add_task("Reading back", total=read)
                    await importing.compare(lambda count: bar.advance(task, count))
                return found

        with interruptible():
            try:
                found = asyncio.run(run())
            except (KeyboardInterrupt, SupabaseAdapterError):
                if running and not dry_run:
                    err.print(plain(f"Interrupted: {reporting.progress_so_far(running[0])}"))
                raise
    (importing,) = running
    if as_json:
        summary = reporting.import_summary(importing, found.notes, dry_run=dry_run)
        typer.echo(json.dumps(summary))
    else:
        reporting.show_import(importing, found.notes, dry_run=dry_run)
    if not importing.is_complete:
        raise typer.Exit(1)


def _open(source: str, stack: ExitStack) -> Source:
    """What an argument names; files are closed with the stack."""
    if source.startswith(("mongodb://", "mongodb+srv://")):
        return MongoDB(stack.enter_context(connect(source)))
    if source == "-":
        return Archive(sys.stdin.buffer, "standard input")
    path = Path(source)
    if path.is_dir() or path.name in {f"{store}.json" for store in STORES_BY_NAME}:
        return JSONFiles(path)
    try:
        archive = Archive(stack.enter_context(path.open("rb")), source)
        if path.is_file():
            # A file that was cut off is refused before anything is written; what it holds can still
            # be had through standard input.
            end = check(path)
            archive.total = end.documents + end.failed
    except OSError as error:
        raise CommandError(f"{source} cannot be read: {error.strerror}.") from None
    return archive


async def _open_tables(project: Project, prefix: str, rename: Rename, *, adopt: bool) -> Tables:
    target_of = {}
    for store in await parlant_stores():
        for name in store.loaders.keys() - {METADATA}:
            target_of[name] = rename(store.layout.table_prefix)
    return await Tables.open(project, prefix, target_of, adopt=adopt)


def _parse_rename(rename: str | None) -> Rename:
    if rename is None:
        return str
    old, separator, new = rename.partition("=")
    if not separator or not new:
        raise CommandError(
            "--rename takes the beginning of the prefixes as they are and as they are to be, such "
            "as parlant_=acme_."
        )
    return lambda prefix: new + prefix[len(old) :] if prefix.startswith(old) else prefix


def _placing(prefix: str, rename: Rename) -> Callable[[Part], Part | None]:
    def place(part: Part) -> Part | None:
        if not part.prefix.startswith(prefix):
            return None
        return part._replace(prefix=rename(part.prefix))

    return place
