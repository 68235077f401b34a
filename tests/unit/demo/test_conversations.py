"""The conversations that the demo plays."""

from __future__ import annotations

from demo.conversations import CONVERSATIONS, answers, read_conversations


def test_that_they_are_many_and_of_several_customers() -> None:
    conversations = read_conversations(CONVERSATIONS)
    sessions = conversations["sessions"]
    customers = [session["customer"] for session in sessions]
    assert sum(len(session["messages"]) for session in sessions) >= 40
    assert len(set(customers)) > 1
    assert len(customers) > len(set(customers)), "somebody comes back"


def test_that_they_use_everything_that_the_stores_keep() -> None:
    conversations = read_conversations(CONVERSATIONS)
    sessions = conversations["sessions"]
    customers = conversations["customers"]
    values = conversations["values"]
    assert any(customer["tags"] for customer in customers)
    assert any(customer["metadata"] for customer in customers)
    assert any(session["labels"] for session in sessions)
    assert any(session["metadata"] for session in sessions)
    assert any("customer" in value for value in values)
    assert any("tag" in value for value in values)
    assert any(not {"customer", "tag"} & value.keys() for value in values)
    assert {"customer", "agent", "human_agent"} == {
        message["from"] for session in sessions for message in session["messages"]
    }


def test_that_the_agent_is_never_to_answer_one_message_in_two_ways() -> None:
    conversations = read_conversations(CONVERSATIONS)
    replies = sum(
        message["from"] == "agent"
        for session in conversations["sessions"]
        for message in session["messages"]
    )
    # And the one that the second server gives.
    assert len(answers(conversations)) == replies + 1
