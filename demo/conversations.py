"""What is said at the support desk, as support_conversations.json has it."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

CONVERSATIONS = Path(__file__).with_name("support_conversations.json")

# Sessions refer to their agent by its id, so it must be the same after a restart.
AGENT_ID = "support-desk"


def read_conversations(file: Path) -> dict[str, Any]:
    """The content of a file like support_conversations.json."""
    conversations: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return conversations


def answers(conversations: dict[str, Any]) -> dict[str, str]:
    """What the agent answers to a customer's message."""
    found = {
        question["text"]: reply["text"]
        for session in conversations["sessions"]
        for question, reply in pairwise(session["messages"])
        if (question["from"], reply["from"]) == ("customer", "agent")
    }
    interrupted = conversations["interrupted"]
    return {**found, interrupted["text"]: interrupted["answer"]}
