"""Writes documents while things break, and knows afterwards what may be in the table."""

from __future__ import annotations

import asyncio
import itertools
import os
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

from parlant.core.persistence.document_database import BaseDocument
from parlant_supabase import OutcomeUnknownError, SupabaseAdapterError

from tests.adapter.notes import Notes, note, only, where
from tests.waiting import within_limit

# How many writes the tests wait for; raise it for a run of hours instead of seconds.
ACKNOWLEDGED_WRITES = int(os.environ.get("PARLANT_SUPABASE_ACKNOWLEDGED_WRITES", "600"))

ABSENT = None


class Ledger:
    """Makes writes, and keeps of each document every state in which it may be found.

    Each document is inserted once and changed once at most, so that every call shows in what is
    stored: after an acknowledgement that is the state after the call, after a failure for certain
    the state before it, after OutcomeUnknownError either of them, whole.

    Attributes:
        outcomes: How often a write was acknowledged, and how often it raised which error.
    """

    def __init__(self, notes: Notes, seed: int) -> None:
        self.outcomes: Counter[str] = Counter()
        self._notes = notes
        self._random = random.Random(seed)
        self._acknowledgement = asyncio.Event()
        self._ids = itertools.count()
        self._may_be: dict[str, list[BaseDocument | None]] = {}
        self._to_update: list[str] = []
        self._pairs: dict[str, tuple[int, ...]] = {}

    @property
    def acknowledged(self) -> int:
        """How many writes were acknowledged."""
        return self.outcomes["acknowledged"]

    async def write_until(self, enough: Callable[[], bool], writers: int = 16) -> None:
        """Lets writers write at once, each one write after the other, until it is enough."""

        async def write() -> None:
            while not enough():
                await self._random.choice([self.insert, self.upsert, self.update, self.delete])()

        await asyncio.gather(*(write() for _ in range(writers)))

    async def acknowledges(self, count: int) -> None:
        """Returns when that many more writes have been acknowledged."""
        enough = self.acknowledged + count
        while self.acknowledged < enough:
            self._acknowledgement.clear()
            await within_limit(self._acknowledgement.wait(), "an acknowledged write")

    async def insert(self) -> None:
        """Inserts a document of its own."""
        await self._add(self._new_note(), lambda document: self._notes.insert_one(document))

    async def upsert(self) -> None:
        """Inserts a document of its own by update_one."""
        await self._add(
            self._new_note(),
            lambda document: self._notes.update_one(only(document["id"]), document, upsert=True),
        )

    async def update(self) -> None:
        """Sets two fields of a document that nothing else updates."""
        if not self._to_update:
            return
        id = self._to_update.pop(self._random.randrange(len(self._to_update)))
        (before,) = self._may_be[id]
        assert before is not None
        after: Any = {**before, "left": id, "right": id}
        outcome = await self._try(
            lambda: self._notes.update_one(
                only(id), note(id, before["creation_utc"], left=id, right=id)
            )
        )
        self._may_be[id] = {True: [after], False: [before], None: [before, after]}[outcome]

    async def delete(self) -> None:
        """Inserts a pair of documents and deletes one of them by a filter that matches both."""
        pair = str(next(self._ids))
        self._pairs[pair] = (0,)
        for change, write in (
            (1, lambda: self._notes.insert_one(note(f"{pair}-left", pair=pair))),
            (1, lambda: self._notes.insert_one(note(f"{pair}-right", pair=pair))),
            (-1, lambda: self._notes.delete_one(where({"pair": {"$eq": pair}}))),
        ):
            outcome = await self._try(write)
            (count,) = self._pairs[pair]
            self._pairs[pair] = {
                True: (count + change,),
                False: (count,),
                None: (count, count + change),
            }[outcome]
            if not outcome:
                return

    def check(self, documents: list[dict[str, Any]]) -> None:
        """Fails unless every document is as it may be, and none is there that may not be."""
        single = {d["id"]: d for d in documents if "pair" not in d}
        assert len(single) == len([d for d in documents if "pair" not in d])
        assert single.keys() <= self._may_be.keys()
        for id, allowed in self._may_be.items():
            assert single.get(id, ABSENT) in allowed, id

        of_pair = Counter(d["pair"] for d in documents if "pair" in d)
        assert of_pair.keys() <= self._pairs.keys()
        for pair, counts in self._pairs.items():
            assert of_pair[pair] in counts, pair

    async def _add(
        self, document: BaseDocument, write: Callable[[BaseDocument], Awaitable[object]]
    ) -> None:
        id = str(document["id"])
        outcome = await self._try(lambda: write(document))
        possible: dict[bool | None, list[BaseDocument | None]] = {
            True: [document],
            False: [ABSENT],
            None: [ABSENT, document],
        }
        self._may_be[id] = possible[outcome]
        if outcome:
            self._to_update.append(id)

    async def _try(self, write: Callable[[], Awaitable[object]]) -> bool | None:
        """Whether a write has happened; None if nobody knows."""
        try:
            await write()
        except OutcomeUnknownError:
            self.outcomes["OutcomeUnknownError"] += 1
            return None
        except SupabaseAdapterError as error:
            self.outcomes[type(error).__name__] += 1
            return False
        self.outcomes["acknowledged"] += 1
        self._acknowledgement.set()
        return True

    def _new_note(self) -> BaseDocument:
        return note(str(next(self._ids)), text="x" * self._random.randrange(2000))
