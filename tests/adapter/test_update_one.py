"""update_one: merges, moves, upserts."""

from __future__ import annotations

from typing import Any

import pytest
from parlant.adapters.db.transient import TransientDocumentDatabase
from parlant.core.persistence.document_database import (
    BaseDocument,
    UpdateResult,
    identity_loader,
)
from parlant_supabase import (
    DuplicateDocumentError,
    IncompleteDocumentError,
    InvalidDocumentError,
    UnstorableValueError,
)

from tests.adapter.notes import EVERYTHING, Notes, fill, ids, note, only, where


@pytest.fixture
def prefix(reused_prefix: str) -> str:
    return reused_prefix


# Parameters are partial documents; what they hold is each test's business.
Params = Any

NOTHING_MATCHED: UpdateResult[BaseDocument] = UpdateResult(
    acknowledged=True, matched_count=0, modified_count=0, updated_document=None
)


def updated(document: BaseDocument) -> UpdateResult[BaseDocument]:
    return UpdateResult(
        acknowledged=True, matched_count=1, modified_count=1, updated_document=document
    )


def inserted(document: BaseDocument) -> UpdateResult[BaseDocument]:
    return UpdateResult(
        acknowledged=True, matched_count=0, modified_count=0, updated_document=document
    )


async def test_that_top_level_keys_are_merged_and_nested_ones_replaced(notes: Notes) -> None:
    await fill(notes, [note("a", name="Ann", extra={"x": 1, "y": 2}, tags=["p", "q"])])
    params: Params = {"extra": {"z": 3}, "tags": [], "age": None}

    result = await notes.update_one(only("a"), params)

    merged = note("a", name="Ann", extra={"z": 3}, tags=[], age=None)
    assert result == updated(merged)
    assert await notes.find_one(only("a")) == merged


async def test_that_empty_params_match_and_change_nothing(notes: Notes) -> None:
    await fill(notes, [note("a", name="Ann")])

    assert await notes.update_one(only("a"), {}) == updated(note("a", name="Ann"))
    assert await notes.find_one(only("a")) == note("a", name="Ann")


async def test_that_no_match_is_reported(notes: Notes) -> None:
    await fill(notes, [note("a")])

    assert await notes.update_one(only("b"), {"creation_utc": "2030"}) == NOTHING_MATCHED
    assert (await notes.find(EVERYTHING)).items == [note("a")]


async def test_that_only_the_first_inserted_match_is_updated(notes: Notes) -> None:
    await fill(notes, [note("z", "2030", kind=1), note("a", "2020", kind=1)])
    params: Params = {"name": "first"}

    result = await notes.update_one({"kind": {"$eq": 1}}, params)

    assert result == updated(note("z", "2030", kind=1, name="first"))
    assert await notes.find_one(only("a")) == note("a", "2020", kind=1)


async def test_that_an_update_keeps_the_place_in_the_order_of_insertion(notes: Notes) -> None:
    await fill(notes, [note("a", kind=1), note("b", kind=1)])

    for name in ("once", "twice"):
        params: Params = {"name": name, "id": f"a {name}"}
        await notes.update_one({"kind": {"$eq": 1}}, params)

    assert await notes.find_one(EVERYTHING) == note("a twice", kind=1, name="twice")


async def test_that_an_update_may_change_the_id(notes: Notes) -> None:
    await fill(notes, [note("old", name="Ann")])
    params: Params = {"id": "new", "creation_utc": "2030", "name": "Anna"}

    result = await notes.update_one(only("old"), params)

    assert result == updated(note("new", "2030", name="Anna"))
    assert await ids(notes) == ["new"]
    assert await notes.find_one(only("old")) is None


async def test_that_an_update_to_the_id_of_another_is_refused(notes: Notes) -> None:
    await fill(notes, [note("a", name="Ann"), note("b", name="Bob")])

    with pytest.raises(DuplicateDocumentError, match="another document has the id"):
        await notes.update_one(only("a"), note("b", name="Anna"))

    assert (await notes.find(EVERYTHING)).items == [note("a", name="Ann"), note("b", name="Bob")]


async def test_that_the_updated_document_is_returned_although_it_left_the_filter(
    notes: Notes,
) -> None:
    await fill(notes, [note("a", state="open")])
    params: Params = {"state": "closed"}

    result = await notes.update_one({"state": {"$eq": "open"}}, params)

    assert result == updated(note("a", state="closed"))


async def test_that_a_changed_field_is_found_by_its_new_value(notes: Notes) -> None:
    await fill(notes, [note("a", session_id="s1")])
    params: Params = {"session_id": "s2", "creation_utc": "2030"}

    await notes.update_one(only("a"), params)

    assert await ids(notes, {"session_id": {"$eq": "s1"}}) == []
    assert await ids(notes, {"session_id": {"$eq": "s2"}}) == ["a"]
    assert await ids(notes, {"creation_utc": {"$gte": "2030"}}) == ["a"]


