"""Does what a page shows, block after block, as somebody would who reads it."""

from __future__ import annotations

import ast
import inspect
import warnings
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import psycopg
from parlant.core.loggers import Logger
from parlant_supabase import SupabaseDocumentDatabase
from parlant_supabase.local import StackDatabase

from tests.docs.pages import Block
from tests.docs.shell import Shell, commands_of
from tests.docs.shown_output import matches
from tests.docs.stand_ins import stand_in_for, what_is_run_for


class Reader:
    """Carries out blocks, in a shell, a Python namespace and a project that last for the page.

    Python that is no whole program takes two names as given: `logger`, Parlant's, and `database`,
    a `SupabaseDocumentDatabase` that is open.

    Args:
        shell: Where commands are run.
        project: Where SQL is run.
        logger: Parlant's logger.
        exits: What is opened for the page, and closed after it.
    """

    def __init__(
        self, shell: Shell, project: StackDatabase, logger: Logger, exits: AsyncExitStack
    ) -> None:
        self._shell = shell
        self._project = project
        self._namespace: dict[str, Any] = {"logger": logger}
        self._exits = exits

    async def do(self, block: Block) -> None:
        """Carries a block out; what it shows of the outcome must be so."""
        assert block.language in LANGUAGES, f"{block}: nothing tests {block.language!r}"
        if block.file is not None:
            (self._shell.directory / block.file).write_text(block.content, "utf-8")
        else:
            await LANGUAGES[block.language](self, block)

    async def _leave_to_another_test(self, block: Block) -> None:
        # They need two projects; tests/states/test_copies.py runs what the page shows.
        assert block.content.startswith("pg_dump "), f"{block}: nothing runs it"

    async def _run_commands(self, block: Block) -> None:
        commands = commands_of(block)
        for command in commands:
            expected_code = block.exit_code if command is commands[-1] else 0
            outcome = self._shell.run(what_is_run_for(command.text))
            where = f"{block}: $ {command.text}\n{outcome.printed}"
            assert outcome.exit_code == expected_code, f"{where}\nexit code {outcome.exit_code}"
            # A stand-in prints something else.
            if command.shown and stand_in_for(command.text) is None:
                assert matches(command.shown, outcome.printed), f"{where}\nshown:\n{command.shown}"

    async def _run_python(self, block: Block) -> None:
        if block.is_application:
            return  # tests/programs has a conversation with each of them.
        if "database" not in self._namespace:
            # Not before: it may be the page that deploys to the project.
            self._namespace["database"] = await self._exits.enter_async_context(
                SupabaseDocumentDatabase(self._namespace["logger"])
            )
        source = "\n" * (block.line - 1) + block.content
        code = compile(source, block.page, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        with warnings.catch_warnings():
            # What Parlant is made of warns of itself when `parlant.sdk` is imported.
            warnings.simplefilter("ignore", DeprecationWarning)
            # Code with `await` at the top level evaluates to a coroutine.
            running = eval(code, self._namespace)
            if inspect.iscoroutine(running):
                await running

    async def _run_sql(self, block: Block) -> None:
        with psycopg.connect(self._project.database_url) as connection:
            connection.execute(block.content.encode())
            connection.rollback()

    async def _look_at_drawing(self, block: Block) -> None:
        # The forge draws it, and shows the text of one that it does not know.
        assert block.content.split()[0] in ("flowchart", "sequenceDiagram"), str(block)


LANGUAGES: dict[str, Callable[[Reader, Block], Awaitable[None]]] = {
    "console": Reader._run_commands,
    "mermaid": Reader._look_at_drawing,
    "python": Reader._run_python,
    "sql": Reader._run_sql,
    "text": Reader._leave_to_another_test,
}
