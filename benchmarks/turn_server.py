"""A Parlant server whose three stores are a contender's, and which takes turns when asked to.

    python -m benchmarks.turn_server CONTENDER PLACE PORT TOOL_SERVICE_PORT

PLACE is a `Place` as JSON. It prints a line when it serves. Then it takes lines on its standard
input, and answers each with a line when it is done: `session` begins a conversation, `turn` posts a
customer's message in it and waits until nothing more is going to be written for it. It ends when
its standard input does.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import Any, TextIO

import httpx
import parlant.sdk as p
from parlant.core.background_tasks import BackgroundTaskService

from benchmarks.contenders import CONTENDERS
from benchmarks.stack import Place
from demo.offline_nlp import OfflineNLPService

_QUESTION = "Where is my order?"


async def serve(
    contender: str, place: Place, port: int, tool_service_port: int, answers: TextIO
) -> None:
    """Serves until the standard input ends."""
    async with (
        CONTENDERS[contender].open_stores(place) as stores,
        p.Server(
            host="127.0.0.1",
            port=port,
            tool_service_port=tool_service_port,
            session_store=stores.sessions,
            customer_store=stores.customers,
            variable_store=stores.variables,
            nlp_service=lambda _: OfflineNLPService({_QUESTION: "It is on its way."}),
        ) as server,
    ):
        agent = await server.create_agent(
            name="Support",
            description="Helps.",
            id="support",
            perceived_performance_policy=p.NullPerceivedPerformancePolicy(),
        )
        tag = await server.create_tag("vip")
        customer = await server.create_customer("Ann", tags=[tag.id])
        for name in ("plan", "language"):
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

        session_id = ""

        async def begin() -> None:
            nonlocal session_id
            session = await post("/sessions", agent_id=agent_id, customer_id=customer_id)
            session_id = session["id"]

        async def take_turn() -> None:
            await post(
                f"/sessions/{session_id}/events",
                kind="message",
                source="customer",
                message=_QUESTION,
            )
            # The service has no way to wait for one of its tasks.
            await server.container[BackgroundTaskService]._tasks[f"process-session({session_id})"]

        perform: dict[str, Callable[[], Awaitable[None]]] = {"session": begin, "turn": take_turn}
        print("serving", file=answers, flush=True)
        while line := await commands.readline():
            await perform[line.decode().strip()]()
            print("done", file=answers, flush=True)


def main() -> None:
    """Runs the server."""
    contender, place, port, tool_service_port = sys.argv[1:]
    # What Parlant prints is not an answer.
    with os.fdopen(os.dup(1), "w") as answers:
        os.dup2(2, 1)
        asyncio.run(
            serve(contender, Place(**json.loads(place)), int(port), int(tool_service_port), answers)
        )


if __name__ == "__main__":
    main()
