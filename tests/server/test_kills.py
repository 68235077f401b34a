"""Turns that are interrupted again and again: each message gets one reply.

Few by default; INTERRUPTED_TURNS=200 before a release.
"""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Iterator

import httpx
import pytest
from parlant_supabase.local import LocalStack

from tests.server.servers import Customer, Servers

INTERRUPTED_TURNS = int(os.environ.get("INTERRUPTED_TURNS", "3"))
SESSIONS_AT_ONCE = 10


@pytest.fixture(scope="module")
def servers(stack: LocalStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """Servers that give up nothing that is interrupted once."""
    servers = Servers(
        "kills_",
        {"SUPABASE_URL": stack.url, "SUPABASE_KEY": stack.service_role_key},
        tmp_path_factory.mktemp("kills"),
        max_attempts=5,
    )
    yield servers
    servers.stop()


async def test_that_each_message_gets_one_reply(servers: Servers, http: httpx.AsyncClient) -> None:
    kinds = [signal.SIGKILL, signal.SIGTERM]
    for first in range(0, INTERRUPTED_TURNS, SESSIONS_AT_ONCE):
        victim, other = servers.start(2)
        gates = [
            f"kill{number}"
            for number in range(first, min(first + SESSIONS_AT_ONCE, INTERRUPTED_TURNS))
        ]
        customers = {}
        for gate in gates:
            customers[gate] = await Customer.arrive(http, victim)
            await customers[gate].say(f"hold {gate}", victim)
            await servers.held_at(gate)

        victim.send(random.choice(kinds))
        for gate, customer in customers.items():
            servers.open_gate(gate)
            await customer.reply_to(f"hold {gate}", other)
        victim.process.wait(60)

        for gate, customer in customers.items():
            assert await customer.replies(other) == [f"Answer to hold {gate}"]
