"""Whatever is done, in whatever order, is held and answered as by Parlant's reference."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, cast
from unittest import mock

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test
from parlant.adapters.db import transient
from parlant.adapters.db.transient import TransientDocumentCollection
from parlant.core.persistence.common import Cursor, ObjectId, SortDirection, Where
from parlant.core.persistence.document_database import BaseDocument
from parlant_supabase import DuplicateDocumentError, IncompleteDocumentError

from tests.adapter import filter_model
from tests.differential import order, values
from tests.differential.exactness import exact
from tests.differential.subject import SCHEMA, Subject

# Few of each, so that what is asked for is often there.
_IDS = ("a", "b", "Z", "é", "a'b")
_FIELDS = ("kind", "session_id", "version", "a.b", "")
_VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, 1.0, -1.5, 10**30, 1e22, "", "a", "Z", "é", "x" * 100 + "a",
    "x" * 100 + "b", [], [1.0], {}, {"": []},
)  # fmt: skip
_CREATION_UTCS = ("", "2026-01-01T00:00:00+00:00", "2026-01-01T00:00:00.000001+00:00")

_CONTENT = st.fixed_dictionaries(
    {},
    optional={
        "creation_utc": st.sampled_from(_CREATION_UTCS),
        **dict.fromkeys(_FIELDS, st.sampled_from(_VALUES)),
    },
)
_ID = st.fixed_dictionaries({"id": st.sampled_from(_IDS)})
_DOCUMENTS = st.builds(lambda content, id: {**content, **id}, _CONTENT, _ID)
_PARAMS = st.one_of(_CONTENT, _DOCUMENTS)
_FILTERS = st.one_of(
    st.sampled_from([{}, *({"id": {"$eq": id}} for id in _IDS)]),
    values.filters([*_FIELDS, "id", "creation_utc"], [*_VALUES, *_IDS, *_CREATION_UTCS]),
)
_DIRECTIONS = st.sampled_from([SortDirection.ASC, SortDirection.DESC])
_SORTS = st.lists(
    st.tuples(st.sampled_from([*_FIELDS, "id", "creation_utc"]), _DIRECTIONS), max_size=2
)
_CURSORS = st.builds(Cursor, st.sampled_from(_CREATION_UTCS), st.sampled_from(_IDS).map(ObjectId))


class Sequences(RuleBasedStateMachine):
    """Does the same to the subject and to the reference.

    The reference takes documents with ids that are there; the subject has one of each id.
    """

    def __init__(self, subject: Subject) -> None:
        super().__init__()
        subject.empty()
        self.subject = subject
        self.collection = subject.collection
        self.reference = TransientDocumentCollection("reference", SCHEMA)

    @property
    def documents(self) -> Sequence[dict[str, Any]]:
        """What is held, in the order of insertion."""
        return cast("Sequence[dict[str, Any]]", self.reference._documents)

    def matching(self, where: Where) -> list[dict[str, Any]]:
        return [d for d in self.documents if filter_model.matches(cast("Any", where), d)]

    def held(self, id: str) -> dict[str, Any] | None:
        return next((document for document in self.documents if document["id"] == id), None)

    @rule(document=_DOCUMENTS)
    def insert(self, document: BaseDocument) -> None:
        held = self.held(document["id"])
        insertion = self.collection.insert_one(document)
        if held is None or _alike(held, document):
            assert self.subject.wait_for(insertion).acknowledged
        else:
            with pytest.raises(DuplicateDocumentError):
                self.subject.wait_for(insertion)
        if held is None:
            self.subject.wait_for(self.reference.insert_one(copy.deepcopy(document)))

    @rule(where=_FILTERS, params=_PARAMS, upsert=st.booleans())
    def update(self, where: Where, params: BaseDocument, upsert: bool) -> None:
        update = self.collection.update_one(where, params, upsert)
        target = next(iter(self.matching(where)), None)
        other = self.held(params["id"]) if "id" in params else None

        if target is None and upsert and "id" not in params:
            with pytest.raises(IncompleteDocumentError):
                self.subject.wait_for(update)
        elif target is None and upsert and other is not None and _alike(other, params):
            result = self.subject.wait_for(update)
            assert (result.matched_count, result.modified_count) == (0, 0)
            assert exact(result.updated_document) == exact(params)
        elif other is not None and other is not target and (target is not None or upsert):
            with pytest.raises(DuplicateDocumentError):
                self.subject.wait_for(update)
        else:
            expected = self.subject.wait_for(
                self.reference.update_one(where, copy.deepcopy(params), upsert)
            )
            assert exact(vars(self.subject.wait_for(update))) == exact(vars(expected))

    @rule(where=_FILTERS)
    def delete(self, where: Where) -> None:
        result = self.subject.wait_for(self.collection.delete_one(where))
        expected = self.subject.wait_for(self.reference.delete_one(where))
        assert exact(vars(result)) == exact(vars(expected))

    @rule(
        where=_FILTERS,
        limit=st.one_of(st.none(), st.integers(0, 4)),
        cursor=st.one_of(st.none(), _CURSORS),
        direction=st.one_of(st.none(), _DIRECTIONS),
    )
    def find(
        self,
        where: Where,
        limit: int | None,
        cursor: Cursor | None,
        direction: SortDirection | None,
    ) -> None:
        page = self.subject.wait_for(self.collection.find(where, limit, cursor, direction))
        expected = self.subject.wait_for(self.reference.find(where, limit, cursor, direction))
        assert exact(page.items) == exact(expected.items)
        assert page.total_count == expected.total_count
        assert page.has_more == expected.has_more
        assert page.next_cursor == expected.next_cursor

    @rule(where=_FILTERS, sort=_SORTS)
    def find_one(self, where: Where, sort: list[tuple[str, SortDirection]]) -> None:
        found = self.subject.wait_for(self.collection.find_one(where, sort))
        matching = self.matching(where)
        if order.is_decided(matching, sort):
            assert exact(found) == exact(order.first(matching, sort))
        else:
            assert exact(found) in map(exact, matching)

    def teardown(self) -> None:
        found = self.subject.wait_for(self.collection.find({}))
        assert exact(found.items) == exact(order.listed(self.documents, None))


def _alike(held: dict[str, Any], document: BaseDocument) -> bool:
    """Whether two documents differ in creation_utc at most."""
    irrelevant = {"creation_utc": None}
    return bool(exact({**held, **irrelevant}) == exact({**document, **irrelevant}))


def test_that_any_sequence_of_calls_does_what_it_does_to_the_reference(subject: Subject) -> None:
    # The reference raises where a field is missing or of another type; the model does not.
    with mock.patch.object(transient, "matches_filters", filter_model.matches):
        run_state_machine_as_test(
            cast("type[Sequences]", lambda: Sequences(subject)),
            settings=settings(stateful_step_count=25),
        )
