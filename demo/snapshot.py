"""Everything that a server serves over HTTP, and what differs between two servers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from demo.parlant_process import ParlantProcess

# Parlant makes the guest up at every request; no store has it.
GUEST_ID = "guest"


@dataclass(frozen=True)
class Difference:
    """What is not the same about one record."""

    kind: str
    key: str
    what: str


Snapshot = dict[str, dict[str, Any]]
"""{kind of record: {key: the record as JSON}}"""


async def take_snapshot(server: ParlantProcess) -> Snapshot:
    """Read every customer, tag association, session, event, variable and value."""
    snapshot: Snapshot = {
        kind: {}
        for kind in ("customers", "tags of customers", "sessions", "events", "variables", "values")
    }
    tag_names = {tag["id"]: tag["name"] for tag in await server.get("/tags")}
    for customer in await server.get("/customers"):
        if customer["id"] != GUEST_ID:
            for tag in customer.pop("tags"):
                key = f"{customer['id']} {tag}"
                snapshot["tags of customers"][key] = tag_names.get(tag)
            snapshot["customers"][customer["id"]] = customer
    for session in await server.get("/sessions"):
        # Parlant holds them as a set: they have no order.
        session["labels"].sort()
        snapshot["sessions"][session["id"]] = session
        events = await server.get(f"/sessions/{session['id']}/events", wait_for_data=0)
        for position, event in enumerate(events):
            snapshot["events"][event["id"]] = {
                "session_id": session["id"],
                "position": position,
                **event,
            }
    for variable in await server.get("/context-variables"):
        result = await server.get(f"/context-variables/{variable['id']}")
        snapshot["variables"][variable["id"]] = variable
        for key, value in result["key_value_pairs"].items():
            snapshot["values"][f"{variable['id']} {key}"] = value
    return snapshot


def without_the_answer(before: Snapshot, after: Snapshot, session_id: str) -> Snapshot:
    """Leave out the events that a session has had since the first snapshot."""
    events = {
        key: event
        for key, event in after["events"].items()
        if event["session_id"] != session_id or key in before["events"]
    }
    return {**after, "events": events}


def compare(before: Snapshot, after: Snapshot) -> list[Difference]:
    """Compare record by record and field by field; bool, int and float count as different."""
    differences = []
    for kind in before:
        for key in before[kind].keys() | after[kind].keys():
            if key not in after[kind]:
                what = "is gone"
            elif key not in before[kind]:
                what = "was not there before"
            elif changes := _changes(before[kind][key], after[kind][key]):
                what = "; ".join(changes)
            else:
                continue
            differences.append(Difference(kind, key, what))
    return sorted(differences, key=lambda difference: (difference.kind, difference.key))


def _changes(before: Any, after: Any, path: str = "") -> list[str]:
    if isinstance(before, dict) and isinstance(after, dict):
        return [
            change
            for key in sorted(before.keys() | after.keys())
            for change in _changes(before.get(key), after.get(key), f"{path}.{key}")
        ]
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        return [
            change
            for index, (old, new) in enumerate(zip(before, after, strict=True))
            for change in _changes(old, new, f"{path}[{index}]")
        ]
    if type(before) is type(after) and before == after:
        return []
    return [f"{path.removeprefix('.') or 'it'} was {before!r} and is {after!r}"]
