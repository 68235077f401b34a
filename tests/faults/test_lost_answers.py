"""What a call comes to whose request or answer got lost on the way."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from parlant.core.common import Version
from parlant.core.persistence.common import SortDirection
from parlant.core.persistence.document_database import (
    BaseDocument,
    CollectionIndex,
    identity_loader,
)
from parlant_supabase import OutcomeUnknownError, SupabaseDocumentDatabase

from tests.adapter.notes import EVERYTHING, Notes, ids, note, only
from tests.faults.conftest import BOTH_CLIENTS, Connect, give, open_notes, stored
from tests.faults.fault_proxy import (
    Exchange,
    Fault,
    FaultProxy,
    answer_too_late,
    drop_answer,
    drop_request,
    empty_answer,
    end_answer_early,
    forward_too_late,
    html_instead_of_answer,
    html_instead_of_forwarding,
    json_instead_of_forwarding,
    pass_on,
    reset_answer,
    reset_request,
    truncate_answer,
)

# Of these nobody can tell from outside whether the request was carried out.
SUDDEN_FAULTS: list[Fault] = [
    drop_request,
    drop_answer,
    reset_request,
    reset_answer,
    truncate_answer,
    end_answer_early,
    empty_answer,
    html_instead_of_forwarding(502),
    html_instead_of_answer(502),
    html_instead_of_answer(503),
    html_instead_of_answer(504),
]
# These show only when the adapter's patience is at an end.
LATE_FAULTS: list[Fault] = [answer_too_late, forward_too_late]


class OldStore:
    """A store whose version is newer than that of the notes."""

    VERSION = Version.from_string("2.0.0")

    async def load(self, document: BaseDocument) -> BaseDocument | None:
        if document["id"] == "rejected":
            return None
        if document["id"] == "raised":
            raise ValueError("broken")
        return {**document, "version": Version.String("2.0.0")}


def name_of(case: Any) -> str:
    return str(getattr(case, "__name__", case))


# The functions that may be called twice


async def finds(database: SupabaseDocumentDatabase, notes: Notes) -> None:
    assert await ids(notes) == ["kept"]


async def finds_one(database: SupabaseDocumentDatabase, notes: Notes) -> None:
    found = await notes.find_one(only("kept"))
    assert found is not None
    assert found["id"] == "kept"


async def inserts(database: SupabaseDocumentDatabase, notes: Notes) -> None:
    assert (await notes.insert_one(note("new"))).acknowledged
    assert sorted(await ids(notes)) == ["kept", "new"]


async def makes_an_index(database: SupabaseDocumentDatabase, notes: Notes) -> None:
    await notes.ensure_indexes([CollectionIndex((("color", SortDirection.ASC),))])


async def opens_what_exists(database: SupabaseDocumentDatabase, notes: Notes) -> None:
    assert await ids(await database.get_collection("notes", BaseDocument, identity_loader)) == [
        "kept"
    ]


async def opens_what_is_new(database: SupabaseDocumentDatabase, notes: Notes) -> None:
    more = await database.get_or_create_collection("more", BaseDocument, identity_loader)
    assert await ids(more) == []


@BOTH_CLIENTS
@pytest.mark.parametrize("fault", SUDDEN_FAULTS, ids=name_of)
async def test_that_what_may_be_called_twice_is(
    connect: Connect, proxy: FaultProxy, short_pauses: None, fault: Fault
) -> None:
    async with connect() as database:
        notes = await open_notes(database)
        await notes.insert_one(note("kept"))

        for operation in (
            finds,
            finds_one,
            makes_an_index,
            opens_what_exists,
            opens_what_is_new,
            inserts,
        ):
            proxy.seen.clear()
            proxy.faults.append(fault)
            await operation(database, notes)
            assert proxy.seen[0] == proxy.seen[1]


@BOTH_CLIENTS
@pytest.mark.parametrize("fault", LATE_FAULTS, ids=name_of)
async def test_that_an_answer_that_never_comes_leaves_time_for_another_attempt(
    connect: Connect, proxy: FaultProxy, fault: Fault
) -> None:
    async with connect() as database:
        notes = await open_notes(database)
        await notes.insert_one(note("kept"))
        give(database, 6)
        proxy.faults.append(fault)

        await inserts(database, notes)

    await proxy.settled()


async def test_that_opening_the_database_survives_a_lost_answer(
    connect: Connect, proxy: FaultProxy
) -> None:
    proxy.faults.extend([drop_request, drop_answer])

    async with connect() as database:
        assert await ids(await open_notes(database)) == []


@pytest.mark.parametrize("fault", [*SUDDEN_FAULTS, *LATE_FAULTS], ids=name_of)
async def test_that_a_migration_interrupted_after_its_commit_is_done_once(
    connect: Connect, proxy: FaultProxy, sql: psycopg.Connection, prefix: str, fault: Fault
) -> None:
    async with connect() as database:
        notes = await open_notes(database)
        for id in ("changed", "rejected", "raised"):
            await notes.insert_one(note(id))

    def interrupt(exchange: Exchange) -> Fault:
        if exchange.function != "parlant_save_loaded_documents":
            return pass_on
        proxy.choose = lambda exchange: pass_on
        return fault

    proxy.choose = interrupt
    async with connect() as database:
        give(database, 6)
        await database.get_collection("notes", BaseDocument, OldStore().load)
    await proxy.settled()

    assert proxy.seen.count("parlant_save_loaded_documents") == 2
    assert [
        (document["id"], document["version"]) for document in stored(sql, f"{prefix}notes")
    ] == [
        ("changed", "2.0.0"),
        ("raised", "1.0.0"),
    ]
    failed = stored(sql, f"{prefix}notes_failed_migrations")
    assert [document["id"] for document in failed] == ["raised", "rejected"]


# The functions that may not


async def updates(database: SupabaseDocumentDatabase, notes: Notes) -> None:
    await notes.update_one(only("kept"), note("kept", color="red"))


async def upserts(database: SupabaseDocumentDatabase, notes: Notes) -> None:
    await notes.update_one(only("new"), note("new"), upsert=True)


async def deletes(database: SupabaseDocumentDatabase, notes: Notes) -> None:
    await notes.delete_one(EVERYTHING)


async def creates_a_collection(database: SupabaseDocumentDatabase, notes: Notes) -> None:
    await database.create_collection("more", BaseDocument)


async def deletes_a_collection(database: SupabaseDocumentDatabase, notes: Notes) -> None:
    await database.delete_collection("notes")


@BOTH_CLIENTS
@pytest.mark.parametrize("fault", SUDDEN_FAULTS, ids=name_of)
async def test_that_what_may_not_be_called_twice_is_not(
    connect: Connect, proxy: FaultProxy, fault: Fault
) -> None:
    async with connect() as database:
        notes = await open_notes(database)
        await notes.insert_one(note("kept"))

        for operation in (
            updates,
            upserts,
            deletes,
            creates_a_collection,
            deletes_a_collection,
        ):
            proxy.seen.clear()
            proxy.faults.append(fault)
            with pytest.raises(OutcomeUnknownError, match=r"carried out or not.*Tried once"):
                await operation(database, notes)
            assert len(proxy.seen) == 1


@BOTH_CLIENTS
@pytest.mark.parametrize("fault", LATE_FAULTS, ids=name_of)
async def test_that_an_update_without_an_answer_in_time_is_not_repeated(
    connect: Connect, proxy: FaultProxy, fault: Fault
) -> None:
    async with connect() as database:
        notes = await open_notes(database)
        await notes.insert_one(note("kept"))
        give(database, 3)
        proxy.seen.clear()
        proxy.faults.append(fault)

        with pytest.raises(OutcomeUnknownError, match=r"in time.*Tried once"):
            await updates(database, notes)

        assert proxy.seen == ["parlant_update_one"]


async def test_that_a_lost_answer_does_not_cost_another_writer_the_newer_value(
    connect: Connect, proxy: FaultProxy
) -> None:
    async with connect() as database, connect() as another:
        notes = await open_notes(database)
        await notes.insert_one(note("kept"))
        same_notes = await open_notes(another)

        async def drop_answer_after_another_write(exchange: Exchange) -> None:
            await exchange.forward()
            await same_notes.update_one(only("kept"), note("kept", color="newer"))

        proxy.faults.append(drop_answer_after_another_write)
        with pytest.raises(OutcomeUnknownError):
            await notes.update_one(only("kept"), note("kept", color="older"))

        found = await notes.find_one(only("kept"))
    assert found is not None
    assert found["color"] == "newer"  # type: ignore[typeddict-item]


async def test_that_a_lost_answer_does_not_delete_a_second_document(
    connect: Connect, proxy: FaultProxy
) -> None:
    async with connect() as database:
        notes = await open_notes(database)
        await notes.insert_one(note("first"))
        await notes.insert_one(note("second"))
        proxy.faults.append(drop_answer)

        with pytest.raises(OutcomeUnknownError):
            await notes.delete_one(EVERYTHING)

        assert await ids(notes) == ["second"]


# A loss followed by something else


@pytest.mark.parametrize(
    ("afterwards", "saying"),
    [
        (json_instead_of_forwarding(401, message="Invalid API key"), "the key was refused"),
        (json_instead_of_forwarding(500, code="57014", message="timeout"), "took too long"),
    ],
    ids=["key refused", "statement timeout"],
)
async def test_that_a_certain_failure_does_not_hide_that_an_earlier_attempt_may_have_succeeded(
    connect: Connect, proxy: FaultProxy, afterwards: Fault, saying: str
) -> None:
    async with connect() as database:
        notes = await open_notes(database)
        proxy.faults.extend([drop_answer, afterwards])

        with pytest.raises(OutcomeUnknownError, match=f"Tried 2 times.*{saying}"):
            await notes.insert_one(note("new"))

        assert await ids(notes) == ["new"]


async def test_that_a_repeated_insert_is_not_taken_for_a_duplicate_of_what_it_has_become(
    connect: Connect, proxy: FaultProxy
) -> None:
    async with connect() as database, connect() as another:
        notes = await open_notes(database)
        same_notes = await open_notes(another)

        async def drop_answer_after_another_write(exchange: Exchange) -> None:
            await exchange.forward()
            await same_notes.update_one(only("new"), note("new", color="red"))

        proxy.faults.append(drop_answer_after_another_write)

        with pytest.raises(OutcomeUnknownError, match="a different document with that id exists"):
            await notes.insert_one(note("new"))


async def test_that_an_answer_cut_inside_a_character_is_a_lost_answer(
    connect: Connect, proxy: FaultProxy
) -> None:
    async def cut_inside_a_character(exchange: Exchange) -> None:
        content = (await exchange.forward()).content
        await exchange.write_head(200, {"connection": "close"})
        await exchange.write(content[: content.index("é".encode()) + 1])

    async with connect() as database:
        notes = await open_notes(database)
        await notes.insert_one(note("é"))
        proxy.faults.append(cut_inside_a_character)
        assert await ids(notes) == ["é"]

        proxy.faults.append(cut_inside_a_character)
        with pytest.raises(OutcomeUnknownError, match="cut off"):
            await notes.update_one(only("é"), note("é", color="red"))
