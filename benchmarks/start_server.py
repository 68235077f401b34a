"""Starts a Parlant server with the three stores, and stops it when it is ready.

    python -m benchmarks.start_server PLACE MODEL_SECONDS PORT TOOL_SERVICE_PORT [warm]

PLACE is a `Place` as JSON; with `warm` the server has `warm_start`. It prints, as JSON, the seconds
from the opening of the stores until the server was ready, the calls of the language model and the
texts that were embedded.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time

import parlant.sdk as p
from parlant_supabase.stores import join_server, supabase_stores, warm_start

from benchmarks.slow_nlp import SlowNLPService
from benchmarks.stack import Place

GUIDELINES = 8
STEPS = (
    "Ask for the number of the order",
    "Ask for the address",
    "Ask whether the parcel was damaged",
    "Say what it costs to send it again",
    "Say when the new parcel arrives",
)


async def start(
    place: Place, model_seconds: float, port: int, tool_service_port: int, is_warm: bool
) -> None:
    """Starts the server and reports."""
    nlp = SlowNLPService(model_seconds)
    began = time.perf_counter()
    async with (
        supabase_stores(
            {"url": place.url, "key": place.key},
            session_prefix=f"{place.prefix}sessions_",
            customer_prefix=f"{place.prefix}customers_",
            variable_prefix=f"{place.prefix}context_variables_",
        ) as stores,
        p.Server(
            **stores,
            configure_container=join_server,
            initialize_container=warm_start if is_warm else None,
            host="127.0.0.1",
            port=port,
            tool_service_port=tool_service_port,
            nlp_service=lambda _: nlp,
        ) as server,
    ):
        agent = await server.create_agent(name="Support", description="Helps.", id="support")
        for number in range(GUIDELINES):
            await agent.create_guideline(
                condition=f"the customer asks for the {number}th time", action="Apologize"
            )
        journey = await agent.create_journey(
            title="Where is my parcel?",
            description="Finds a parcel.",
            conditions=["the customer misses a parcel"],
        )
        transition = await journey.initial_state.transition_to(chat_state=STEPS[0])
        for step in STEPS[1:]:
            transition = await transition.target.transition_to(chat_state=step)
        ready = asyncio.create_task(_when_ready(server))
        ready.add_done_callback(lambda _: os.kill(os.getpid(), signal.SIGINT))
    report = {
        "seconds": await ready - began,
        "calls": nlp.calls,
        "embeddings": nlp.embeddings,
    }
    print(json.dumps(report), flush=True)


async def _when_ready(server: p.Server) -> float:
    await server.ready.wait()
    return time.perf_counter()


if __name__ == "__main__":
    asyncio.run(
        start(
            Place(**json.loads(sys.argv[1])),
            float(sys.argv[2]),
            int(sys.argv[3]),
            int(sys.argv[4]),
            "warm" in sys.argv[5:],
        )
    )
