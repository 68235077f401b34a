"""Shows that a Parlant server's conversations survive its restart, on a real Supabase stack.

    make demo

A first server process holds the conversations of support_conversations.json and is killed while it
types an answer. A second one starts with what the first had worked out, gives that answer, and
serves everything again: every record is compared with what the first one served. The exit code is 0
only if nothing differs.
"""

from __future__ import annotations

import asyncio
import signal
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path

from parlant_supabase.deployment.package_files import find_project
from parlant_supabase.local import LocalStack, LocalStackError, StackDatabase
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from demo.conversations import CONVERSATIONS, read_conversations
from demo.parlant_process import ParlantProcess, ParlantProcessError
from demo.replay import ReplayError, ask_in_vain, expect_the_answer, replay
from demo.snapshot import Difference, Snapshot, compare, take_snapshot, without_the_answer
from demo.table_editor import list_tables, print_tables

# What Parlant calls the files of stores that it keeps in PARLANT_HOME itself.
LOCAL_STORE_FILES = ("sessions.json", "customers.json", "context_variables.json")
MOST_DIFFERENCES_PRINTED = 20


def main() -> int:
    """Run the demo; return the exit code."""
    console = Console(highlight=False)
    # What `kill` and a closed terminal send ends everything as orderly as Ctrl-C does.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        return 0 if run_demo(console) else 1
    except (LocalStackError, ParlantProcessError, ReplayError) as error:
        console.print(f"[bold red]Error:[/] {escape(str(error))}", soft_wrap=True)
        return 1
    except KeyboardInterrupt:
        console.print("Interrupted; nothing is left running.")
        return 130


def run_demo(
    console: Console,
    conversations: Path = CONVERSATIONS,
    between: Callable[[StackDatabase], None] | None = None,
) -> bool:
    """Boot a stack and run both server processes on it; say whether everything survived.

    `between` is called while no server runs.
    """
    console.print("[bold]Parlant on Supabase: conversations that survive a restart[/]\n")
    with tempfile.TemporaryDirectory(prefix="parlant-demo-") as scratch:
        # No step is shown: where programs are missing, fetching them has a display of its own.
        started = time.monotonic()
        with LocalStack.temporary() as stack:
            print_done(
                console,
                f"A Supabase stack runs at {stack.url}, its data in a throw-away folder",
                started,
            )
            with step(console, "Deploying") as done:
                stack.deploy(find_project())
                done("`supabase db push` has deployed the tables and functions")
            return asyncio.run(
                compare_processes(console, stack, conversations, Path(scratch), between)
            )


async def compare_processes(
    console: Console,
    stack: LocalStack,
    file: Path,
    scratch: Path,
    between: Callable[[StackDatabase], None] | None,
) -> bool:
    """Converse with one server process, read everything back from another."""
    # A PARLANT_HOME for each: the second process cannot know anything from local files.
    first, second = scratch / "first", scratch / "second"
    conversations = read_conversations(file)
    question = conversations["interrupted"]["text"]
    calls = []
    dying = ParlantProcess(stack, file, first, unanswered=question)
    async with running_server(console, "first", dying) as server:
        calls.append(server.model_calls())
        await converse(console, server, file)
        session_id = await ask_in_vain(server, conversations)
        before = await take_snapshot(server)
        console.print(f"[green]✓[/] It is killed while it types an answer to {question!r}")
        server.kill()
    if between is not None:
        between(stack)
    async with running_server(console, "second", ParlantProcess(stack, file, second)) as server:
        calls.append(server.model_calls())
        with step(console, "Waiting for the answer that is missing") as done:
            await expect_the_answer(server, conversations, session_id)
            done("The second has answered it, unasked")
        after = await take_snapshot(server)
    print_model_calls(console, *calls)
    after = without_the_answer(before, after, session_id)
    differences = compare(before, after)

    print_conversation(console, after)
    print_tables(console, list_tables(stack.database_url))
    misplaced = print_local_files(console, [first, second], before)
    print_comparison(console, before, after, differences)
    return print_verdict(console, before, differences, misplaced)


@asynccontextmanager
async def running_server(
    console: Console, which: str, server: ParlantProcess
) -> AsyncIterator[ParlantProcess]:
    """Have the server run, and say so."""
    async with AsyncExitStack() as exits:
        with step(console, f"Starting the {which} Parlant server") as done:
            await exits.enter_async_context(server)
            done(f"The {which} Parlant server, process {server.pid}, answers at {server.url}")
        yield server
    console.print(f"[green]✓[/] Process {server.pid} has ended")


