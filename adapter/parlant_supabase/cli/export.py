"""`parlant-supabase export`: all documents as JSON Lines."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from enum import Enum
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from parlant_supabase.cli import transfer_report as reporting
from parlant_supabase.cli.display import err, out, plain, progress
from parlant_supabase.cli.errors import CommandError
from parlant_supabase.cli.interruption import interruptible
from parlant_supabase.cli.options import (
    DEFAULT_CUSTOMER_PREFIX,
    DEFAULT_SESSION_PREFIX,
    DEFAULT_VARIABLE_PREFIX,
    BeginningOfPrefixes,
    CustomerPrefix,
    JSONOutcome,
    SessionPrefix,
    VariablePrefix,
)
from parlant_supabase.cli.output_file import output_to
from parlant_supabase.customer_data.access import CustomerAccess, write_archive, write_page
from parlant_supabase.rpc.client import RpcClient
from parlant_supabase.settings import ConnectionSettings
from parlant_supabase.store_layout import StorePrefixes
from parlant_supabase.transfer.exporting import Exported, export
from parlant_supabase.transfer.project import Project
from parlant_supabase.transfer.records import Part


class Format(str, Enum):
    """How a customer's data is written."""

    JSONL = "jsonl"
    HTML = "html"


def export_command(
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", show_default="standard output", help="File to write; made anew."
        ),
    ] = None,
    prefix: BeginningOfPrefixes = "",
    customer: Annotated[
        str | None,
        typer.Option(
            metavar="ID",
            show_default="everybody",
            help="Only what is stored of this customer, for an access request.",
        ),
    ] = None,
    output_format: Annotated[
        Format,
        typer.Option(
            "--format", help="With --customer: html writes a page for a person to read and print."
        ),
    ] = Format.JSONL,
    as_json: JSONOutcome = False,
    session_prefix: SessionPrefix = DEFAULT_SESSION_PREFIX,
    customer_prefix: CustomerPrefix = DEFAULT_CUSTOMER_PREFIX,
    variable_prefix: VariablePrefix = DEFAULT_VARIABLE_PREFIX,
) -> None:
    """Write all documents as JSON Lines, for a backup or for another project.

    Failed documents are in it, too. Documents come in order of insertion,
    each as it is when its page is read: what is written meanwhile may be in
    it or not, so stop the agents if it is to be of one moment. At the end
    the documents are counted in the project; the exit code is 1 if their
    number is not the exported one and nothing written meanwhile explains it.

    An export that did not get to its end lacks its last line, and import
    says so.
    """
    if customer is not None:
        if prefix:
            raise CommandError(
                "--prefix does not go with --customer; use --session-prefix, --customer-prefix "
                "and --variable-prefix."
            )
        prefixes = StorePrefixes(session_prefix, customer_prefix, variable_prefix)
        _export_customer(customer, prefixes, output_format, output, as_json=as_json)
        return
    if output_format is not Format.JSONL:
        raise CommandError("--format html is for one customer; name one with --customer.")
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
                    project, list(sizes), file, lambda count: bar.advance(task, count), prefix
                )

    with interruptible(_interrupted(output)), output_to(output) as file:
        exported = asyncio.run(run(file))
    # Where the documents go to standard output, nothing else does.
    if as_json:
        typer.echo(json.dumps(reporting.export_summary(exported)), err=output is None)
    else:
        reporting.show_export(
            exported, err if output is None else out, str(output or "standard output")
        )
    if exported.differences:
        for each in exported.differences:
            err.print(plain(reporting.describe_difference(each)), soft_wrap=True)
        raise typer.Exit(1)


def _export_customer(
    customer_id: str,
    prefixes: StorePrefixes,
    output_format: Format,
    output: Path | None,
    *,
    as_json: bool,
) -> None:
    async def run(file: BinaryIO) -> Counter[Part]:
        async with RpcClient(ConnectionSettings.from_environment()) as rpc:
            access = CustomerAccess(rpc, prefixes, customer_id)
            with err.status("Reading ..."):
                return await _WRITERS[output_format](access, file)

    with interruptible(_interrupted(output)), output_to(output) as file:
        counts = asyncio.run(run(file))
    if as_json:
        typer.echo(json.dumps(reporting.customer_summary(counts)), err=output is None)
    else:
        reporting.show_customer_export(
            counts, err if output is None else out, customer_id, str(output or "standard output")
        )


def _interrupted(output: Path | None) -> str:
    return "Interrupted; nothing was exported." if output else "Interrupted."


_WRITERS = {Format.JSONL: write_archive, Format.HTML: write_page}
