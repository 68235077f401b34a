"""insert_one: stores a document once, however often it is sent."""

from __future__ import annotations

import re
from typing import Any, cast

import pytest
from parlant.core.persistence.common import ObjectId, Where
from parlant.core.persistence.document_database import BaseDocument, identity_loader
from parlant_supabase import (
    CollectionNotFoundError,
    DuplicateDocumentError,
    IncompleteDocumentError,
    IndexedValueTooLongError,
    InvalidDocumentError,
    SupabaseDocumentDatabase,
    UnstorableValueError,
)

from tests.adapter.notes import EVERYTHING, Notes, fill, ids, note, only


class Person(BaseDocument, total=False):
    name: str
    nickname: str | None


async def test_that_an_inserted_document_is_stored(notes: Notes) -> None:
    result = await notes.insert_one(note("a", name="Ann"))

    assert result.acknowledged
    assert await notes.find_one(only("a")) == note("a", name="Ann")


async def test_that_the_callers_document_is_left_as_it_is(notes: Notes) -> None:
    document = note("a", tags=["x"], big=1e22)

    await notes.insert_one(document)
    document["id"] = ObjectId("changed")

    assert document == note("changed", tags=["x"], big=1e22)
    assert await notes.find_one(EVERYTHING) == note("a", tags=["x"], big=1e22)


async def test_that_the_same_document_again_is_acknowledged_and_not_written(notes: Notes) -> None:
    await notes.insert_one(note("a", "2026-01-01", name="Ann"))

    result = await notes.insert_one(note("a", "2026-12-31", name="Ann"))

    assert result.acknowledged
    assert (await notes.find(EVERYTHING)).items == [note("a", "2026-01-01", name="Ann")]


@pytest.mark.parametrize(
    "other",
    [
        note("a", name="Anna"),
        note("a"),
        note("a", name="Ann", age=30),
        note("a", name="Ann", version="2.0.0"),
        note("a", name=None),
    ],
)
async def test_that_a_different_document_with_the_id_of_another_is_refused(
    notes: Notes, other: BaseDocument
) -> None:
    await notes.insert_one(note("a", name="Ann"))

    with pytest.raises(DuplicateDocumentError, match="a different document with that id exists"):
        await notes.insert_one(other)

    assert (await notes.find(EVERYTHING)).items == [note("a", name="Ann")]


async def test_that_an_integer_and_the_float_of_the_same_value_are_different_documents(
    notes: Notes,
) -> None:
    await notes.insert_one(note("a", score=1))

    with pytest.raises(DuplicateDocumentError):
        await notes.insert_one(note("a", score=1.0))


async def test_that_a_deleted_documents_id_is_free_again(notes: Notes) -> None:
    await notes.insert_one(note("a", name="Ann"))
    await notes.delete_one(only("a"))

    await notes.insert_one(note("a", name="Bob"))

    assert await notes.find_one(only("a")) == note("a", name="Bob")


async def test_that_ids_that_only_look_alike_are_different(notes: Notes) -> None:
    alike = ["a", "A", "a ", " a", "á", "a\u0301", "", "aa"]

    await fill(notes, [note(id) for id in alike])

    assert sorted(await ids(notes)) == sorted(alike)


async def test_that_an_incomplete_document_is_refused_naming_what_is_missing(
    database: SupabaseDocumentDatabase,
) -> None:
    people = await database.get_or_create_collection("people", Person, identity_loader_of_people)
    ann: Any = note("a", name="Ann")
    missing = re.escape("lacks the fields nickname. Add what Person requires.")

    with pytest.raises(IncompleteDocumentError, match=missing) as caught:
        await people.insert_one(ann)
    assert isinstance(caught.value, TypeError)

    complete: list[Any] = [
        note("a", name="Ann", nickname=None),
        note("b", name="Bob", nickname="B", beyond_the_schema=1),
    ]
    for person in complete:
        await people.insert_one(person)
    assert (await people.find({})).items == complete


async def identity_loader_of_people(document: BaseDocument) -> Person:
    return cast(Person, document)


@pytest.mark.parametrize("id", [5, None, True, ["a"], {"a": 1}])
async def test_that_an_id_is_a_string(notes: Notes, id: object) -> None:
    with pytest.raises(InvalidDocumentError, match="the id of a document must be a string"):
        await notes.insert_one(note("x", id=id))


@pytest.mark.parametrize("document", ["text", 5, ["a"], None])
async def test_that_a_document_is_a_dict(notes: Notes, document: Any) -> None:
    with pytest.raises((UnstorableValueError, IncompleteDocumentError, TypeError)):
        await notes.insert_one(document)

    assert await ids(notes) == []


async def test_that_an_id_too_long_for_an_index_is_refused(notes: Notes) -> None:
    # What repeats would be compressed and fit.
    long = "".join(chr(0x4E00 + (number * 7919) % 20000) for number in range(3000))

    with pytest.raises(IndexedValueTooLongError, match="Keep ids and indexed fields under"):
        await notes.insert_one(note(long))

    await notes.insert_one(note("a", text=long * 10))
    assert await ids(notes, {"text": {"$eq": long * 10}}) == ["a"]


async def test_that_a_collection_deleted_meanwhile_is_missed(
    notes: Notes, database: SupabaseDocumentDatabase
) -> None:
    await database.delete_collection("notes")

    with pytest.raises(CollectionNotFoundError, match="does not exist"):
        await notes.insert_one(note("a"))


async def test_that_collections_are_apart(notes: Notes, database: SupabaseDocumentDatabase) -> None:
    others = await database.get_or_create_collection("others", BaseDocument, identity_loader)

    await notes.insert_one(note("a", name="Ann"))
    await others.insert_one(note("a", name="Bob"))

    everything: Where = {}
    assert (await notes.find(everything)).items == [note("a", name="Ann")]
    assert (await others.find(everything)).items == [note("a", name="Bob")]
