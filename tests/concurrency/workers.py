"""Several processes, each with a client of its own, that begin at the same moment."""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent import futures
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.synchronize import Barrier
from types import TracebackType
from typing import Any, TypeVar

import pytest
from parlant.core.loggers import LogLevel, TracingLogger
from parlant.core.tracer import LocalTracer
from parlant_supabase import SupabaseDocumentDatabase
from typing_extensions import Self

from tests.waiting import LIMIT_SECONDS

T = TypeVar("T")
Job = Callable[..., Awaitable[T]]

COUNT = 4

# Long enough for the slowest process to start; nobody waits that long unless one of them has died.
_START_SECONDS = 120


class Workers:
    """COUNT processes that are there for as many jobs as there are tests."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._processes = ProcessPoolExecutor(
            COUNT, context, _begin, (context.Barrier(COUNT, timeout=_START_SECONDS),)
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._processes.shutdown(cancel_futures=True)

    def run(
        self, job: Job[T], connection_params: dict[str, str], prefix: str, *arguments: Sequence[Any]
    ) -> list[T]:
        """Does a job in each process at once.

        Args:
            job: `async def` of a module; gets an open database and then one set of arguments.
            connection_params: Where the database is.
            prefix: The database's table prefix.
            arguments: One set of arguments for each process.

        Returns:
            What the job returned in each process.
        """
        assert len(arguments) == COUNT
        running = [
            self._processes.submit(_run, job, connection_params, prefix, each) for each in arguments
        ]
        deadline = time.monotonic() + LIMIT_SECONDS
        try:
            return [future.result(deadline - time.monotonic()) for future in running]
        except futures.TimeoutError:
            pytest.fail(f"Waited {LIMIT_SECONDS:.0f} s for a process to do {job.__name__}().")


def share(items: Sequence[T]) -> list[tuple[list[T]]]:
    """The items dealt out to the processes, as sets of arguments."""
    return [(list(items[position::COUNT]),) for position in range(COUNT)]


_barrier: Barrier


def _begin(barrier: Barrier) -> None:
    global _barrier
    _barrier = barrier


def meet() -> None:
    """Returns once all processes are here."""
    _barrier.wait()


def _run(
    job: Job[T], connection_params: dict[str, str], prefix: str, arguments: Sequence[Any]
) -> T:
    async def run() -> T:
        logger = TracingLogger(LocalTracer(), LogLevel.WARNING, logger_id="worker")
        async with SupabaseDocumentDatabase(
            logger, connection_params, table_prefix=prefix
        ) as database:
            meet()
            return await job(database, *arguments)

    return asyncio.run(run())
