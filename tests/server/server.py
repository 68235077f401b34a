"""Real Parlant servers, one after another in a process, that tell what they asked of the model.

    python -m tests.server.server PORT TOOL_SERVICE_PORT OPTIONS...

SUPABASE_URL and SUPABASE_KEY name the project. Each of OPTIONS is a JSON object; see `Options`. For
each start it prints, as JSON, the calls of the language model by schema, the texts that were
embedded, the requests to the project that the cache made, and the seconds until the server was
ready.
"""
# Annotations of tools may not be texts, so there is no import from __future__.

import asyncio
import functools
import json
import os
import signal
import sys
import time
from dataclasses import dataclass, field
from typing import Any

import httpx
import parlant.sdk as p
from parlant_supabase.stores import join_server, supabase_stores, warm_start
from supabase import AsyncClientOptions, acreate_client

from tests.server import counting_nlp

GUIDELINES = 3


@dataclass(frozen=True)
class Options:
    """What a start is like.

    Attributes:
        prefix: What the table prefixes of the stores begin with.
        last_step: The text of the journey's last step.
        joined: Whether the server has `join_server`.
        warm: Whether it has `warm_start`.
        switches: Arguments of `warm_start`.
        delay: Seconds that a call of the model takes.
    """

    prefix: str
    last_step: str = "Say when the parcel arrives"
    joined: bool = True
    warm: bool = True
    switches: dict[str, Any] = field(default_factory=dict)
    delay: float = 0.0


@p.tool
async def find_order(context: p.ToolContext, number: str) -> p.ToolResult:
    """Finds an order by its number."""
    return p.ToolResult({"number": number})


async def start(port: int, tool_service_port: int, options: Options) -> None:
    """Starts a server, stops it when it is ready and prints its report."""
    counting_nlp.delay = options.delay
    counting_nlp.calls.clear()
    counting_nlp.embedded.clear()
    requests: list[str] = []

    async def note(request: httpx.Request) -> None:
        requests.append(request.url.path.rpartition("/")[2])

    began = time.perf_counter()
    async with httpx.AsyncClient(timeout=60, event_hooks={"request": [note]}) as http:
        client = await acreate_client(
            os.environ["SUPABASE_URL"],
            os.environ["SUPABASE_KEY"],
            AsyncClientOptions(httpx_client=http),
        )
        async with (
            supabase_stores(
                client=client,
                session_prefix=f"{options.prefix}sessions_",
                customer_prefix=f"{options.prefix}customers_",
                variable_prefix=f"{options.prefix}variables_",
            ) as stores,
            p.Server(
                **stores,
                configure_container=join_server if options.joined else None,
                initialize_container=(
                    functools.partial(warm_start, **options.switches) if options.warm else None
                ),
                host="127.0.0.1",
                port=port,
                tool_service_port=tool_service_port,
                nlp_service=lambda _: counting_nlp.CountingNLPService(),
            ) as server,
        ):
            await create_agent(server, options.last_step)
            ready = asyncio.create_task(when_ready(server, began))
            ready.add_done_callback(lambda _: os.kill(os.getpid(), signal.SIGINT))
        seconds = await ready
    print(
        json.dumps(
            {
                "calls": counting_nlp.calls,
                "embedded": counting_nlp.embedded,
                "requests": [name for name in requests if "cache" in name],
                "seconds": seconds,
            }
        ),
        flush=True,
    )


async def create_agent(server: p.Server, last_step: str) -> None:
    """An agent with guidelines, a journey that branches and loops, a term and a response."""
    agent = await server.create_agent(name="Support", description="Helps.", id="support")
    for number in range(GUIDELINES):
        await agent.create_guideline(
            condition=f"the customer asks for the {number}th time", action="Apologize"
        )
    await agent.create_guideline(condition="the customer names an order", tools=[find_order])
    journey = await agent.create_journey(
        title="Where is my parcel?",
        description="Finds a parcel.",
        conditions=["the customer misses a parcel"],
        id=p.JourneyId("parcel"),
    )
    asked = await journey.initial_state.transition_to(chat_state="Ask for the number of the order")
    found = await asked.target.transition_to(tool_state=find_order)
    known = await found.target.transition_to(
        chat_state="Read out the address", condition="the order is known"
    )
    await found.target.transition_to(state=asked.target, condition="the order is not known")
    await known.target.transition_to(state=asked.target, condition="the address is wrong")
    said = await known.target.transition_to(chat_state=last_step, condition="the address is right")
    await said.target.transition_to(state=p.END_JOURNEY)
    await agent.create_term(name="parcel", description="What the shop sends", synonyms=["packet"])
    await agent.create_canned_response(template="It is on its way.", signals=["on its way"])


async def when_ready(server: p.Server, began: float) -> float:
    """The seconds until a server is ready."""
    await server.ready.wait()
    return time.perf_counter() - began


if __name__ == "__main__":
    for given in sys.argv[3:]:
        # Each in an event loop of its own: a second SIGINT would end the loop of the first.
        asyncio.run(start(int(sys.argv[1]), int(sys.argv[2]), Options(**json.loads(given))))
