"""A real Parlant server, of its own process, that tells which requests a turn makes.

    python -m tests.supabase_stores.turn PREFIX PORT TOOL_SERVICE_PORT

SUPABASE_URL and SUPABASE_KEY name the project. It takes one turn of a conversation with a customer
who has a variable, then has clients wait for another, and prints, as JSON, the functions that were
called for the turn and for the wait, and the events of the session.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from typing import Any

import httpx
import parlant.sdk as p
from parlant.core.background_tasks import BackgroundTaskService
from parlant.core.meter import Meter
from parlant_supabase.stores import join_server, supabase_stores
from supabase import AsyncClientOptions, acreate_client

from demo.offline_nlp import OfflineNLPService
from tests.rpc.recording import RecordingMeter

CLIENTS = 5


async def main(prefix: str, port: int, tool_service_port: int) -> None:
    called: list[str] = []
    meter = RecordingMeter()

    async def configure_container(container: p.Container) -> p.Container:
        container[Meter] = meter  # type: ignore[type-abstract]
        return await join_server(container)

    async def note(request: httpx.Request) -> None:
        called.append(request.url.path.rpartition("/")[2])

    async with httpx.AsyncClient(http2=False, timeout=60, event_hooks={"request": [note]}) as http:
        client = await acreate_client(
            os.environ["SUPABASE_URL"],
            os.environ["SUPABASE_KEY"],
            AsyncClientOptions(httpx_client=http),
        )
        async with (
            supabase_stores(
                client=client,
                session_prefix=f"{prefix}s_",
                customer_prefix=f"{prefix}c_",
                variable_prefix=f"{prefix}v_",
            ) as stores,
            p.Server(
                **stores,
                configure_container=configure_container,
                host="127.0.0.1",
                port=port,
                tool_service_port=tool_service_port,
                nlp_service=lambda _: OfflineNLPService({"Where is my order?": "On its way."}),
            ) as server,
        ):
            agent = await server.create_agent(
                name="Support",
                description="Helps.",
                id="support",
                perceived_performance_policy=p.NullPerceivedPerformancePolicy(),
            )
            variable = await agent.create_variable("plan")
            customer = await server.create_customer("Ann")
            await variable.set_value_for_customer(customer, "pro")
            turn = asyncio.create_task(
                take_turn(server, agent.id, customer.id, port, called, meter)
            )
            turn.add_done_callback(lambda _: os.kill(os.getpid(), signal.SIGINT))
        print(json.dumps(await turn), flush=True)


async def take_turn(
    server: p.Server,
    agent_id: str,
    customer_id: str,
    port: int,
    called: list[str],
    meter: RecordingMeter,
) -> dict[str, Any]:
    """Takes a turn over HTTP, and waits until nothing more is going to be written for it."""
    await server.ready.wait()
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as http:

        async def post(path: str, **body: Any) -> dict[str, Any]:
            response = await http.post(path, json=body)
            response.raise_for_status()
            reply: dict[str, Any] = response.json()
            return reply

        session = await post("/sessions", agent_id=agent_id, customer_id=customer_id)
        path = f"/sessions/{session['id']}/events"
        called.clear()
        meter.measurements.clear()
        await post(path, kind="message", source="customer", message="Where is my order?")
        await server.container[BackgroundTaskService]._tasks[f"process-session({session['id']})"]
        calls = list(called)
        measured = [each.attributes["function.name"] for each in meter.of("supabase.request")]
        response = await http.get(path, params={"wait_for_data": 0})
        events = response.json()

        called.clear()
        wait = {"min_offset": len(events), "wait_for_data": 2}
        replies = await asyncio.gather(*(http.get(path, params=wait) for _ in range(CLIENTS)))
        return {
            "turn": calls,
            "measured": measured,
            "events": events,
            "wait": list(called),
            "replies": [reply.status_code for reply in replies],
        }


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
