"""Turns the events of a session into lines that a person can read."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

_SPEAKERS = {
    "customer": "Customer",
    "customer_ui": "Customer",
    "human_agent": "Human agent",
    "human_agent_on_behalf_of_ai_agent": "Human agent",
    "ai_agent": "Agent",
    "system": "System",
}


@dataclass(frozen=True)
class Line:
    """One line of a transcript.

    Attributes:
        at: When, as Parlant wrote it: ISO 8601.
        kind: `message`, `tool` or `custom`.
        speaker: The participant's name, or the source of the event.
        text: What was said or done.
        is_deleted: Whether the event is marked as deleted.
        is_from_customer: Whether the customer is its source.
        metadata: The event's metadata.
    """

    at: str
    kind: Literal["message", "tool", "custom"]
    speaker: str
    text: str
    is_deleted: bool
    is_from_customer: bool
    metadata: dict[str, Any]


def lines_of(event: dict[str, Any]) -> list[Line]:
    """The lines of an event's document: none for a status, one for each call of a tool.

    What the document lacks, or holds in another form than Parlant's, is shown as it is.
    """
    data = event.get("data")
    kind = event.get("kind")
    if kind == "message":
        text = data.get("message") if isinstance(data, dict) else data
        return [_line(event, "message", _participant(data), _text(text))]
    if kind == "tool":
        calls = data.get("tool_calls") if isinstance(data, dict) else None
        return [
            _line(event, "tool", str(call.get("tool_id")), _call_text(call))
            for call in (calls if isinstance(calls, list) else [])
            if isinstance(call, dict)
        ]
    if kind == "status":
        return []
    return [_line(event, "custom", None, _text(data))]


def _line(
    event: dict[str, Any],
    kind: Literal["message", "tool", "custom"],
    speaker: str | None,
    text: str,
) -> Line:
    source = event.get("source")
    metadata = event.get("metadata")
    return Line(
        at=str(event.get("creation_utc", "")),
        kind=kind,
        speaker=speaker or _SPEAKERS.get(str(source), str(source)),
        text=text,
        is_deleted=event.get("deleted") is True,
        is_from_customer=source in ("customer", "customer_ui"),
        metadata=metadata if isinstance(metadata, dict) else {},
    )


def _participant(data: object) -> str | None:
    participant = data.get("participant") if isinstance(data, dict) else None
    name = participant.get("display_name") if isinstance(participant, dict) else None
    return name if isinstance(name, str) and name else None


def _call_text(call: dict[str, Any]) -> str:
    result = call.get("result")
    data = result.get("data") if isinstance(result, dict) else result
    return f"{_text(call.get('arguments'))} → {_text(data)}"


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
