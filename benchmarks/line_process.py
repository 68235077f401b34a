"""A Python module run as a process of its own that answers lines with lines."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from typing_extensions import Self

_CHECKOUT = Path(__file__).resolve().parents[1]


class LineProcess:
    """The process, for `async with`; it is to end when its standard input does.

    Args:
        module: The module's name.
        arguments: Its arguments.
        environment: Environment variables besides those of this process.
        log: Where to what it prints on standard error goes.
    """

    def __init__(
        self,
        module: str,
        *arguments: str,
        log: Path,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._command = (sys.executable, "-m", module, *arguments)
        self._environment = {**os.environ, **(environment or {})}
        self._log = log
        self._process: asyncio.subprocess.Process

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    async def __aenter__(self) -> Self:
        with self._log.open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                cwd=_CHECKOUT,
                env=self._environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                # Ctrl-C is for this process, which then ends the other in order.
                start_new_session=True,
            )
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        await self._process.wait()

    async def ask(self, line: str) -> str:
        """What it answers to a line.

        Raises:
            RuntimeError: It has ended instead.
        """
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n".encode())
        return await self.read_line()

    async def read_line(self) -> str:
        """The next line that it prints.

        Raises:
            RuntimeError: It has ended instead.
        """
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        if not line:
            last = self._log.read_text("utf-8", errors="replace").strip().splitlines()[-1:]
            raise RuntimeError(f"{self._command[2]} has ended: {' '.join(last)}")
        return line.decode().rstrip("\n")
