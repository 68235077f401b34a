"""An export writes every page, counts it and says how far it is; the project is a fake."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from typing import cast

from parlant_supabase.transfer.archive import Archive
from parlant_supabase.transfer.exporting import export
from parlant_supabase.transfer.project import Project
from parlant_supabase.transfer.records import Failure, Part, Record

THINGS, FAILED, EMPTY = Part("p_", "things"), Part("p_", "things", True), Part("p_", "none")


class FakeProject:
    async def pages(self, part: Part) -> AsyncIterator[list[Record]]:
        if part == THINGS:
            yield [Record(part, {"id": "a"}), Record(part, {"id": "b"})]
            yield [Record(part, {"id": "c"})]
        if part == FAILED:
            yield [Record(part, None, failure=Failure("d", "why"))]


async def test_that_every_page_is_written_and_counted() -> None:
    file, advanced = io.BytesIO(), list[int]()

    exported = await export(
        cast("Project", FakeProject()), [THINGS, FAILED, EMPTY], file, advanced.append
    )

    assert exported.counts == {THINGS: 3, FAILED: 1, EMPTY: 0}
    assert EMPTY in exported.counts
    assert (exported.end.documents, exported.end.failed) == (3, 1)
    assert advanced == [2, 1, 1]
    archive = Archive(io.BytesIO(file.getvalue()), "a")
    assert archive.parts == [THINGS, EMPTY]
    assert [record.id async for record in archive.records()] == ["a", "b", "c", "d"]
