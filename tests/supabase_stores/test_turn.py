"""A real `p.Server` with the stores: a whole turn of a conversation, and what it costs."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from parlant_supabase.deployment.package_files import find_project
from parlant_supabase.local import LocalStack
from parlant_supabase.local.ports import find_free_ports

# What a server does from time to time, whatever is going on.
BESIDE_TURNS = {"parlant_claim_turns", "parlant_keep_turns"}


async def take_turn(stack: LocalStack, prefix: str, home: Path) -> dict[str, Any]:
    """What `turn.py` reports."""
    log = home.with_suffix(".log")
    with log.open("wb") as errors:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.supabase_stores.turn", prefix),
            *(str(port) for port in find_free_ports(2)),
            cwd=find_project(),
            env={
                **os.environ,
                "PARLANT_HOME": str(home),
                "SUPABASE_URL": stack.url,
                "SUPABASE_KEY": stack.service_role_key,
            },
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
        )
        try:
            output, _ = await asyncio.wait_for(process.communicate(), 240)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    assert output.strip(), log.read_text()[-3000:]
    report: dict[str, Any] = json.loads(output.splitlines()[-1])
    return report


@pytest.fixture
async def turn(stack: LocalStack, prefix: str, tmp_path: Path) -> dict[str, Any]:
    return await take_turn(stack, prefix, tmp_path / "home")


async def test_that_a_whole_turn_costs_at_most_nine_requests(turn: dict[str, Any]) -> None:
    """And that the clients that wait for the next one share their requests."""
    messages = [event for event in turn["events"] if event["kind"] == "message"]
    assert [message["data"]["message"] for message in messages] == [
        "Where is my order?",
        "On its way.",
    ]
    assert [event["offset"] for event in turn["events"]] == list(range(len(turn["events"])))

    calls = Counter(call for call in turn["turn"] if call not in BESIDE_TURNS)
    # The message with the session that it goes to, and what the turn begins with. Its events share
    # requests as far as they follow each other, the last of them with the state of the session.
    assert [call for call in turn["turn"] if call not in BESIDE_TURNS][:3] == [
        "parlant_read_turn",
        "parlant_create_events",
        "parlant_read_turn",
    ]
    assert set(calls) <= {"parlant_read_turn", "parlant_create_events", "parlant_create_event"}
    assert calls.total() <= 9, calls
    assert sorted(turn["measured"]) == sorted(turn["turn"]), "by the server's own meter"

    # Each client looks when it begins to wait and when its time is up. Between, for two seconds,
    # four looks a second are for all five of them; on their own they would take fifty requests.
    assert turn["replies"] == [504] * 5
    looks = [call for call in turn["wait"] if call not in BESIDE_TURNS]
    assert set(looks) == {"parlant_check_events"}
    assert len(looks) <= 25
