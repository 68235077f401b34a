"""The page of a customer's data."""

from __future__ import annotations

import re
from typing import Any

from parlant_supabase.customer_data.page import page_of
from parlant_supabase.transfer.records import Failure, Part, Record


def record(collection: str, failure: Failure | None = None, **document: Any) -> Record:
    return Record(Part("p_", collection, failure is not None), document, failure=failure)


def text_of(*records: Record) -> str:
    return page_of("c1", records).decode()


def test_that_what_a_customer_wrote_is_text_and_no_markup() -> None:
    page = text_of(
        record("sessions", id="s1", creation_utc="2026"),
        record(
            "events",
            id="e1",
            session_id="s1",
            kind="message",
            data={"message": "<script>alert(1)</script>\x00\x1b&"},
            metadata={"<img>": 1},
        ),
    )

    assert "&lt;script&gt;alert(1)&lt;/script&gt;\N{REPLACEMENT CHARACTER}" in page
    assert "<script" not in page
    assert "<img" not in page


def test_that_conversations_and_messages_are_in_their_order() -> None:
    events = [
        record(
            "events",
            id=f"e{number}",
            session_id=session,
            creation_utc=f"2026-01-0{number}",
            kind="message",
            data={"message": f"text {number}"},
        )
        for number, session in ((3, "s2"), (2, "s1"), (1, "s1"))
    ]
    sessions = [
        record("sessions", id="s2", creation_utc="2026-01-03", title="Second"),
        record("sessions", id="s1", creation_utc="2026-01-01", title="First"),
    ]

    page = text_of(*events, *sessions)

    assert re.findall(r"First|Second|text \d", page) == [
        "First",
        "text 1",
        "text 2",
        "Second",
        "text 3",
    ]


def test_that_events_without_their_session_are_shown() -> None:
    page = text_of(record("events", session_id="gone", kind="custom", data="left over"))

    assert "left over" in page


def test_that_the_customer_tags_values_and_failed_copies_are_shown() -> None:
    page = text_of(
        record("customers", id="c1", name="Ann", extra={"mail": "ann@example.com"}, version="9"),
        record("customer_tag_associations", tag_id="gold"),
        record("values", variable_id="plan", data={"tier": 1}),
        record("events", Failure("f1", "rejected"), id="f1", text="not converted"),
    )

    for text in ("Ann", "ann@example.com", "gold", "plan", "tier", "not converted"):
        assert text in page
    assert ">version<" not in page


def test_that_the_page_may_load_nothing() -> None:
    assert "default-src 'none'" in text_of()
