"""An export writes every page, counts it and says how far it is; the project is a fake."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from typing import cast

import pytest
from parlant_supabase.transfer.archive import Archive
from parlant_supabase.transfer.exporting import Difference, export
from parlant_supabase.transfer.project import Project
from parlant_supabase.transfer.records import Failure, Part, Record

THINGS, FAILED, EMPTY = Part("p_", "things"), Part("p_", "things", True), Part("p_", "none")


class FakeProject:
    """Its tables have as many documents as it is told: before an export, and after it."""

    def __init__(self, *counts: dict[Part, int]) -> None:
        self.counted = [*counts]
        self.prefixes: list[str] = []

    async def counts(self, prefix: str) -> dict[Part, int]:
        self.prefixes.append(prefix)
        return self.counted.pop(0)

    async def pages(self, part: Part) -> AsyncIterator[list[Record]]:
        if part == THINGS:
            yield [Record(part, {"id": "a"}), Record(part, {"id": "b"})]
            yield [Record(part, {"id": "c"})]
        if part == FAILED:
            yield [Record(part, None, failure=Failure("d", "why"))]


async def test_that_every_page_is_written_and_counted() -> None:
    file, advanced = io.BytesIO(), list[int]()
    project = FakeProject({THINGS: 3, FAILED: 1}, {THINGS: 3, FAILED: 1, EMPTY: 0})

    exported = await export(
        cast("Project", project), [THINGS, FAILED, EMPTY], file, advanced.append, "p_"
    )

    assert project.prefixes == ["p_", "p_"]
    assert exported.differences == []

    assert exported.counts == {THINGS: 3, FAILED: 1, EMPTY: 0}
    assert EMPTY in exported.counts
    assert (exported.end.documents, exported.end.failed) == (3, 1)
    assert advanced == [2, 1, 1]
    archive = Archive(io.BytesIO(file.getvalue()), "a")
    assert archive.parts == [THINGS, EMPTY]
    assert [record.id async for record in archive.records()] == ["a", "b", "c", "d"]


@pytest.mark.parametrize(
    ("before", "after", "differs"),
    [
        ({THINGS: 3}, {THINGS: 3}, False),
        ({THINGS: 2}, {THINGS: 4}, False),
        ({THINGS: 4}, {}, False),
        ({}, {THINGS: 3}, False),
        ({THINGS: 2}, {THINGS: 2}, True),
        ({THINGS: 4}, {THINGS: 5}, True),
        ({}, {THINGS: 2}, True),
        ({THINGS: 2}, {}, True),
    ],
)
async def test_that_a_count_that_the_table_never_had_is_told(
    before: dict[Part, int], after: dict[Part, int], differs: bool
) -> None:
    project = FakeProject(before, after)

    exported = await export(cast("Project", project), [THINGS], io.BytesIO(), lambda _: None)

    assert project.prefixes == ["", ""]
    assert exported.differences == (
        [Difference(THINGS, 3, before.get(THINGS, 0), after.get(THINGS, 0))] if differs else []
    )
