"""`parlant-supabase export`: all documents as JSON Lines."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from parlant_supabase.cli import transfer_report as reporting
from parlant_supabase.cli.display import err, out, progress
from parlant_supabase.cli.errors import CommandError
from parlant_supabase.cli.interruption import INTERRUPTED
from parlant_supabase.cli.transfer_options import PrefixOption
from parlant_supabase.errors import SupabaseAdapterError
from parlant_supabase.rpc.client import RpcClient
from parlant_supabase.settings import ConnectionSettings
from parlant_supabase.transfer.exporting import Exported, export
from parlant_supabase.transfer.project import Project


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
        async with RpcClient(settings) as rpc:
            project = Project(rpc)
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
        raise typer.Exit(INTERRUPTED) from None
    # Where the documents go to standard output, nothing else does.
    if as_json:
        typer.echo(json.dumps(reporting.export_summary(exported)), err=output is None)
    else:
        reporting.show_export(
            exported, err if output is None else out, str(output or "standard output")
        )


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
