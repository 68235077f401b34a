"""Whatever is done, in whatever order, is held and answered as by Parlant's reference."""

from __future__ import annotations

import copy
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, cast
from unittest import mock

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    rule,
    run_state_machine_as_test,
)
from parlant.adapters.db import transient
from parlant.adapters.db.transient import TransientDocumentCollection
from parlant.core.persistence.common import Cursor, ObjectId, SortDirection, Where
from parlant.core.persistence.document_database import (
    BaseDocument,
    InsertResult,
    UpdateResult,
)
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


Outcome = Any
Check = Callable[[Outcome], None]


class Sequences(RuleBasedStateMachine):
    """Does the same to the subject and to the reference.

    The reference takes documents with ids that are there; the subject has one of each id. Most
    sequences are sent as one request, as that takes a tenth of the time.
    """

    def __init__(self, subject: Subject) -> None:
        super().__init__()
        subject.empty()
        self.subject = subject
        self.reference = TransientDocumentCollection("reference", SCHEMA)
        self.collection = subject.collection
        self.pending: list[tuple[Coroutine[Any, Any, Outcome], Check]] = []

    @initialize(tenth=st.integers(0, 9))
    def choose_how_to_send(self, tenth: int) -> None:
        if tenth > 0:
            self.collection = self.subject.in_one_request

    @property
    def documents(self) -> Sequence[dict[str, Any]]:
        """What is held, in the order of insertion."""
        return cast("Sequence[dict[str, Any]]", self.reference._documents)

    def matching(self, where: Where) -> list[dict[str, Any]]:
        return [d for d in self.documents if filter_model.matches(cast("Any", where), d)]

    def held(self, id: str) -> dict[str, Any] | None:
        return next((document for document in self.documents if document["id"] == id), None)

    def expect(self, call: Coroutine[Any, Any, Outcome], check: Check) -> None:
        """Makes the call, now or with all others, and checks what it returns or raises."""
        self.pending.append((call, check))
        if self.collection is self.subject.collection:
            self.catch_up()

    def catch_up(self) -> None:
        pending, self.pending = self.pending, []
        outcomes = self.subject.outcomes(call for call, _ in pending)
        for (_, check), outcome in zip(pending, outcomes, strict=True):
            check(outcome)

    @rule(document=_DOCUMENTS)
    def insert(self, document: BaseDocument) -> None:
        held = self.held(document["id"])
        insertion = self.collection.insert_one(document)
        if held is None or _alike(held, document):
            self.expect(insertion, _is(InsertResult(acknowledged=True)))
        else:
            self.expect(insertion, _is_a(DuplicateDocumentError))
        if held is None:
            self.subject.wait_for(self.reference.insert_one(copy.deepcopy(document)))

    @rule(where=_FILTERS, params=_PARAMS, upsert=st.booleans())
    def update(self, where: Where, params: BaseDocument, upsert: bool) -> None:
        update = self.collection.update_one(where, params, upsert)
        target = next(iter(self.matching(where)), None)
        other = self.held(params["id"]) if "id" in params else None

        if target is None and upsert and "id" not in params:
            self.expect(update, _is_a(IncompleteDocumentError))
        elif target is None and upsert and other is not None and _alike(other, params):
            self.expect(update, _is(UpdateResult(True, 0, 0, copy.deepcopy(params))))
        elif other is not None and other is not target and (target is not None or upsert):
            self.expect(update, _is_a(DuplicateDocumentError))
        else:
            expected = self.subject.wait_for(
                self.reference.update_one(where, copy.deepcopy(params), upsert)
            )
            self.expect(update, _is(expected))

    @rule(where=_FILTERS)
    def delete(self, where: Where) -> None:
        expected = self.subject.wait_for(self.reference.delete_one(where))
        self.expect(self.collection.delete_one(where), _is(expected))

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
        expected = self.subject.wait_for(self.reference.find(where, limit, cursor, direction))
        self.expect(self.collection.find(where, limit, cursor, direction), _is(expected))

    @rule(where=_FILTERS, sort=_SORTS)
    def find_one(self, where: Where, sort: list[tuple[str, SortDirection]]) -> None:
        found = self.collection.find_one(where, sort)
        matching = self.matching(where)
        if order.is_decided(matching, sort):
            self.expect(found, _is(order.first(matching, sort)))
        else:
            self.expect(found, _is_one_of(matching))

    def teardown(self) -> None:
        self.catch_up()
        found = self.subject.wait_for(self.subject.collection.find({}))
        assert exact(found.items) == exact(order.listed(self.documents, None))


def _alike(held: dict[str, Any], document: BaseDocument) -> bool:
    """Whether two documents differ in creation_utc at most."""
    irrelevant = {"creation_utc": None}
    return bool(exact({**held, **irrelevant}) == exact({**document, **irrelevant}))


def _content(outcome: Outcome) -> Any:
    """What a result or a document holds, types included."""
    return exact(outcome if isinstance(outcome, dict) or outcome is None else vars(outcome))


def _is(expected: Outcome) -> Check:
    # Taken now, as the reference goes on changing the documents that it returned.
    content = _content(expected)

    def check(outcome: Outcome) -> None:
        assert not isinstance(outcome, BaseException), outcome
        assert _content(outcome) == content

    return check


def _is_one_of(documents: Sequence[dict[str, Any]]) -> Check:
    contents = [exact(document) for document in documents]

    def check(outcome: Outcome) -> None:
        assert exact(outcome) in contents

    return check


def _is_a(error: type[Exception]) -> Check:
    def check(outcome: Outcome) -> None:
        assert isinstance(outcome, error), outcome

    return check


def test_that_any_sequence_of_calls_does_what_it_does_to_the_reference(subject: Subject) -> None:
    # The reference raises where a field is missing or of another type; the model does not.
    with mock.patch.object(transient, "matches_filters", filter_model.matches):
        run_state_machine_as_test(
            cast("type[Sequences]", lambda: Sequences(subject)),
            settings=settings(stateful_step_count=25),
        )