async def converse(console: Console, server: ParlantProcess, file: Path) -> None:
    """Play the file's conversations, showing how far they are."""
    conversations = read_conversations(file)
    sessions = conversations["sessions"]
    total = sum(len(session["messages"]) for session in sessions)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    started = time.monotonic()
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as progress:
        task = progress.add_task("Customers, the agent and staff talk", total=total)
        await replay(server, conversations, lambda: progress.advance(task))
    print_done(
        console,
        f"{len(conversations['customers'])} customers have had {len(sessions)} sessions with "
        f"{total} messages",
        started,
    )


def print_model_calls(console: Console, first: int, second: int) -> None:
    """Print how often each server asked the language model before it served anybody."""
    console.print(
        f"[green]✓[/] To start, the first asked the language model {first} times, the second "
        f"{second} times"
    )


@contextmanager
def step(console: Console, doing: str) -> Iterator[Callable[[str], None]]:
    """Show what is being done; the yielded function says what has been done and took how long."""
    started = time.monotonic()
    with console.status(f"{doing} ..."):
        yield lambda what: print_done(console, what, started)


def print_done(console: Console, what: str, started: float) -> None:
    """Tick something off; `started` is when it began, as time.monotonic() has it."""
    seconds = time.monotonic() - started
    console.print(f"[green]✓[/] {escape(what)} [dim]({seconds:.1f} s)[/]", soft_wrap=True)


def print_conversation(console: Console, snapshot: Snapshot) -> None:
    """Print one session's messages, as the second server has them."""
    session = next(
        session for session in snapshot["sessions"].values() if session["mode"] == "manual"
    )
    conversation = Table(
        title=f"\nOne of the sessions, from the second server: {session['title']}",
        title_justify="left",
        show_header=False,
        box=None,
    )
    conversation.add_column(style="bold", no_wrap=True)
    for event in snapshot["events"].values():
        if event["session_id"] == session["id"] and event["kind"] == "message":
            data = event["data"]
            conversation.add_row(
                escape(data["participant"]["display_name"]), escape(data["message"])
            )
    console.print(conversation, "")


def print_local_files(console: Console, homes: list[Path], snapshot: Snapshot) -> list[str]:
    """Print what is in each PARLANT_HOME; return what of it belongs into Supabase."""
    ids = [key for kind in ("customers", "sessions", "events") for key in snapshot[kind]]
    ids += [value["id"] for value in snapshot["values"].values()]
    misplaced = []
    files = Table(
        "PARLANT_HOME of the", "File", title="Parlant's local files", title_justify="left"
    )
    files.add_column("Bytes", justify="right")
    files.add_column("Sessions, customers or values in it")
    for home in homes:
        for path in sorted(path for path in home.rglob("*") if path.is_file()):
            content = path.read_text("utf-8", errors="replace")
            # The log names what it is about, and nothing is read from it.
            found = path.name in LOCAL_STORE_FILES or (
                path.suffix != ".log" and any(id in content for id in ids)
            )
            if found:
                misplaced.append(f"{path.name} of the {home.name} process")
            files.add_row(
                f"{home.name} process",
                str(path.relative_to(home)),
                str(len(content)),
                "[red]yes[/]" if found else "no",
            )
    console.print(files, "")
    return misplaced


def print_comparison(
    console: Console, before: Snapshot, after: Snapshot, differences: list[Difference]
) -> None:
    """Print how many records of each kind are the same, and what differs."""
    table = Table("Records", title="Read back over HTTP, one by one", title_justify="left")
    for heading in ("First process", "Second process", "Different"):
        table.add_column(heading, justify="right")
    for kind in before:
        count = sum(difference.kind == kind for difference in differences)
        table.add_row(
            kind,
            str(len(before[kind])),
            str(len(after[kind])),
            f"[red]{count}[/]" if count else "[green]0[/]",
        )
    console.print(table)
    for difference in differences[:MOST_DIFFERENCES_PRINTED]:
        console.print(
            f"[red]✗[/] {difference.kind}, {escape(difference.key)}: {escape(difference.what)}",
            soft_wrap=True,
        )


def print_verdict(
    console: Console, before: Snapshot, differences: list[Difference], misplaced: list[str]
) -> bool:
    """Print and return whether everything survived, in Supabase alone."""
    console.print(
        "The agent and the tags' names are not among them: as is usual, this application defines "
        "them in its code and makes them, with the same ids, at every start.",
        style="dim",
    )
    problems = []
    if differences:
        problems.append(f"{len(differences)} records differ after the restart.")
    if misplaced:
        problems.append(f"Parlant keeps data in local files: {', '.join(misplaced)}.")
    if not all(before.values()):
        problems.append("Some kind of record was never made.")
    if problems:
        console.print(f"\n[bold red]✗ {escape(' '.join(problems))}[/]")
        return False
    total = sum(len(records) for records in before.values())
    console.print(
        f"\n[bold green]✓ All {total} records survived the restart unchanged, and Supabase is the "
        "only place that they are in.[/]"
    )
    return True
