"""A document that cannot be read is left out, and is named in the log with a reason."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from parlant.core.common import ItemNotFoundError
from parlant_supabase.database import connection_of
from parlant_supabase.stores.reading import (
    CUSTOMER,
    EVENT,
    SESSION,
    VALUE,
    VARIABLE,
    Fields,
    UnreadableDocumentError,
    read,
    readable,
)

from tests.unit.stores.fake_rpc import fake_database

FIELDS: Fields = {"id": (str,), "offset": (int, float), "deleted": (bool,)}
GOOD = {"id": "x", "version": "1.0.0", "offset": 1, "deleted": False}


def read_with(document: Any, build: Any = dict) -> Any:
    return read(connection_of(fake_database()), "events", FIELDS, document, build)


@pytest.mark.parametrize("offset", [1, 1.5, 0])
def test_that_a_document_is_handed_to_its_builder(offset: Any) -> None:
    document = {**GOOD, "offset": offset}

    assert read_with(document, lambda each: (each, "built")) == (document, "built")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"offset": "1"}, "offset has another type than it should"),
        ({"offset": True}, "offset has another type than it should"),
        ({"offset": None}, "offset has another type than it should"),
        ({"deleted": 0}, "deleted has another type than it should"),
        ({"id": 5}, "id has another type than it should"),
    ],
)
async def test_that_another_type_is_told(
    changes: dict[str, Any], reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(UnreadableDocumentError) as caught:
        read_with({**GOOD, **changes})

    id = changes.get("id", "x")
    assert isinstance(caught.value, ItemNotFoundError)
    assert str(caught.value) == f"the stored document cannot be read; see the log (id='{id}')"
    [record] = caplog.records
    assert record.levelno == logging.WARNING
    assert (
        f"Table events: document {str(id)!r} cannot be read and is left out: {reason} "
        "(document version 1.0.0). Correct the row or delete it."
    ) in record.getMessage()


async def test_that_a_missing_field_is_told(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(UnreadableDocumentError):
        read_with({"id": "x", "offset": 1})

    assert "is left out: KeyError: 'deleted'. Correct" in caplog.records[0].getMessage()


@pytest.mark.parametrize(
    ("version", "said"), [("9" * 30, f" (document version {'9' * 20})"), (5, "")]
)
async def test_that_a_builder_that_raises_is_told(
    version: Any, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    def build(document: Any) -> Any:
        raise ValueError("a customer's words")

    with pytest.raises(UnreadableDocumentError):
        read_with({**GOOD, "version": version}, build)

    message = caplog.records[0].getMessage()
    assert f"is left out: ValueError{said}. Correct" in message
    assert "words" not in message


def test_that_a_document_that_was_told_is_not_told_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    error = UnreadableDocumentError("x")

    def build(document: Any) -> Any:
        raise error

    with pytest.raises(UnreadableDocumentError) as caught:
        read_with(GOOD, build)

    assert caught.value is error
    assert caplog.records == []


def test_that_the_rest_of_a_list_is_read() -> None:
    def read_one(item: int) -> str:
        if item == 2:
            raise UnreadableDocumentError(item)
        return str(item)

    assert readable([1, 2, 3], read_one) == ["1", "3"]


def test_that_another_error_is_raised() -> None:
    def read_one(item: int) -> str:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        readable([1], read_one)


# What Parlant 3.3 takes for granted when it uses what a document was made into.
@pytest.mark.parametrize(
    ("fields", "document"),
    [
        (
            SESSION,
            {
                "id": "s",
                "creation_utc": "",
                "customer_id": "c",
                "agent_id": "a",
                "mode": "auto",
                "title": None,
                "consumption_offsets": {},
                "agent_states": [],
            },
        ),
        (
            EVENT,
            {
                "id": "e",
                "creation_utc": "",
                "source": "customer",
                "kind": "message",
                "offset": 0,
                "trace_id": "t",
                "metadata": None,
                "deleted": False,
            },
        ),
        (CUSTOMER, {"id": "c", "creation_utc": "", "name": "Ann", "extra": {}}),
        (
            VARIABLE,
            {
                "id": "v",
                "creation_utc": "",
                "name": "plan",
                "tool_id": None,
                "freshness_rules": None,
            },
        ),
        (VALUE, {"id": "x", "last_modified": "", "key": "k"}),
    ],
)
async def test_that_each_field_is_checked(fields: Fields, document: dict[str, Any]) -> None:
    connection = connection_of(fake_database())

    def is_read(document: dict[str, Any]) -> bool:
        try:
            return bool(read(connection, "c", fields, document, dict))
        except UnreadableDocumentError:
            return False

    assert document.keys() == fields.keys()
    assert is_read(document)
    for field in fields:
        assert not is_read({**document, field: object()}), field
        assert not is_read({key: document[key] for key in document if key != field}), field
