"""A Parlant server whose three stores are a contender's, and which takes turns when asked to.

    python -m benchmarks.turn_server CONTENDER PLACE PORT TOOL_SERVICE_PORT KIND

PLACE is a `Place` as JSON. KIND is `plain`, `default policy`, or `many variables`: ten of them, and
a guideline with a matcher of its own. It prints a line when it serves. Then it takes lines on its
standard input, and answers each with a line when it is done:

- `session` begins a conversation, `sessions` eight of them;
- `turn` posts a customer's message in it and waits until nothing more is going to be written for
  it, `turns` does so in all of them at once;
- `wake` answers with the milliseconds from the moment that an event is stored to the answer of a
  client that waits for it.

It ends when its standard input does.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any, TextIO

import httpx
import parlant.sdk as p
from parlant.core.background_tasks import BackgroundTaskService
from parlant.core.sessions import EventKind, EventSource, SessionId, SessionStore
from parlant_supabase.stores import join_server

from benchmarks.contenders import SERVERS
from benchmarks.stack import Place
from demo.offline_nlp import OfflineNLPService

_QUESTION = "Where is my order?"
_MANY = 10
_SESSIONS_AT_ONCE = 8
_SECONDS_TO_WAIT = 0.3


async def serve(
    contender: str, place: Place, port: int, tool_service_port: int, kind: str, answers: TextIO
) -> None:
    """Serves until the standard input ends."""
    async with (
        SERVERS[contender].open_stores(place) as stores,
        p.Server(
            host="127.0.0.1",
            port=port,
            tool_service_port=tool_service_port,
            session_store=stores.sessions,
            customer_store=stores.customers,
            variable_store=stores.variables,
            nlp_service=lambda _: OfflineNLPService({_QUESTION: "It is on its way."}),
            configure_container=join_server if SERVERS[contender].joins_server else None,
        ) as server,
    ):
        agent = await server.create_agent(
            name="Support",
            description="Helps.",
            id="support",
            perceived_performance_policy=(
                None if kind == "default policy" else p.NullPerceivedPerformancePolicy()
            ),
        )
        tag = await server.create_tag("vip")
        customer = await server.create_customer("Ann", tags=[tag.id])
        names = ["plan", "language"]
        if kind == "many variables":
            names += [f"variable {number}" for number in range(len(names), _MANY)]
            await agent.create_guideline(
                condition="The customer writes", action="Answer", matcher=p.MATCH_ALWAYS
            )
        for name in names:
            variable = await agent.create_variable(name)
            await variable.set_value_for_customer(customer, "basic")
        talking = asyncio.create_task(_talk(server, agent.id, customer.id, port, answers))
        talking.add_done_callback(lambda _: os.kill(os.getpid(), signal.SIGINT))
    await talking


async def _talk(
    server: p.Server, agent_id: str, customer_id: str, port: int, answers: TextIO
) -> None:
    await server.ready.wait()
    commands = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(commands), sys.stdin
    )
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=300) as http:

        async def post(path: str, **body: Any) -> Any:
            response = await http.post(path, json=body)
            response.raise_for_status()
            return response.json()

        sessions: list[str] = []

        async def begin(count: int = 1) -> None:
            sessions.clear()
            for _ in range(count):
                session = await post("/sessions", agent_id=agent_id, customer_id=customer_id)
                sessions.append(session["id"])

        async def take_turn(session_id: str) -> None:
            await post(
                f"/sessions/{session_id}/events",
                kind="message",
                source="customer",
                message=_QUESTION,
            )
            # The service has no way to wait for one of its tasks.
            await server.container[BackgroundTaskService]._tasks[f"process-session({session_id})"]

        async def take_turns() -> None:
            await asyncio.gather(*(take_turn(session_id) for session_id in sessions))

        async def wake() -> str:
            await begin()
            store = server.container[SessionStore]  # type: ignore[type-abstract]
            waiting = asyncio.create_task(http.get(f"/sessions/{sessions[0]}/events"))
            # Until it waits; the figure begins later.
            await asyncio.sleep(_SECONDS_TO_WAIT)
            await store.create_event(
                SessionId(sessions[0]), EventSource.SYSTEM, EventKind.CUSTOM, "t", {}
            )
            stored = time.perf_counter()
            (await waiting).raise_for_status()
            return f"{(time.perf_counter() - stored) * 1_000}"

        perform: dict[str, Callable[[], Awaitable[str | None]]] = {
            "session": begin,
            "turn": take_turns,
            "sessions": lambda: begin(_SESSIONS_AT_ONCE),
            "turns": take_turns,
            "wake": wake,
        }
        print("serving", file=answers, flush=True)
        while line := await commands.readline():
            answer = await perform[line.decode().strip()]()
            print(answer or "done", file=answers, flush=True)


def main() -> None:
    """Runs the server."""
    contender, place, port, tool_service_port, kind = sys.argv[1:]
    # What Parlant prints is not an answer.
    with os.fdopen(os.dup(1), "w") as answers:
        os.dup2(2, 1)
        asyncio.run(
            serve(
                contender,
                Place(**json.loads(place)),
                int(port),
                int(tool_service_port),
                kind,
                answers,
            )
        )


if __name__ == "__main__":
    main()