@pytest.mark.parametrize("id", [5, None])
async def test_that_an_id_stays_a_string(notes: Notes, id: object) -> None:
    await fill(notes, [note("a"), note("5")])
    params: Params = {"id": id}

    for old in ("a", "5"):
        with pytest.raises(InvalidDocumentError, match="must be a string"):
            await notes.update_one(only(old), params)

    assert await ids(notes) == ["5", "a"]


@pytest.mark.parametrize("params", ["text", 5, ["a"], None])
async def test_that_params_are_a_dict(notes: Notes, params: Params) -> None:
    await fill(notes, [note("a")])

    with pytest.raises(UnstorableValueError, match="a document must be a dict"):
        await notes.update_one(EVERYTHING, params)


class TestUpsert:
    async def test_that_it_updates_what_matches(self, notes: Notes) -> None:
        await fill(notes, [note("a", name="Ann")])
        params: Params = {"name": "Anna"}

        result = await notes.update_one(only("a"), params, upsert=True)

        assert result == updated(note("a", name="Anna"))
        assert await ids(notes) == ["a"]

    async def test_that_it_inserts_the_params_alone_where_nothing_matches(
        self, notes: Notes
    ) -> None:
        filters = where({"variable": {"$eq": "v"}, "key": {"$eq": "k"}})

        result = await notes.update_one(filters, note("a", data=1), upsert=True)

        assert result == inserted(note("a", data=1))
        assert (await notes.find(EVERYTHING)).items == [note("a", data=1)]

    async def test_that_it_may_give_the_match_another_id(self, notes: Notes) -> None:
        filters = where({"key": {"$eq": "k"}})

        await notes.update_one(filters, note("first", key="k", data=1), upsert=True)
        result = await notes.update_one(filters, note("second", key="k", data=2), upsert=True)

        assert result == updated(note("second", key="k", data=2))
        assert (await notes.find(EVERYTHING)).items == [note("second", key="k", data=2)]

    async def test_that_it_does_not_insert_an_incomplete_document(self, notes: Notes) -> None:
        with pytest.raises(IncompleteDocumentError, match="lacks the fields id, version") as caught:
            await notes.update_one(only("a"), {"creation_utc": "2030"}, upsert=True)

        assert isinstance(caught.value, TypeError)
        assert await ids(notes) == []

    async def test_that_it_updates_with_incomplete_params(self, notes: Notes) -> None:
        await fill(notes, [note("a")])

        result = await notes.update_one(only("a"), {"creation_utc": "2030"}, upsert=True)

        assert result == updated(note("a", "2030"))

    async def test_that_it_does_not_overwrite_another_document_with_the_id(
        self, notes: Notes
    ) -> None:
        await fill(notes, [note("a", key="k1", data=1)])

        with pytest.raises(DuplicateDocumentError, match="a different document with that id"):
            await notes.update_one(
                where({"key": {"$eq": "k2"}}), note("a", key="k2", data=2), upsert=True
            )

        assert (await notes.find(EVERYTHING)).items == [note("a", key="k1", data=1)]

    @pytest.mark.parametrize("filters", [{}, {"$and": []}, {"id": {"$ne": "b"}}])
    async def test_that_it_takes_the_first_of_any_filters_matches(
        self, notes: Notes, filters: object
    ) -> None:
        await fill(notes, [note("z", n=1), note("a", n=1)])

        result = await notes.update_one(where(filters), note("z", n=2), upsert=True)

        assert result == updated(note("z", n=2))


async def test_that_a_history_of_updates_ends_as_in_transient(notes: Notes) -> None:
    transient = await TransientDocumentDatabase().get_or_create_collection(
        "notes", BaseDocument, identity_loader
    )
    history: list[tuple[object, Params, bool]] = [
        (only("a"), note("a", n=1, s="x"), True),
        (only("b"), note("b", n=2, s="x"), True),
        (where({"s": {"$eq": "x"}}), {"n": 3}, False),
        (where({"n": {"$gte": 2}}), {"s": "y", "id": "c"}, False),
        (where({"n": {"$gt": 99}}), {"s": "z"}, False),
        (where({"s": {"$eq": "y"}}), note("d", "2030", n=0, s="w"), True),
        (where({"s": {"$eq": "y"}}), note("e", "2020", n=0, s="y"), True),
        (where({}), {}, False),
    ]

    for filters, params, upsert in history:
        assert await notes.update_one(where(filters), params, upsert) == (
            await transient.update_one(where(filters), params, upsert)
        )

    assert await notes.find(EVERYTHING) == await transient.find(EVERYTHING)
