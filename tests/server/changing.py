"""Real Parlant servers whose journey is shortened while customers are in it.

    python -m tests.server.changing PREFIX PORT TOOL_SERVICE_PORT

SUPABASE_URL and SUPABASE_KEY name the project. The first server has the whole journey, and puts two
sessions at its end. The second has a shorter one; the third, too, but does not compare. One session
gets a message from each. It prints, as JSON, of both the agent's events, and the
paths and graphs of the states.
"""

from __future__ import annotations

import asyncio
import functools
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import httpx
import parlant.sdk as p
from parlant.core.sessions import AgentState, SessionId
from parlant_supabase.stores import (
    SupabaseSessionStore,
    join_server,
    supabase_stores,
    warm_start,
)
from parlant_supabase.stores.agent_states import graphs_of

from tests.server.counting_nlp import CountingNLPService

STEPS = ("Ask for the order", "Look for the parcel", "Read out the address", "Say when it comes")
# The first step has no action, so the last one has the number 5.
AT_THE_END = ["2", "3", "4", "5"]

Use = Callable[[SupabaseSessionStore], Awaitable[None]]


async def serve(
    prefix: str,
    port: int,
    tool_service_port: int,
    steps: Sequence[str],
    use: Use,
    compared: bool = True,
) -> None:
    """Starts a server with a journey of some steps, uses it and stops it."""
    async with (
        supabase_stores(
            session_prefix=f"{prefix}sessions_",
            customer_prefix=f"{prefix}customers_",
            variable_prefix=f"{prefix}variables_",
        ) as stores,
        p.Server(
            **stores,
            configure_container=join_server,
            initialize_container=functools.partial(warm_start, changed_journeys=compared),
            host="127.0.0.1",
            port=port,
            tool_service_port=tool_service_port,
            nlp_service=lambda _: CountingNLPService({"Hello?": "Hello!"}),
        ) as server,
    ):
        agent = await server.create_agent(
            name="Support",
            description="Helps.",
            id="support",
            perceived_performance_policy=p.NullPerceivedPerformancePolicy(),
        )
        journey = await agent.create_journey(
            title="Where is my parcel?",
            description="Finds a parcel.",
            conditions=["the customer misses a parcel"],
            id=p.JourneyId("parcel"),
        )
        state: Any = journey.initial_state
        for step in steps:
            state = (await state.transition_to(chat_state=step)).target

        async def run() -> None:
            await server.ready.wait()
            await use(stores["session_store"])

        used = asyncio.create_task(run())
        used.add_done_callback(lambda _: os.kill(os.getpid(), signal.SIGINT))
    await used


def is_answered(events: Sequence[dict[str, Any]]) -> bool:
    return any(event["kind"] == "message" for event in events)


def has_failed(events: Sequence[dict[str, Any]]) -> bool:
    return any(event["data"].get("status") == "error" for event in events)


def main() -> None:
    prefix, port, tool_service_port = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    sessions: list[str] = []

    async def put_at_the_end(store: SupabaseSessionStore) -> None:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as http:
            for _ in range(2):
                session = (await http.post("/sessions", json={"agent_id": "support"})).json()["id"]
                # As the engine writes it at the end of a turn.
                state = AgentState("t1", [], {p.JourneyId("parcel"): AT_THE_END})
                await store.update_session(SessionId(session), {"agent_states": [state]})
                sessions.append(session)

    async def say_hello(number: int, store: SupabaseSessionStore) -> None:
        path = f"/sessions/{sessions[number]}/events"
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as http:
            body = {"kind": "message", "source": "customer", "message": "Hello?"}
            (await http.post(path, json=body)).raise_for_status()
            wait: dict[str, Any] = {"source": "ai_agent", "wait_for_data": 30}
            events: list[dict[str, Any]] = []
            while not is_answered(events) and not has_failed(events):
                wait["min_offset"] = events[-1]["offset"] + 1 if events else 0
                events += (await http.get(path, params=wait)).json()
        id = SessionId(sessions[number])
        states = (await store.read_session(id)).agent_states
        # A turn that answers adds a state when it is over.
        while is_answered(events) and len(states) == 1:
            await asyncio.sleep(0.05)
            states = (await store.read_session(id)).agent_states
        print(
            json.dumps(
                {
                    "events": events,
                    "paths": [state.journey_paths for state in states],
                    "graphs": [graphs_of(state) for state in states],
                }
            ),
            flush=True,
        )

    run = functools.partial(serve, prefix, port, tool_service_port)
    # Each in an event loop of its own: a second SIGINT would end the loop of the first.
    asyncio.run(run(STEPS, put_at_the_end))
    asyncio.run(run(STEPS[:2], functools.partial(say_hello, 0)))
    asyncio.run(run(STEPS[:2], functools.partial(say_hello, 1), compared=False))


if __name__ == "__main__":
    main()
