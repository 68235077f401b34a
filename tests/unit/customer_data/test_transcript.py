"""Events as lines that a person reads, whatever their documents hold."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from parlant_supabase.customer_data.transcript import lines_of


def event(**fields: Any) -> dict[str, Any]:
    return {
        "creation_utc": "2026-01-02T03:04:05+00:00",
        "source": "customer",
        "kind": "message",
        "deleted": False,
        "metadata": {},
        "data": {"message": "Hello", "participant": {"display_name": "Ann"}},
        **fields,
    }


def test_that_a_message_has_its_speaker_and_text() -> None:
    (line,) = lines_of(event(metadata={"seen": True}))

    assert (line.at, line.kind, line.speaker, line.text) == (
        "2026-01-02T03:04:05+00:00",
        "message",
        "Ann",
        "Hello",
    )
    assert (line.is_from_customer, line.is_deleted, line.metadata) == (True, False, {"seen": True})


@pytest.mark.parametrize(
    ("source", "speaker", "is_from_customer"),
    [
        ("customer", "Customer", True),
        ("customer_ui", "Customer", True),
        ("human_agent", "Human agent", False),
        ("human_agent_on_behalf_of_ai_agent", "Human agent", False),
        ("ai_agent", "Agent", False),
        ("system", "System", False),
        ("robot", "robot", False),
    ],
)
@pytest.mark.parametrize("participant", [None, {}, {"display_name": ""}, {"display_name": 1}])
def test_that_a_speaker_without_a_name_is_named_by_the_source(
    source: str, speaker: str, is_from_customer: bool, participant: object
) -> None:
    (line,) = lines_of(event(source=source, data={"message": "x", "participant": participant}))

    assert (line.speaker, line.is_from_customer) == (speaker, is_from_customer)


def test_that_each_call_of_a_tool_is_a_line() -> None:
    calls = [
        {"tool_id": "shop:find", "arguments": {"name": "Ü"}, "result": {"data": [1]}},
        {"tool_id": "shop:buy", "arguments": {}, "result": None},
        "no call",
    ]

    lines = lines_of(event(kind="tool", source="system", data={"tool_calls": calls}))

    assert [(line.kind, line.speaker, line.text) for line in lines] == [
        ("tool", "shop:find", '{"name": "Ü"} → [1]'),
        ("tool", "shop:buy", "{} → null"),
    ]


def test_that_a_status_is_no_line() -> None:
    assert lines_of(event(kind="status", data={"status": "typing"})) == []


def test_that_a_deleted_event_is_marked() -> None:
    (line,) = lines_of(event(deleted=True, kind="custom", data={"clicked": 1}))

    assert (line.is_deleted, line.kind, line.text) == (True, "custom", '{"clicked": 1}')


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text("aü\x00", max_size=3),
    lambda children: (
        st.lists(children, max_size=3)
        | st.dictionaries(
            st.sampled_from(["message", "participant", "display_name", "tool_calls", "result"]),
            children,
            max_size=3,
        )
    ),
    max_leaves=6,
)


# A busy machine may take its time over the first example.
@settings(
    max_examples=200,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(
    st.dictionaries(
        st.sampled_from(["kind", "data", "source", "metadata", "deleted", "creation_utc"]),
        _JSON | st.sampled_from(["message", "tool", "status", "custom"]),
    )
)
def test_that_no_document_is_too_odd_to_be_shown(document: dict[str, Any]) -> None:
    for line in lines_of(document):
        assert isinstance(line.text, str)
        assert isinstance(line.speaker, str)
