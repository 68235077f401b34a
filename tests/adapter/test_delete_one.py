"""delete_one: the first match, and only that."""

from __future__ import annotations

import pytest
from parlant.core.persistence.document_database import BaseDocument, DeleteResult

from tests.adapter.notes import EVERYTHING, Notes, fill, ids, note, only


@pytest.fixture
def prefix(reused_prefix: str) -> str:
    return reused_prefix


NOTHING_MATCHED: DeleteResult[BaseDocument] = DeleteResult(
    acknowledged=True, deleted_count=0, deleted_document=None
)


def deleted(document: BaseDocument) -> DeleteResult[BaseDocument]:
    return DeleteResult(acknowledged=True, deleted_count=1, deleted_document=document)


async def test_that_the_match_is_deleted_and_returned(notes: Notes) -> None:
    await fill(notes, [note("a", name="Ann"), note("b")])

    assert await notes.delete_one(only("a")) == deleted(note("a", name="Ann"))
    assert await ids(notes) == ["b"]


async def test_that_no_match_is_reported(notes: Notes) -> None:
    await fill(notes, [note("a")])

    assert await notes.delete_one(only("b")) == NOTHING_MATCHED
    assert await ids(notes) == ["a"]


async def test_that_only_the_first_inserted_match_is_deleted(notes: Notes) -> None:
    await fill(notes, [note("z", "2030", kind=1), note("a", "2020", kind=1), note("b", kind=2)])

    assert await notes.delete_one({"kind": {"$eq": 1}}) == deleted(note("z", "2030", kind=1))
    assert await ids(notes) == ["a", "b"]


async def test_that_calls_one_after_another_delete_one_document_each(notes: Notes) -> None:
    await fill(notes, [note("a", kind=1), note("b", kind=1)])

    results = [await notes.delete_one({"kind": {"$eq": 1}}) for _ in range(3)]

    assert results == [deleted(note("a", kind=1)), deleted(note("b", kind=1)), NOTHING_MATCHED]


async def test_that_an_empty_filter_deletes_the_first_document(notes: Notes) -> None:
    await fill(notes, [note("b"), note("a")])

    assert await notes.delete_one(EVERYTHING) == deleted(note("b"))
    assert await ids(notes) == ["a"]
