"""`parlant-supabase sessions`: conversations in the terminal."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated, Any

import typer
from parlant.core.persistence.common import Cursor, ObjectId, SortDirection
from rich.table import Table
from rich.text import Text

from parlant_supabase.cli.display import out, plain
from parlant_supabase.cli.errors import CommandError
from parlant_supabase.cli.interruption import interruptible
from parlant_supabase.cli.options import DEFAULT_SESSION_PREFIX, SessionPrefix
from parlant_supabase.customer_data.documents import find_documents
from parlant_supabase.customer_data.transcript import Line, lines_of
from parlant_supabase.rpc.client import RpcClient
from parlant_supabase.rpc.functions import FIND_ONE, LIST_SESSIONS
from parlant_supabase.rpc.pagination import next_cursor, page_arguments
from parlant_supabase.settings import ConnectionSettings
from parlant_supabase.transfer.records import Part

_PAGE_SESSIONS = 100
_SECONDS_BETWEEN_LOOKS = 0.5

session_commands = typer.Typer(
    help="List conversations, and show one as it is or as it goes on.", no_args_is_help=True
)


@session_commands.command("list")
def list_sessions(
    customer: Annotated[
        str | None, typer.Option(show_default="every customer", help="Only of this customer (id).")
    ] = None,
    agent: Annotated[
        str | None, typer.Option(show_default="every agent", help="Only of this agent (id).")
    ] = None,
    label: Annotated[
        list[str] | None, typer.Option(help="Only with all of these labels; give one or several.")
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="DATE", show_default="any time", help="Only begun on this day or later (UTC)."
        ),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Most sessions to list.")] = 50,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object a session, each on a line.")
    ] = False,
    session_prefix: SessionPrefix = DEFAULT_SESSION_PREFIX,
) -> None:
    """List sessions, the newest first."""

    async def run() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        cursor: Cursor | None = None
        async with RpcClient(ConnectionSettings.from_environment()) as rpc:
            while len(found) < limit:
                reply = await rpc.call(
                    LIST_SESSIONS,
                    {
                        "p_prefix": session_prefix,
                        "p_agent_id": agent,
                        "p_customer_id": customer,
                        "p_labels": label or None,
                        **page_arguments(
                            min(_PAGE_SESSIONS, limit - len(found)), cursor, SortDirection.DESC
                        ),
                    },
                    "listing sessions",
                )
                page = [each for each in reply["items"] if each["creation_utc"] >= (since or "")]
                found += page
                cursor = next_cursor(reply)
                if cursor is None or len(page) < len(reply["items"]):
                    break
        return found

    sessions = asyncio.run(run())
    if as_json:
        for session in sessions:
            session.pop("agent_states", None)
            typer.echo(json.dumps(session))
        return
    if not sessions:
        out.print("No such sessions.")
        return
    table = Table("Session", "Begun (UTC)", "Customer", "Agent", "Title", "Labels", box=None)
    for session in sessions:
        table.add_row(
            plain(session["id"]),
            plain(str(session.get("creation_utc", ""))[:16].replace("T", " ")),
            plain(session.get("customer_id") or "-"),
            plain(session.get("agent_id") or "-"),
            plain(session.get("title") or "-"),
            plain(", ".join(map(str, session.get("labels") or ())) or "-"),
        )
    out.print(table)


@session_commands.command("show")
def show_session(
    session_id: Annotated[str, typer.Argument(metavar="ID", help="The session's id.")],
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Show what comes, until Ctrl-C.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object an event, each on a line.")
    ] = False,
    session_prefix: SessionPrefix = DEFAULT_SESSION_PREFIX,
) -> None:
    """Show a conversation: messages, calls of tools and custom events, with their times.

    Deleted messages are among them, marked as such.
    """

    async def run() -> None:
        part = Part(session_prefix, "events")
        async with RpcClient(ConnectionSettings.from_environment()) as rpc:
            session = await rpc.call(
                FIND_ONE,
                {
                    "p_prefix": session_prefix,
                    "p_collection": "sessions",
                    "p_filters": {"id": {"$eq": session_id}},
                },
                f"reading session {session_id!r}",
            )
            if session["document"] is None:
                raise CommandError(
                    f"There is no session {session_id} under the prefix {session_prefix}; "
                    "`parlant-supabase sessions list` lists those there are."
                )
            last: Cursor | None = None
            while True:
                async for event in find_documents(rpc, part, "session_id", session_id, last):
                    last = Cursor(creation_utc=event["creation_utc"], id=ObjectId(event["id"]))
                    _show(event, as_json=as_json)
                if not follow:
                    return
                await asyncio.sleep(_SECONDS_BETWEEN_LOOKS)

    with interruptible():
        asyncio.run(run())


def _show(event: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(event))
        return
    for line in lines_of(event):
        out.print(_line(line), soft_wrap=True)


def _line(line: Line) -> Text:
    time = f"{line.at[:19].replace('T', ' ')}  "
    speaker = f"{line.speaker}: " if line.kind == "message" else f"[{line.speaker}] "
    style = "bold" if line.kind == "message" else "dim"
    text = Text.assemble((time, "dim"), (plain(speaker).plain, style), plain(line.text))
    if line.is_deleted:
        text.append(" (deleted)", style="dim")
    return text
