"""A real Parlant server, of its own process, that tells which requests a turn makes.

    python -m tests.supabase_stores.turn stores|documents PREFIX PORT TOOL_SERVICE_PORT

SUPABASE_URL and SUPABASE_KEY name the project. The server keeps its data in our stores, or in
Parlant's on the document database. It takes one turn of a conversation with a customer who has a
variable, and prints, as JSON, the functions that were called for it and the events of the session.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx
import parlant.sdk as p
from parlant.core.background_tasks import BackgroundTaskService
from parlant.core.common import IdGenerator
from parlant.core.context_variables import ContextVariableDocumentStore
from parlant.core.customers import CustomerDocumentStore
from parlant.core.loggers import TracingLogger
from parlant.core.sessions import SessionDocumentStore
from parlant.core.tracer import LocalTracer
from parlant_supabase import SupabaseDocumentDatabase
from parlant_supabase.stores import supabase_stores
from supabase import AsyncClientOptions, acreate_client

from examples.offline_nlp import OfflineNLPService

called: list[str] = []


async def note(request: httpx.Request) -> None:
    called.append(request.url.path.rpartition("/")[2])


@asynccontextmanager
async def open_stores(kind: str, prefix: str) -> AsyncIterator[dict[str, Any]]:
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(
            httpx.AsyncClient(http2=False, timeout=60, event_hooks={"request": [note]})
        )
        client = await acreate_client(
            os.environ["SUPABASE_URL"],
            os.environ["SUPABASE_KEY"],
            AsyncClientOptions(httpx_client=http),
        )
        if kind != "documents":
            stores = supabase_stores(
                client=client,
                session_prefix=f"{prefix}s_",
                customer_prefix=f"{prefix}c_",
                variable_prefix=f"{prefix}v_",
            )
            yield {**await stack.enter_async_context(stores)}
            return

        async def database(part: str) -> SupabaseDocumentDatabase:
            return await stack.enter_async_context(
                SupabaseDocumentDatabase(
                    TracingLogger(LocalTracer()), client=client, table_prefix=f"{prefix}{part}_"
                )
            )

        yield {
            "session_store": await stack.enter_async_context(
                SessionDocumentStore(await database("s"))
            ),
            "customer_store": await stack.enter_async_context(
                CustomerDocumentStore(IdGenerator(), await database("c"))
            ),
            "variable_store": await stack.enter_async_context(
                ContextVariableDocumentStore(IdGenerator(), await database("v"))
            ),
        }


async def converse(server: p.Server, agent_id: str, customer_id: str, port: int) -> dict[str, Any]:
    """Takes a turn over HTTP, and waits until nothing more is going to be written for it."""
    await server.ready.wait()
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as http:

        async def post(path: str, **body: Any) -> dict[str, Any]:
            response = await http.post(path, json=body)
            response.raise_for_status()
            reply: dict[str, Any] = response.json()
            return reply

        session = await post("/sessions", agent_id=agent_id, customer_id=customer_id)
        called.clear()
        await post(
            f"/sessions/{session['id']}/events",
            kind="message",
            source="customer",
            message="Where is my order?",
        )
        turn = server.container[BackgroundTaskService]._tasks[f"process-session({session['id']})"]
        await turn
        calls = list(called)
        response = await http.get(f"/sessions/{session['id']}/events", params={"wait_for_data": 0})
        return {"calls": calls, "events": response.json()}


async def main(kind: str, prefix: str, port: int, tool_service_port: int) -> None:
    async with open_stores(kind, prefix) as stores:
        result: asyncio.Task[dict[str, Any]]

        def interrupt(_: object) -> None:
            os.kill(os.getpid(), signal.SIGINT)

        async with p.Server(
            **stores,
            host="127.0.0.1",
            port=port,
            tool_service_port=tool_service_port,
            nlp_service=lambda _: OfflineNLPService({"Where is my order?": "On its way."}),
        ) as server:
            agent = await server.create_agent(
                name="Support",
                description="Helps.",
                id="support",
                perceived_performance_policy=p.NullPerceivedPerformancePolicy(),
            )
            variable = await agent.create_variable("plan")
            customer = await server.create_customer("Ann")
            await variable.set_value_for_customer(customer, "pro")
            result = asyncio.create_task(converse(server, agent.id, customer.id, port))
            result.add_done_callback(interrupt)
        print(json.dumps(await result), flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
