"""`parlant-supabase expire`: sessions, failed documents and cached values that are old."""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Annotated

import typer

from parlant_supabase.cli.display import err, out, plain, progress
from parlant_supabase.cli.errors import CommandError
from parlant_supabase.cli.interruption import interruptible
from parlant_supabase.cli.options import (
    DEFAULT_CUSTOMER_PREFIX,
    DEFAULT_SESSION_PREFIX,
    DEFAULT_VARIABLE_PREFIX,
    CustomerPrefix,
    JSONOutcome,
    SessionPrefix,
    VariablePrefix,
)
from parlant_supabase.cli.output_file import replacing
from parlant_supabase.customer_data.erasure import Counts
from parlant_supabase.customer_data.expiry import Expiry, Rule
from parlant_supabase.plurals import counted
from parlant_supabase.rpc.client import RpcClient
from parlant_supabase.settings import ConnectionSettings
from parlant_supabase.store_layout import StorePrefixes
from parlant_supabase.transfer.archive import check

_AGE = re.compile(r"(\d+)([hdw])")
_UNITS = {"h": "hours", "d": "days", "w": "weeks"}


def expire(
    older_than: Annotated[
        str, typer.Option(help="Age in hours, days or weeks: 12h, 90d, 52w.", show_default=False)
    ],
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Erase them; without this nothing is changed.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Change nothing, which is the default.")
    ] = False,
    keep_tag: Annotated[
        list[str] | None,
        typer.Option(
            help="Keep the sessions of customers with this tag (its id); give one or several."
        ),
    ] = None,
    label: Annotated[
        list[str] | None,
        typer.Option(help="Only sessions with this label; give one or several."),
    ] = None,
    archive: Annotated[
        Path | None,
        typer.Option(
            show_default=False,
            help="File to write before anything is erased, in the format that `import` reads.",
        ),
    ] = None,
    as_json: JSONOutcome = False,
    session_prefix: SessionPrefix = DEFAULT_SESSION_PREFIX,
    customer_prefix: CustomerPrefix = DEFAULT_CUSTOMER_PREFIX,
    variable_prefix: VariablePrefix = DEFAULT_VARIABLE_PREFIX,
) -> None:
    """Erase sessions without an event for that long, and documents that failed before.

    What servers keep with warm_start goes by its last use.
    A session that gets an event meanwhile stays. Customers and the values of
    their context variables stay; see `erase customer`.
    """
    if yes and dry_run:
        raise CommandError("--yes and --dry-run contradict each other; give one of them.")
    rule = Rule(_moment(older_than), keep_tag or (), label or ())
    prefixes = StorePrefixes(session_prefix, customer_prefix, variable_prefix)
    with interruptible("Interrupted; run it again to finish what is left."):
        found, erased = asyncio.run(_run(prefixes, rule, archive, act=yes))
    if as_json:
        typer.echo(json.dumps({"dry_run": not yes, **found, "erased": dict(erased)}))
        return
    text = (
        f"{counted(found['sessions'], 'session')} with {counted(found['events'], 'event')} and "
        f"{counted(found['failed_documents'], 'failed document')} older than {older_than}"
    )
    if found["cached_values"]:
        text += f", and {counted(found['cached_values'], 'cached value')} unused for as long"
    if archive is not None:
        out.print(plain(f"Archived to {archive}."), soft_wrap=True)
    if yes:
        out.print(plain(f"Found {text}; {counted(erased.total(), 'row')} erased."), soft_wrap=True)
    else:
        out.print(
            plain(f"{text} would be erased; nothing was changed. Run it again with --yes."),
            soft_wrap=True,
        )


async def _run(
    prefixes: StorePrefixes, rule: Rule, archive: Path | None, *, act: bool
) -> tuple[dict[str, int], Counts]:
    async with RpcClient(ConnectionSettings.from_environment()) as rpc:
        expiry = Expiry(rpc, prefixes, rule)
        with err.status("Looking for what has expired ..."):
            sessions = await expiry.sessions()
            failed = [record async for record in expiry.failed_documents()]
        found = {
            "sessions": len(sessions),
            "events": sum(session["events"] for session in sessions),
            "failed_documents": len(failed),
            "cached_values": await expiry.unused_cached_values(),
        }
        if archive is not None:
            with err.status("Archiving ..."):
                with replacing(archive) as file:
                    written = await expiry.archive(sessions, file)
                if check(archive) != written:
                    raise CommandError(
                        f"{archive} is not as it was written; nothing was erased. Write it to "
                        "another disk."
                    )
        erased: Counts = Counter()
        if act:
            with progress() as bar:
                task = bar.add_task("Erasing", total=found["sessions"] + found["events"])
                erased = await expiry.erase(sessions, lambda rows: bar.advance(task, rows))
        return found, erased


def _moment(older_than: str) -> datetime:
    match = _AGE.fullmatch(older_than)
    if match is None or not int(match[1]):
        raise CommandError(
            f"{older_than!r} is not an age; write hours, days or weeks such as 12h, 90d or 52w."
        )
    try:
        return datetime.now(timezone.utc) - timedelta(**{_UNITS[match[2]]: int(match[1])})
    except OverflowError:
        raise CommandError(f"{older_than} is longer ago than time is counted here.") from None
