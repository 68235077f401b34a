"""`parlant-supabase import` and `parlant-supabase export` on the command line."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from parlant_supabase.commands.display import err, out, plain, progress
from parlant_supabase.commands.errors import CommandError
from parlant_supabase.commands.parlant_stores import parlant_stores
from parlant_supabase.errors import SupabaseAdapterError
from parlant_supabase.settings import ConnectionSettings
from parlant_supabase.transfer import reporting
from parlant_supabase.transfer.archive import Archive, check
from parlant_supabase.transfer.exporting import Exported, export
from parlant_supabase.transfer.importing import Import, OnConflict
from parlant_supabase.transfer.json_files import JSONFiles
from parlant_supabase.transfer.ledger import Ledger
from parlant_supabase.transfer.mongodb import MongoDB, connect
from parlant_supabase.transfer.parlant_layout import PREFIX_OF_COLLECTION, PREFIX_OF_STORE
from parlant_supabase.transfer.project import Project
from parlant_supabase.transfer.records import METADATA, Part, Source
from parlant_supabase.transfer.tables import Tables
from parlant_supabase.transport import Transport

_INTERRUPTED = 130
"""The exit code of a process that Ctrl-C has ended."""

Rename = Callable[[str], str]

PrefixOption = Annotated[
    str,
    typer.Option(
        show_default="every prefix", help="Only stores whose table prefix begins with this."
    ),
]


def export_command(
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", show_default="standard output", help="File to write; made anew."
        ),
    ] = None,
    prefix: PrefixOption = "",
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the summary as one JSON object.")
    ] = False,
) -> None:
    """Write all documents as JSON Lines, for a backup or for another project.

    Failed documents are in it, too. Documents come in order of insertion,
    each as it is when its page is read: what is written meanwhile may be in
    it or not, so stop the agents if it is to be of one moment.

    An export that did not get to its end lacks its last line, and import
    says so.
    """
    settings = ConnectionSettings.from_environment()

    async def run(file: BinaryIO) -> Exported:
        async with Transport(settings) as transport:
            project = Project(transport)
            with err.status("Looking at the collections ..."):
                sizes = await project.parts(prefix)
            if not sizes:
                raise CommandError(
                    "There is no such collection; `parlant-supabase doctor` lists those there are."
                )
            with progress() as bar:
                task = bar.add_task("Exporting", total=sum(sizes.values()))
                return await export(
                    project, list(sizes), file, lambda count: bar.advance(task, count)
                )

    try:
        if output is None:
            exported = asyncio.run(run(sys.stdout.buffer))
        else:
            with _replacing(output) as file:
                exported = asyncio.run(run(file))
    except KeyboardInterrupt:
        err.print("Interrupted; nothing was exported." if output else "Interrupted.")
        raise typer.Exit(_INTERRUPTED) from None
    # Where the documents go to standard output, nothing else does.
    if as_json:
        typer.echo(json.dumps(reporting.export_summary(exported)), err=output is None)
    else:
        reporting.show_export(
            exported, err if output is None else out, str(output or "standard output")
        )


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
    prefix: PrefixOption = "",
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
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Change nothing; count what would be imported.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the summary as one JSON object.")
    ] = False,
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
            async with Transport(settings) as transport:
                project = Project(transport)
                found = opened or await _open_tables(
                    project, str(from_tables), renamed, adopt=not dry_run
                )
                with progress() as bar:
                    task = bar.add_task("Importing", total=found.total)
                    importing = Import(
                        found,
                        project,
                        ledger,
                        place=_placing(prefix, renamed if opened else str),
                        on_conflict=on_conflict,
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

        try:
            found = asyncio.run(run())
        except (KeyboardInterrupt, SupabaseAdapterError) as error:
            if running and not dry_run:
                err.print(plain(f"Interrupted: {reporting.progress_so_far(running[0])}"))
            if isinstance(error, SupabaseAdapterError):
                raise
            raise typer.Exit(_INTERRUPTED) from None
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
    if path.is_dir() or path.name in {f"{store}.json" for store in PREFIX_OF_STORE}:
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
        (target,) = (
            PREFIX_OF_COLLECTION[name] for name in store.loaders.keys() & PREFIX_OF_COLLECTION
        )
        for name in store.loaders.keys() - {METADATA}:
            target_of[name] = rename(target)
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


@contextmanager
def _replacing(path: Path) -> Iterator[BinaryIO]:
    """A file that takes the place of what is there once it is written to its end.

    Raises:
        CommandError: It cannot be written.
    """
    if path.exists() and not path.is_file():
        raise CommandError(f"{path} is no file; leave out --output to write to standard output.")
    try:
        # Conversations are in it, so it is readable for its owner alone.
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with open(descriptor, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.replace(name, path)
        except BaseException:
            os.unlink(name)
            raise
    except SupabaseAdapterError:
        # Some of these are OSErrors, too.
        raise
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror}.") from None
