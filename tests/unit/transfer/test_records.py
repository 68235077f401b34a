"""What is moved: its id, the form in which it is sent, and what it is recognised by."""

from __future__ import annotations

import json
from typing import Any

import pytest
from parlant_supabase.errors import UnstorableValueError
from parlant_supabase.transfer.records import Failure, Fingerprint, Part, Record, fingerprint

THINGS, FAILED = Part("p_", "things"), Part("p_", "things", True)


def test_that_a_part_is_told_by_prefix_and_collection() -> None:
    assert str(THINGS) == "p_ things"
    assert str(FAILED) == "p_ things (failed)"


@pytest.mark.parametrize(
    ("record", "id"),
    [
        (Record(THINGS, {"id": "a"}), "a"),
        (Record(THINGS, {"id": 1}), None),
        (Record(THINGS, {}), None),
        (Record(THINGS, None), None),
        (Record(FAILED, {"id": "a"}, failure=Failure("b", "why")), "b"),
        (Record(FAILED, {"id": "a"}, failure=Failure(None, "why")), None),
    ],
)
def test_that_the_id_is_one_that_is_a_string(record: Record, id: str | None) -> None:
    assert record.id == id


class TestEncoding:
    def test_that_a_document_is_sent_as_it_is(self) -> None:
        assert Record(THINGS, {"id": "a", "n": 1}).encode() == {"id": "a", "n": 1}

    def test_that_its_text_is_sent_where_there_is_one(self) -> None:
        assert Record(THINGS, {"id": "a", "n": 1.0}, '{"id": "a", "n": 1.00}').encode() == (
            '{"id": "a", "n": 1.00}'
        )

    @pytest.mark.parametrize("data", [{}, {"id": 1}, None])
    def test_that_one_without_id_is_refused(self, data: Any) -> None:
        with pytest.raises(UnstorableValueError) as refused:
            Record(THINGS, data).encode()

        assert str(refused.value) == "it has no id that is a string."

    def test_that_what_json_cannot_hold_is_refused_even_with_text(self) -> None:
        with pytest.raises(UnstorableValueError):
            Record(THINGS, {"id": "a", "x": float("nan")}, '{"id": "a"}').encode()

    @pytest.mark.parametrize(
        ("data", "text", "sent"),
        [
            ({"id": "a"}, None, {"id": "a"}),
            ({"id": "a"}, '{"id":"a"}', '{"id":"a"}'),
            (None, None, None),
            (None, '{"id":"a"}', None),
        ],
    )
    def test_that_a_failed_one_is_sent_with_what_is_known(
        self, data: Any, text: str | None, sent: Any
    ) -> None:
        record = Record(FAILED, data, text, Failure("b", "why", "2026"))

        assert record.encode() == {"id": "b", "data": sent, "reason": "why", "failed_at": "2026"}


class TestFingerprint:
    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
            ({"a": -0.0}, {"a": 0.0}),
            ({"b": -0.0, "a": -0.0}, {"a": 0.0, "b": 0.0}),
            ({"a": [{"b": -0.0}]}, {"a": [{"b": 0.0}]}),
            ({"a": (1, -0.0)}, {"a": [1, 0.0]}),
            ({"a": "-0.0"}, {"a": "-0.0"}),
        ],
    )
    def test_that_equal_documents_have_one(self, one: Any, other: Any) -> None:
        assert fingerprint(one).content == fingerprint(other).content

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ({"a": 1}, {"a": 1.0}),
            ({"a": 1}, {"a": True}),
            ({"a": "1"}, {"a": 1}),
            ({"a": None}, {}),
            ({"a": [1, 2]}, {"a": [2, 1]}),
            ({"a": -0.0}, {"a": 0}),
            ({"a": "-0.0"}, {"a": "0.0"}),
            ({"a": [-0.0, 1]}, {"a": [0.0, 2]}),
        ],
    )
    def test_that_others_have_another(self, one: Any, other: Any) -> None:
        assert fingerprint(one).content != fingerprint(other).content

    def test_that_the_time_is_apart(self) -> None:
        early = fingerprint({"id": "a", "creation_utc": "1"})
        late = fingerprint({"id": "a", "creation_utc": "2"})
        none = fingerprint({"id": "a"})

        assert early.content == late.content == none.content
        assert (early.creation_utc, late.creation_utc, none.creation_utc) == ('"1"', '"2"', "")

    def test_that_the_document_is_left_as_it_is(self) -> None:
        data = {"id": "a", "creation_utc": "1"}
        fingerprint(data)
        assert data == {"id": "a", "creation_utc": "1"}

    def test_that_the_size_is_that_of_the_text(self) -> None:
        data = {"id": "a", "text": "x" * 1000}

        assert fingerprint(data).size == len(json.dumps(data))
        assert fingerprint({**data, "creation_utc": "22"}).size == len(json.dumps(data)) + 4
        assert len(fingerprint(data).content) == 16

    def test_that_a_failed_one_is_known_by_all_but_its_time(self) -> None:
        def of(data: Any, id: str | None, reason: str, at: str) -> Fingerprint:
            return Record(FAILED, data, failure=Failure(id, reason, at)).fingerprint()

        base = of({"id": "a"}, "a", "why", "1")
        assert base == of({"id": "a"}, "a", "why", "2")
        for other in (
            of({"id": "b"}, "a", "why", "1"),
            of(None, "a", "why", "1"),
            of({"id": "a"}, None, "why", "1"),
            of({"id": "a"}, "a", "how", "1"),
        ):
            assert other.content != base.content

    def test_that_a_document_is_known_by_its_data(self) -> None:
        assert Record(THINGS, {"id": "a"}).fingerprint() == fingerprint({"id": "a"})
        assert Record(THINGS, None).fingerprint() == fingerprint({})
