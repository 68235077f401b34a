"""How long it takes to delete a session with all its events."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import AsyncExitStack

from parlant.core.sessions import SessionId

from benchmarks.contenders import direct_sql
from benchmarks.contenders.contender import Contender, Stores
from benchmarks.contenders.document_database import DOCUMENT_DATABASE
from benchmarks.contenders.json_file import JSON_FILE
from benchmarks.contenders.one_request_stores import ONE_REQUEST_STORES
from benchmarks.contenders.table_api import TABLE_API
from benchmarks.dataset import Dataset
from benchmarks.results import Measurement, Subject
from benchmarks.rounds import Case, measure
from benchmarks.setting import Setting

# Those that share the tables of parlant_supabase, and delete different sessions of them.
_SHARING = 3


async def measure_session_deletion(setting: Setting) -> Subject:
    """Measures SessionStore.delete_session; Parlant's own makes one call for each event."""
    scale = setting.scale
    events, rounds = scale.session_events, max(1, scale.slow_rounds // 2)
    sessions = _SHARING * (rounds + 1)
    dataset = setting.dataset("deletion_", sessions * events, events_per_session=events)
    await dataset.fill()
    dataset.copy_to_table_api()
    in_file = setting.dataset("deleted_file_", events, events_per_session=events)
    await in_file.fill()
    operation = f"delete a session of {events:,} events"

    async with AsyncExitStack() as stack:
        shared = itertools.count()
        sql = await stack.enter_async_context(direct_sql.open_direct_sql(dataset.place))

        async def delete_directly() -> None:
            session_id = dataset.session_id(next(shared))
            await sql.execute(
                f"delete from public.{dataset.table('sessions')} where id = $1",  # noqa: S608
                session_id,
            )
            await sql.execute(
                f"delete from public.{dataset.table('events')} where session_id = $1",  # noqa: S608
                session_id,
            )

        file = _File(in_file)
        stack.push_async_callback(file.close)
        cases = [
            Case(operation, direct_sql.DIRECT_SQL, delete_directly),
            Case(operation, JSON_FILE.name, file.delete, prepare=file.restore),
        ]
        for contender, numbers in (
            (TABLE_API, itertools.count()),
            (DOCUMENT_DATABASE, shared),
            (ONE_REQUEST_STORES, shared),
        ):
            cases.append(await _case(stack, contender, dataset, operation, numbers))
        series = await measure(cases, rounds)

    ours = next(one for one in series if one.case.contender == ONE_REQUEST_STORES.name)
    return Subject(
        "session_deletion",
        "Deleting a session with its events",
        ONE_REQUEST_STORES.name,
        [
            Measurement(
                operation,
                one.case.contender,
                "ms",
                one.seconds().scaled(1_000),
                one.ratio(ours),
            )
            for one in series
        ],
    )


async def _case(
    stack: AsyncExitStack,
    contender: Contender,
    dataset: Dataset,
    operation: str,
    numbers: Iterator[int],
) -> Case:
    stores = await stack.enter_async_context(contender.open_stores(dataset.place))

    async def delete() -> None:
        await stores.sessions.delete_session(SessionId(dataset.session_id(next(numbers))))

    return Case(operation, contender.name, delete)


class _File:
    """A JSON file with the one session that is deleted, restored each time."""

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset
        self._opened = AsyncExitStack()
        self._stores: Stores

    async def restore(self, calls: int) -> None:
        """Writes the file and opens it."""
        await self.close()
        self._dataset.copy_to_files()
        self._stores = await self._opened.enter_async_context(
            JSON_FILE.open_stores(self._dataset.place)
        )

    async def delete(self) -> None:
        """Deletes the session."""
        await self._stores.sessions.delete_session(SessionId(self._dataset.session_id(0)))

    async def close(self) -> None:
        """Closes the file."""
        await self._opened.aclose()
