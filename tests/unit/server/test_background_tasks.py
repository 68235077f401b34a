"""Background tasks: what Parlant's own service does, and that tags do not wait for each other."""

from __future__ import annotations

import asyncio
from typing import Any
from unittest.mock import create_autospec

import pytest
from parlant.core.background_tasks import BackgroundTaskService
from parlant.core.loggers import Logger
from parlant_supabase.server.background_tasks import SessionTaskService

from tests.waiting import until, within_limit


@pytest.fixture
def logger() -> Any:
    return create_autospec(Logger, instance=True)


@pytest.fixture(params=[SessionTaskService, BackgroundTaskService], ids=["ours", "parlant's"])
def service(request: pytest.FixtureRequest, logger: Any) -> BackgroundTaskService:
    """Ours, and Parlant's own, which has to do the same."""
    service: BackgroundTaskService = request.param(logger)
    return service


class Work:
    """A task that runs until it is let go, and may take its time to be cancelled."""

    def __init__(self, stubborn: bool = False) -> None:
        self.running = False
        self.cancelled = False
        self.finished = False
        self.go = asyncio.Event()
        self._stubborn = stubborn

    async def run(self) -> None:
        self.running = True
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.cancelled = True
            if self._stubborn:
                await self.go.wait()
            raise
        self.finished = True


async def running(work: Work) -> Work:
    await until(lambda: work.running, "the task to run")
    return work


async def test_that_a_restart_cancels_and_awaits_the_task_before(
    service: BackgroundTaskService,
) -> None:
    first, second = Work(stubborn=True), Work()
    await service.restart(first.run(), tag="a")
    await running(first)

    restart = asyncio.create_task(service.restart(second.run(), tag="a"))
    await until(lambda: first.cancelled, "the first task to be cancelled")
    assert not restart.done()
    assert not second.running

    first.go.set()
    await within_limit(restart, "the restart")
    await running(second)
    await service.cancel(tag="a")
    await until(lambda: second.cancelled, "the second task to be cancelled")


async def test_that_a_tag_that_runs_is_not_started_again(service: BackgroundTaskService) -> None:
    work, other = Work(), Work()
    task = await service.start(work.run(), tag="a")

    refused = other.run()
    with pytest.raises(Exception, match="'a' is already running"):
        await service.start(refused, tag="a")
    refused.close()

    work.go.set()
    await task
    again = await service.start(other.run(), tag="a")
    other.go.set()
    await again
    assert [work.finished, other.finished] == [True, True]


async def test_that_all_are_cancelled_and_awaited_when_an_error_ends_the_server(
    service: BackgroundTaskService,
) -> None:
    works = [Work(), Work()]

    async def serve() -> None:
        async with service:
            for number, work in enumerate(works):
                await service.start(work.run(), tag=str(number))
                await running(work)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await serve()

    assert all(work.cancelled for work in works)


async def test_that_the_end_of_the_server_waits_for_tasks(service: BackgroundTaskService) -> None:
    work = Work()
    async with service:
        await service.start(work.run(), tag="a")
        await running(work)
        asyncio.get_running_loop().call_soon(work.go.set)

    assert work.finished


async def test_that_what_a_task_raised_is_logged(
    service: BackgroundTaskService, logger: Any
) -> None:
    async def fail() -> None:
        raise ValueError("the reason")

    task = await service.start(fail(), tag="a")
    await asyncio.wait([task])
    await service.collect(force=True)

    [warning] = logger.warning.call_args_list
    assert "the reason" in warning.args[0]


async def test_that_a_slow_end_of_one_tag_holds_no_other(logger: Any) -> None:
    service = SessionTaskService(logger)
    slow, other = Work(stubborn=True), Work()
    await service.restart(slow.run(), tag="a")
    await running(slow)
    waiting = asyncio.create_task(service.restart(Work().run(), tag="a"))
    await until(lambda: slow.cancelled, "the slow task to be cancelled")

    await within_limit(service.restart(other.run(), tag="b"), "another tag's restart")
    await running(other)
    await within_limit(service.cancel(tag="b"), "another tag's cancellation")

    assert not waiting.done()
    slow.go.set()
    await waiting
    await service.cancel_all()
    await service.collect(force=True)
    assert [*service._locks, *service._users_of_locks, *service._tasks] == []


async def test_that_restarts_of_one_tag_follow_each_other(logger: Any) -> None:
    service = SessionTaskService(logger)
    works = [Work() for _ in range(5)]
    await asyncio.gather(*(service.restart(work.run(), tag="a") for work in works))

    await running(works[-1])
    assert not any(work.finished for work in works)
    assert [work.cancelled or not work.running for work in works] == [True] * 4 + [False]
    await service.cancel_all()
    await service.collect(force=True)


async def test_that_a_customer_who_hangs_up_is_answered_all_the_same(
    service: BackgroundTaskService,
) -> None:
    first, second = Work(stubborn=True), Work()
    await service.restart(first.run(), tag="a")
    await running(first)
    request = asyncio.create_task(service.restart(second.run(), tag="a"))
    await until(lambda: first.cancelled, "the first task to be cancelled")

    request.cancel()

    await running(second)
    await service.cancel_all()
    await service.collect(force=True)


async def test_that_an_error_that_is_no_exception_fails_nobody_else(logger: Any) -> None:
    # Parlant's shield of a turn raises a bare BaseException.
    async def fail() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise BaseException("the reason")

    service = SessionTaskService(logger)
    await service.restart(fail(), tag="a")
    await asyncio.sleep(0)
    work = Work()
    await service.restart(work.run(), tag="a")

    await running(work)
    assert "the reason" in logger.warning.call_args.args[0]
    await service.cancel_all()
    await service.collect(force=True)
