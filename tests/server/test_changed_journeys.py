"""A journey that was shortened between two deployments, with a customer at its end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from parlant_supabase.local import LocalStack
from parlant_supabase.local.ports import find_free_ports

from tests.server.processes import run_program


def messages(events: list[dict[str, Any]]) -> list[str]:
    return [each["data"]["message"] for each in events if each["kind"] == "message"]


def errors(events: list[dict[str, Any]]) -> list[str]:
    return [
        each["data"]["data"]["exception"]
        for each in events
        if each["kind"] == "status" and each["data"]["status"] == "error"
    ]


async def test_that_a_shortened_journey_starts_over(
    stack: LocalStack, prefix: str, tmp_path: Path
) -> None:
    said = await run_program(
        "tests.server.changing",
        prefix,
        *(str(port) for port in find_free_ports(2)),
        stack=stack,
        home=tmp_path / "home",
    )
    reports = [json.loads(line) for line in said.splitlines() if line.startswith('{"events"')]
    assert len(reports) == 2, said[-5000:]
    compared, not_compared = reports

    assert messages(compared["events"]) == ["Hello!"]
    assert errors(compared["events"]) == []
    assert said.count("the journey 'Where is my parcel?' has been changed") == 1
    # The state of the first server says which journey it was; the next one begins without a path.
    assert [list(graphs) for graphs in compared["graphs"]] == [["parcel"], []]
    assert compared["paths"] == [{"parcel": ["2", "3", "4", "5"]}, {}]
    # What Parlant does by itself, on each message.
    assert messages(not_compared["events"]) == []
    assert "KeyError: '5'" in errors(not_compared["events"])[0]
