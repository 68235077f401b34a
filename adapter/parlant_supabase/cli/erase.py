"""`parlant-supabase erase` and `anonymize`: a customer or a session, for good."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Awaitable, Callable
from typing import Annotated

import typer
from rich.table import Table

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
from parlant_supabase.customer_data.erasure import Advance, Counts, Erasure
from parlant_supabase.plurals import counted
from parlant_supabase.rpc.client import RpcClient
from parlant_supabase.settings import ConnectionSettings
from parlant_supabase.store_layout import StorePrefixes

_OUT_OF_REACH = (
    "backups and point-in-time recovery of the project, until they expire",
    "logs of the database and the API, and of this machine and the agent's (parlant.log)",
    "traces and metrics that the agent sends elsewhere",
    "what the provider of the language model keeps",
    "files that were exported before",
)

_GUEST = "guest"

YesOption = Annotated[
    bool, typer.Option("--yes", "-y", help="Do it; without this nothing is changed.")
]

erase_commands = typer.Typer(
    help="Erase a customer or a session for good. Lists what would go, unless told --yes.",
    no_args_is_help=True,
)


@erase_commands.command()
def customer(
    customer_id: Annotated[str, typer.Argument(metavar="ID", help="The customer's id.")],
    yes: YesOption = False,
    as_json: JSONOutcome = False,
    session_prefix: SessionPrefix = DEFAULT_SESSION_PREFIX,
    customer_prefix: CustomerPrefix = DEFAULT_CUSTOMER_PREFIX,
    variable_prefix: VariablePrefix = DEFAULT_VARIABLE_PREFIX,
) -> None:
    """Erase all that is stored of a customer: sessions, events, values, tags, failed copies.

    The customer goes last, so an erasure that was interrupted is finished by
    running it again. An agent that is answering the customer meanwhile ends
    its turn with an error, as its session is gone.
    """
    _refuse_guest(customer_id)
    prefixes = StorePrefixes(session_prefix, customer_prefix, variable_prefix)
    _carry_out(
        prefixes,
        f"customer {customer_id}",
        count=lambda erasure: erasure.count_customer(customer_id),
        act=(lambda erasure, advance: erasure.erase_customer(customer_id, advance))
        if yes
        else None,
        verb="erased",
        as_json=as_json,
    )


@erase_commands.command()
def session(
    session_id: Annotated[str, typer.Argument(metavar="ID", help="The session's id.")],
    yes: YesOption = False,
    as_json: JSONOutcome = False,
    session_prefix: SessionPrefix = DEFAULT_SESSION_PREFIX,
) -> None:
    """Erase a session with all its events, also those marked as deleted, and failed copies."""
    _carry_out(
        StorePrefixes(session_prefix),
        f"session {session_id}",
        count=lambda erasure: erasure.count_session(session_id),
        act=(lambda erasure, advance: erasure.erase_session(session_id, advance)) if yes else None,
        verb="erased",
        as_json=as_json,
    )


anonymize_commands = typer.Typer(
    help="Take a customer out of the conversations, and keep these for statistics.",
    no_args_is_help=True,
)


@anonymize_commands.command("customer")
def anonymize_customer(
    customer_id: Annotated[str, typer.Argument(metavar="ID", help="The customer's id.")],
    keep_messages: Annotated[
        bool,
        typer.Option(
            "--keep-messages",
            help="Keep the texts of messages, which may name the customer all the same.",
        ),
    ] = False,
    yes: YesOption = False,
    as_json: JSONOutcome = False,
    session_prefix: SessionPrefix = DEFAULT_SESSION_PREFIX,
    customer_prefix: CustomerPrefix = DEFAULT_CUSTOMER_PREFIX,
    variable_prefix: VariablePrefix = DEFAULT_VARIABLE_PREFIX,
) -> None:
    """Replace a customer by an anonymous one; it cannot be undone.

    Sessions keep their times, labels and agent. Names, titles, metadata,
    arguments and results of tools, values, tags and failed copies go; texts
    of messages go, too, unless told --keep-messages.
    """
    _refuse_guest(customer_id)
    prefixes = StorePrefixes(session_prefix, customer_prefix, variable_prefix)
    anonymous_id = secrets.token_urlsafe(8)
    _carry_out(
        prefixes,
        f"customer {customer_id}",
        count=lambda erasure: erasure.count_customer(customer_id),
        act=(
            lambda erasure, advance: erasure.anonymize_customer(
                customer_id, anonymous_id, keep_messages=keep_messages, advance=advance
            )
        )
        if yes
        else None,
        verb="changed or erased",
        as_json=as_json,
    )


def _refuse_guest(customer_id: str) -> None:
    if customer_id == _GUEST:
        raise CommandError(
            "The guest stands for everybody who has no customer of their own; erase single "
            "sessions with `parlant-supabase erase session ID`."
        )


def _carry_out(
    prefixes: StorePrefixes,
    subject: str,
    *,
    count: Callable[[Erasure], Awaitable[Counts]],
    act: Callable[[Erasure, Advance], Awaitable[Counts]] | None,
    verb: str,
    as_json: bool,
) -> None:
    """Counts what is stored of a subject, does what it is told to, and prints the outcome."""
    settings = ConnectionSettings.from_environment()

    async def run() -> tuple[Counts, Counts | None]:
        async with RpcClient(settings) as rpc:
            erasure = Erasure(rpc, prefixes)
            with err.status("Looking ..."):
                found = await count(erasure)
            if act is None:
                return found, None
            with progress() as bar:
                task = bar.add_task("Working", total=found.total() or None)
                done = await act(erasure, lambda rows: bar.advance(task, rows))
            return found, done

    with interruptible("Interrupted; run it again to finish what is left."):
        found, done = asyncio.run(run())
    if as_json:
        counts = +found if done is None else +done
        typer.echo(json.dumps({"dry_run": done is None, "tables": dict(counts)}))
        return
    counts = found if done is None else done
    if counts.total():
        out.print(_table(counts))
    if done is not None:
        out.print(plain(f"{counted(done.total(), 'row')} of {subject} {verb}."), soft_wrap=True)
        out.print("Out of reach of this command:")
        for place in _OUT_OF_REACH:
            out.print(plain(f"  - {place}"), soft_wrap=True)
    elif found.total():
        out.print(
            plain(
                f"{counted(found.total(), 'row')} of {subject} would be {verb}; nothing was "
                "changed. Run it again with --yes to do it."
            ),
            soft_wrap=True,
        )
    else:
        out.print(plain(f"Nothing is stored of {subject}."), soft_wrap=True)


def _table(counts: Counts) -> Table:
    table = Table("Table", box=None, pad_edge=False)
    table.add_column("Rows", justify="right")
    for name, count in sorted(counts.items()):
        if count:
            table.add_row(plain(name), f"{count:,}")
    return table
