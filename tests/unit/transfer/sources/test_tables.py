"""Tables under another prefix: which are read, and for which stores; the project is a fake."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any, cast

import pytest
from parlant_supabase.transfer.errors import SourceError
from parlant_supabase.transfer.project import Project
from parlant_supabase.transfer.records import Part, Record
from parlant_supabase.transfer.sources.tables import Tables

TARGETS = {"events": "new_sessions_", "sessions": "new_sessions_", "customers": "new_customers_"}


class FakeProject:
    def __init__(self, *there: str) -> None:
        self.there = there
        self.adoptions: list[tuple[str, Sequence[str]]] = []

    async def adopt(self, prefix: str, collections: Sequence[str]) -> list[str]:
        self.adoptions.append((prefix, collections))
        return [each for each in self.there if each in collections]

    async def parts(self, prefix: str = "") -> dict[Part, int]:
        assert prefix
        return {
            Part(each, name, is_failed): 10
            for each in (prefix, f"{prefix}more_")
            for name in self.there
            for is_failed in (False, True)
        }

    async def pages(self, part: Part) -> AsyncIterator[list[Record]]:
        yield [Record(part, {"id": f"{part}"}, "text")]


async def tables(project: FakeProject, prefix: str = "old_", *, adopt: bool = True) -> Tables:
    return await Tables.open(cast("Project", project), prefix, TARGETS, adopt=adopt)


async def test_that_the_tables_of_one_store_are_read_metadata_first() -> None:
    project = FakeProject("events", "metadata", "orders")

    source = await tables(project)

    assert project.adoptions == [("old_", ["metadata", "events", "sessions", "customers"])]
    assert source.parts == [
        Part("new_sessions_", "events"),
        Part("new_sessions_", "events", True),
        Part("new_sessions_", "metadata"),
        Part("new_sessions_", "metadata", True),
    ]
    assert source.total == 40
    assert source.notes == []
    records = [record async for record in source.records()]
    assert records == [
        Record(Part("new_sessions_", name, is_failed), {"id": f"old_ {name}{ending}"}, "text")
        for name in ("metadata", "events")
        for is_failed, ending in ((False, ""), (True, " (failed)"))
    ]


async def test_that_metadata_of_several_stores_is_left_out() -> None:
    source = await tables(FakeProject("events", "customers", "metadata"))

    assert {part.collection for part in source.parts} == {"events", "customers"}
    assert source.notes == [
        "old_metadata: it is several stores' at once, so each begins with its own"
    ]


async def test_that_nothing_is_adopted_unless_asked_for() -> None:
    project = FakeProject("events")

    source = await tables(project, adopt=False)

    assert project.adoptions == []
    assert [part.collection for part in source.parts] == ["events", "events"]
    assert source.notes == []


@pytest.mark.parametrize(
    ("adopt", "ending"),
    [(True, "."), (False, ", and those made by hand are not adopted in a dry run.")],
)
@pytest.mark.parametrize("there", [(), ("orders",), ("metadata",)])
async def test_that_no_tables_are_said(there: Any, adopt: bool, ending: str) -> None:
    with pytest.raises(SourceError) as refused:
        await tables(FakeProject(*there), adopt=adopt)

    assert str(refused.value) == (
        "There are no tables of Parlant's stores under the prefix old_; they would be named like "
        f"old_events{ending}"
    )


async def test_that_tables_under_a_longer_prefix_are_others() -> None:
    class Other(FakeProject):
        async def parts(self, prefix: str = "") -> dict[Part, int]:
            return {Part("old_more_", "events"): 10}

    with pytest.raises(SourceError, match="There are no tables of Parlant's stores"):
        await tables(Other(), adopt=False)


async def test_that_tables_of_unknown_size_count_for_nothing() -> None:
    class New(FakeProject):
        async def parts(self, prefix: str = "") -> dict[Part, int]:
            return {}

    assert (await tables(New("events"))).total == 0


async def test_that_a_store_is_not_copied_to_itself() -> None:
    with pytest.raises(SourceError) as refused:
        await tables(FakeProject("events", "customers"), "new_sessions_")

    assert str(refused.value) == (
        "The tables under the prefix new_sessions_ are already those that the documents would be "
        "imported to."
    )
