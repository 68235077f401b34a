"""What an import does with each document, and what it says of it; the project is a fake."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from typing import Any, cast

import pytest
from parlant_supabase.errors import (
    DuplicateDocumentError,
    IndexedValueTooLongError,
    InvalidDocumentError,
    StatementTimeoutError,
    SupabaseAdapterError,
    UnavailableError,
)
from parlant_supabase.transfer import importing
from parlant_supabase.transfer.errors import SourceError
from parlant_supabase.transfer.importing import Import, OnConflict, Refusal, Tally
from parlant_supabase.transfer.ledger import Ledger
from parlant_supabase.transfer.project import Project, Saved
from parlant_supabase.transfer.readability import Readability
from parlant_supabase.transfer.records import Failure, Part, Record

THINGS, FAILED = Part("p_", "things"), Part("p_", "things", True)
OTHERS, METADATA = Part("p_", "others"), Part("p_", "metadata")


class FakeProject:
    """Keeps documents in memory; `refuse` may raise for a batch."""

    def __init__(self) -> None:
        self.documents: dict[Part, list[Record]] = {}
        self.created: list[Part] = []
        self.saves: list[tuple[Part, list[Any], bool]] = []
        self.copied: list[tuple[Part, dict[str, str]]] = []
        self.refuse: Callable[[Sequence[Any]], None] = lambda documents: None
        self.page_size = 2

    async def parts(self, prefix: str = "", *, need_all: bool = True) -> dict[Part, int]:
        assert (prefix, need_all) == ("", False)
        return {part: len(records) for part, records in self.documents.items()}

    async def create(self, part: Part) -> None:
        self.created.append(part)
        for is_failed in (False, True):
            self.documents[part._replace(is_failed=is_failed)] = []

    async def pages(self, part: Part) -> AsyncIterator[list[Record]]:
        records = self.documents[part]
        for start in range(0, len(records), self.page_size):
            yield records[start : start + self.page_size]

    async def save(self, part: Part, documents: Sequence[Any], *, replace: bool) -> Saved:
        self.refuse(documents)
        self.saves.append((part, list(documents), replace))
        inserted = unchanged = replaced = 0
        different = []
        stored = self.documents[part]
        positions = {record.id: position for position, record in enumerate(stored)}
        for document in documents:
            if part.is_failed:
                failure = Failure(document["id"], document["reason"], document["failed_at"])
                record = Record(part, document["data"], None, failure)
                inserted += 1
                stored.append(record)
                continue
            record = Record(part, document)
            position = positions.get(record.id)
            if position is None:
                inserted += 1
                stored.append(record)
            elif stored[position].data == document:
                unchanged += 1
            elif replace:
                replaced += 1
                stored[position] = record
            else:
                different.append(document["id"])
        return Saved(inserted, unchanged, replaced, different)

    async def copy_unreadable(self, part: Part, reasons: Mapping[str, str]) -> None:
        self.copied.append((part, dict(reasons)))


class FakeSource:
    def __init__(self, records: list[Record], parts: Sequence[Part] = ()) -> None:
        self.parts = parts
        self.total = None
        self.notes: list[str] = []
        self._records = records
        self.breaks: str | None = None

    async def records(self) -> AsyncIterator[Record]:
        for record in self._records:
            yield record
        if self.breaks:
            raise SourceError(self.breaks)


@pytest.fixture
def project() -> FakeProject:
    return FakeProject()


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    with Ledger() as ledger:
        yield ledger


class Run:
    """An import, what it told of its progress, and of that of reading back."""

    def __init__(self, project: FakeProject, ledger: Ledger, source: FakeSource, **options: Any):
        self.taken: list[int] = []
        self.read: list[int] = []
        self.imported = Import(
            source,  # type: ignore[arg-type]
            cast("Project", project),
            ledger,
            **{
                "readability": Readability([], []),
                "place": lambda part: part,
                "on_conflict": OnConflict.FAIL,
                "dry_run": False,
                "advance": self.taken.append,
                **options,
            },
        )

    async def __call__(self, *, compare: bool = True) -> Import:
        await self.imported.run()
        if compare:
            await self.imported.compare(self.read.append)
        return self.imported


Start = Callable[..., Run]


@pytest.fixture
def start(project: FakeProject, ledger: Ledger) -> Start:
    def start(records: list[Record], parts: Sequence[Part] = (), **options: Any) -> Run:
        source = FakeSource(records, parts)
        source.breaks = options.pop("breaks", None)
        return Run(project, ledger, source, **options)

    return start


def thing(id: str, **fields: Any) -> Record:
    return Record(THINGS, {"id": id, **fields})


def failed(id: str | None, reason: str = "why") -> Record:
    return Record(FAILED, {"id": id}, failure=Failure(id, reason))


class TestDocuments:
    async def test_that_new_ones_are_imported_and_read_back(
        self, start: Start, project: FakeProject
    ) -> None:
        run = start([thing("a"), thing("b"), thing("c")])

        imported = await run()

        assert imported.tallies == {THINGS: Tally(read=3, imported=3, verified=3)}
        assert imported.is_complete
        assert imported.stopped is None
        assert project.created == [THINGS]
        assert project.saves == [(THINGS, [{"id": "a"}, {"id": "b"}, {"id": "c"}], False)]
        assert (run.taken, run.read) == ([3], [2, 1])

    async def test_that_again_nothing_changes(self, start: Start, project: FakeProject) -> None:
        project.documents[THINGS] = [thing("a"), thing("y"), thing("z")]

        imported = await start([thing("a"), thing("b")])()

        assert imported.tallies == {
            THINGS: Tally(read=2, imported=1, unchanged=1, verified=2, others=2)
        }
        assert project.created == []
        assert imported.is_complete

    async def test_that_parts_without_documents_are_made(
        self, start: Start, project: FakeProject
    ) -> None:
        imported = await start([], [THINGS, OTHERS])()

        assert project.created == [THINGS, OTHERS]
        assert imported.tallies == {THINGS: Tally(), OTHERS: Tally()}

    async def test_that_making_a_collection_makes_its_failed_ones(
        self, start: Start, project: FakeProject
    ) -> None:
        imported = await start([failed("a"), thing("a")])()

        assert project.created == [FAILED]
        assert imported.is_complete

    async def test_that_documents_go_where_they_are_placed(
        self, start: Start, project: FakeProject
    ) -> None:
        def place(part: Part) -> Part | None:
            return None if part == OTHERS else part._replace(prefix="q_")

        run = start([thing("a"), Record(OTHERS, {"id": "b"})], [OTHERS], place=place)
        imported = await run()

        assert imported.tallies == {Part("q_", "things"): Tally(read=1, imported=1, verified=1)}
        assert run.taken == [1]

    async def test_that_one_that_cannot_be_sent_is_left_out(
        self, start: Start, project: FakeProject
    ) -> None:
        run = start([Record(THINGS, {"id": 1}), thing("b"), thing("c", x=float("nan"))])

        imported = await run()

        tally = imported.tallies[THINGS]
        assert (tally.read, tally.imported, tally.verified) == (3, 1, 1)
        assert tally.refused[0] == Refusal(None, "it has no id that is a string.")
        assert [refusal.id for refusal in tally.refused] == [None, "c"]
        assert not imported.is_complete
        assert run.taken == [1, 1, 1]

    async def test_that_one_that_repeats_another_is_left_out(self, start: Start) -> None:
        run = start(
            [
                thing("a", creation_utc="1"),
                thing("a", creation_utc="1"),
                thing("a", creation_utc="2"),
            ]
        )

        imported = await run()

        assert imported.tallies == {THINGS: Tally(read=3, imported=1, repeated=2, verified=1)}
        assert imported.is_complete
        assert run.taken == [1, 1, 1]

    async def test_that_a_different_one_of_the_same_id_in_the_source_is_told(
        self, start: Start
    ) -> None:
        imported = await start([thing("a", n=1), thing("a", n=2)])()

        assert imported.tallies == {
            THINGS: Tally(read=2, imported=1, contradicted=["a"], verified=1)
        }
        assert not imported.is_complete


class TestConflicts:
    @pytest.mark.parametrize(
        ("on_conflict", "complete"), [(OnConflict.FAIL, False), (OnConflict.SKIP, True)]
    )
    async def test_that_a_different_one_in_the_project_stays(
        self, start: Start, project: FakeProject, on_conflict: OnConflict, complete: bool
    ) -> None:
        project.documents[THINGS] = [thing("a", n=1)]

        imported = await start([thing("a", n=2), thing("b")], on_conflict=on_conflict)()

        assert imported.tallies == {
            THINGS: Tally(read=2, imported=1, different=["a"], verified=1, others=1)
        }
        assert imported.is_complete is complete
        assert [replace for _, _, replace in project.saves] == [False]

    async def test_that_it_is_replaced_if_asked_to(
        self, start: Start, project: FakeProject
    ) -> None:
        project.documents[THINGS] = [thing("a", n=1)]

        imported = await start([thing("a", n=2)], on_conflict=OnConflict.REPLACE)()

        assert imported.tallies == {THINGS: Tally(read=1, replaced=1, verified=1)}
        assert imported.is_complete


class TestReadingBack:
    async def test_that_what_is_missing_or_changed_is_told(
        self, start: Start, project: FakeProject
    ) -> None:
        run = start([thing("a"), thing("b"), thing("c")])
        await run.imported.run()
        project.documents[THINGS] = [thing("b", n=1), thing("c", creation_utc="1")]

        await run.imported.compare(run.read.append)

        tally = run.imported.tallies[THINGS]
        assert (tally.missing, tally.changed, tally.verified) == (["a"], ["b", "c"], 0)
        assert not tally.is_equal
        assert not run.imported.is_complete

    @pytest.mark.parametrize("left", [[], ["changed"]])
    async def test_that_either_is_enough(
        self, start: Start, project: FakeProject, left: list[str]
    ) -> None:
        run = start([thing("a")])
        await run.imported.run()
        project.documents[THINGS] = [thing("a", n=1) for _ in left]

        await run.imported.compare(run.read.append)

        assert not run.imported.tallies[THINGS].is_equal
        assert not run.imported.is_complete

    async def test_that_failed_ones_are_told_without_a_name(
        self, start: Start, project: FakeProject
    ) -> None:
        run = start([failed("a"), failed(None), failed("a", "other"), failed("a")])
        await run.imported.run()
        project.documents[FAILED] = project.documents[FAILED][1:]

        await run.imported.compare(run.read.append)

        tally = run.imported.tallies[FAILED]
        assert (tally.read, tally.imported, tally.repeated) == (4, 3, 1)
        assert (tally.verified, tally.missing) == (2, ["a failed document"])


class TestDryRun:
    async def test_that_it_counts_and_changes_nothing(
        self, start: Start, project: FakeProject
    ) -> None:
        project.documents[THINGS] = [thing("a"), thing("b", n=1), thing("z")]
        run = start(
            [thing("a"), thing("b", n=2), thing("c"), Record(OTHERS, {"id": "o"})], dry_run=True
        )

        imported = await run()

        assert imported.tallies == {
            THINGS: Tally(read=3, imported=1, unchanged=1, different=["b"], verified=1, others=1),
            OTHERS: Tally(read=1, imported=1),
        }
        assert (project.created, project.saves) == ([], [])
        assert run.taken == [1, 1, 1, 1]
        assert not imported.is_complete

    async def test_that_it_counts_what_would_be_replaced(
        self, start: Start, project: FakeProject
    ) -> None:
        project.documents[THINGS] = [thing("a", n=1), thing("b", n=1)]

        records = [thing("a", n=2), thing("b", n=2)]
        run = start(records, dry_run=True, on_conflict=OnConflict.REPLACE)
        imported = await run()

        assert imported.tallies == {THINGS: Tally(read=2, replaced=2)}
        assert imported.is_complete


class TestBatches:
    async def test_that_they_are_of_one_part_in_order(
        self, start: Start, project: FakeProject
    ) -> None:
        run = start([thing("a"), thing("b"), Record(OTHERS, {"id": "o"}), thing("c")])
        await run()

        assert [(part, [each["id"] for each in saved]) for part, saved, _ in project.saves] == [
            (THINGS, ["a", "b"]),
            (OTHERS, ["o"]),
            (THINGS, ["c"]),
        ]
        assert run.taken == [2, 1, 1]

    async def test_that_their_numbers_add_up(self, start: Start, project: FakeProject) -> None:
        project.documents[THINGS] = [thing("a"), thing("b")]

        imported = await start([thing("a"), Record(OTHERS, {"id": "o"}), thing("b")])()

        assert imported.tallies[THINGS] == Tally(read=2, unchanged=2, verified=2)

    async def test_that_replaced_ones_add_up(self, start: Start, project: FakeProject) -> None:
        project.documents[THINGS] = [thing("a"), thing("b")]
        records = [thing("a", n=1), Record(OTHERS, {"id": "o"}), thing("b", n=1)]

        imported = await start(records, on_conflict=OnConflict.REPLACE)()

        assert imported.tallies[THINGS] == Tally(read=2, replaced=2, verified=2)

    async def test_that_they_have_500_documents_at_most(
        self, start: Start, project: FakeProject
    ) -> None:
        await start([thing(str(number)) for number in range(1001)])()

        assert [len(saved) for _, saved, _ in project.saves] == [500, 500, 1]

    async def test_that_they_have_two_million_characters_at_most(
        self, start: Start, project: FakeProject
    ) -> None:
        half = 1_000_000 - len('{"id": "1", "x": ""}')
        records = [thing(str(number), x="x" * half) for number in range(3)]
        records += [thing("3", x="x" * 2_500_000), thing("4")]
        await start(records)()

        assert [[each["id"] for each in saved] for _, saved, _ in project.saves] == [
            ["0", "1"],
            ["2"],
            ["3"],
            ["4"],
        ]

    @pytest.mark.parametrize(
        "error",
        [
            DuplicateDocumentError("it is to blame"),
            IndexedValueTooLongError("it is to blame"),
            InvalidDocumentError("it is to blame"),
            StatementTimeoutError("it is to blame"),
            SupabaseAdapterError("it is to blame", code="413"),
        ],
    )
    async def test_that_one_that_is_refused_holds_up_no_other(
        self, start: Start, project: FakeProject, error: SupabaseAdapterError
    ) -> None:
        def refuse(documents: Sequence[Any]) -> None:
            if {"id": "3"} in documents:
                raise error

        project.refuse = refuse
        run = start([thing(str(number)) for number in range(7)])

        imported = await run()

        assert imported.tallies == {
            THINGS: Tally(read=7, imported=6, verified=6, refused=[Refusal("3", "it is to blame")])
        }
        assert [each["id"] for _, saved, _ in project.saves for each in saved] == list("012456")
        assert sum(run.taken) == 7
        assert not imported.is_complete

    async def test_that_a_failed_one_that_is_refused_has_no_name(
        self, start: Start, project: FakeProject
    ) -> None:
        def refuse(documents: Sequence[Any]) -> None:
            raise InvalidDocumentError("it is to blame")

        project.refuse = refuse

        imported = await start([failed("a")])()

        assert imported.tallies[FAILED].refused == [Refusal(None, "it is to blame")]
        assert imported.tallies[FAILED].missing == []

    async def test_that_another_failure_ends_the_import(
        self, start: Start, project: FakeProject
    ) -> None:
        def refuse(documents: Sequence[Any]) -> None:
            raise UnavailableError("the project is gone", code="503")

        project.refuse = refuse

        with pytest.raises(UnavailableError):
            await start([thing("a"), thing("b")])()


class TestMetadata:
    def metadata(self, version: Any, id: str = "m") -> Record:
        return Record(METADATA, {"id": id, "version": version})

    async def test_that_a_new_store_takes_it(self, start: Start, project: FakeProject) -> None:
        imported = await start([self.metadata("1.0.0"), thing("a")])()

        assert imported.tallies[METADATA] == Tally(read=1, imported=1, verified=1)

    async def test_that_a_new_store_would_take_it(self, start: Start) -> None:
        imported = await start([self.metadata("1.0.0")], dry_run=True)()

        assert imported.tallies[METADATA] == Tally(read=1, imported=1)

    async def test_that_the_same_is_left_alone(self, start: Start, project: FakeProject) -> None:
        project.documents[METADATA] = [self.metadata("0.9.0", "n"), self.metadata("1.0.0")]

        imported = await start([self.metadata("1.0.0")])()

        assert imported.tallies[METADATA].kept_metadata == 0
        assert imported.is_complete

    @pytest.mark.parametrize("version", ["0.9.0", "1.0.0", "nonsense", None, 3])
    async def test_that_a_store_keeps_its_own(
        self, start: Start, project: FakeProject, version: Any
    ) -> None:
        project.documents[METADATA] = [self.metadata("1.0.0", "other")]
        run = start([self.metadata(version), self.metadata(version)])

        imported = await run()

        assert imported.tallies[METADATA] == Tally(read=2, kept_metadata=2, others=1)
        assert run.taken == [1, 1]
        assert project.saves == []

    @pytest.mark.parametrize("there", [None, 1, "nonsense"])
    async def test_that_one_of_an_unknown_version_is_kept(
        self, start: Start, project: FakeProject, there: Any
    ) -> None:
        project.documents[METADATA] = [self.metadata(there, "other")]

        imported = await start([self.metadata("2.0.0")])()

        assert imported.tallies[METADATA].kept_metadata == 1
        assert imported.stopped is None

    async def test_that_documents_of_a_newer_version_are_refused(
        self, start: Start, project: FakeProject
    ) -> None:
        project.documents[METADATA] = [self.metadata("1.9.0", "other")]

        imported = await start([self.metadata("1.10.0"), thing("a")])()

        assert imported.stopped == (
            "The documents for p_ are of version 1.10.0, the store in the project is of version "
            "1.9.0: start the agent with the newer Parlant first."
        )
        assert not imported.is_complete
        assert THINGS not in imported.tallies

    async def test_that_failed_metadata_is_any_document(
        self, start: Start, project: FakeProject
    ) -> None:
        part = METADATA._replace(is_failed=True)
        project.documents = {METADATA: [self.metadata("1.0.0", "other")], part: []}

        imported = await start([Record(part, {"id": "m"}, failure=Failure("m", "why"))])()

        assert imported.tallies[part].imported == 1


class TestBrokenSource:
    async def test_that_what_was_read_is_imported(self, start: Start) -> None:
        imported = await start([thing("a")], breaks="It ends early.")()

        assert imported.stopped == "It ends early."
        assert imported.tallies == {THINGS: Tally(read=1, imported=1, verified=1)}
        assert not imported.is_complete


def test_that_only_a_greater_version_is_newer() -> None:
    assert importing._is_newer("1.10.0", "1.9.0")
    assert not importing._is_newer("1.9.0", "1.9.0")
    assert not importing._is_newer("x", "1.9.0")


class UnreadableIds:
    """Stands in for Readability: objects to some ids."""

    def __init__(self, *ids: str) -> None:
        self._ids = ids

    async def objection(self, part: Part, document: dict[str, Any]) -> str | None:
        return "raised: KeyError" if document["id"] in self._ids else None


async def test_that_copies_of_unreadable_documents_come_last(
    project: FakeProject, start: Start
) -> None:
    failed = Record(FAILED, {"id": "b"}, None, Failure("b", "raised: KeyError"))
    records = [thing("a"), thing("b"), failed, thing("c")]

    done = await start(records, readability=UnreadableIds("a", "b"))()

    assert project.copied == [(THINGS, {"a": "raised: KeyError", "b": "raised: KeyError"})]
    assert [record.id for record in project.documents[FAILED]] == ["b"]
    assert done.tallies[THINGS].copies_in_source == 1


@pytest.mark.parametrize("dry_run", [True, False])
async def test_that_a_document_that_is_not_imported_is_not_unreadable(
    project: FakeProject, start: Start, dry_run: bool
) -> None:
    await project.create(THINGS)
    project.documents[THINGS] = [thing("a", n=1)]

    done = await start([thing("a", n=2)], readability=UnreadableIds("a"), dry_run=dry_run)()

    assert done.tallies[THINGS].different == ["a"]
    assert done.tallies[THINGS].unreadable == []
    assert project.copied == []
