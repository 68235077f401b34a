"""A real Parlant server, of its own process, whose turns a test can hold.

    python -m tests.server.agent PREFIX PORT TOOL_SERVICE_PORT GATES LEASE_SECONDS MAX_ATTEMPTS

SUPABASE_URL and SUPABASE_KEY name the project. It answers "x" with "Answer to x". GATES is a
folder:
before it answers "hold x", it makes the file x.PORT there and waits for a file x. At "die" it dies.
"""

from __future__ import annotations

import asyncio
import functools
import os
import signal
import sys
from pathlib import Path
from typing import Any

import parlant.sdk as p
from parlant.core.sessions import EventKind, EventSource
from parlant_supabase.stores import join_server, supabase_stores

from demo.offline_nlp import OfflineNLPService
from tests.server.servers import AGENT


class Answers(dict[str, str]):
    """An answer to everything."""

    def get(self, message: object, default: object = None) -> Any:
        return f"Answer to {message}"


def offline(_: p.Container) -> OfflineNLPService:
    service = OfflineNLPService()
    service._answers = Answers()
    return service


async def hold(
    context: p.EngineContext, _: object, __: object = None, *, gates: Path, port: int
) -> p.EngineHookResult:
    """Keeps a turn waiting as its customer wants it."""
    message = next(
        event.data["message"]
        for event in reversed(context.interaction.events)
        if event.kind is EventKind.MESSAGE
        and event.source is EventSource.CUSTOMER
        and isinstance(event.data, dict)
    )
    if message == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    word, _, gate = str(message).partition(" ")
    if word == "hold":
        (gates / f"{gate}.{port}").touch()
        while not (gates / gate).exists():  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    return p.EngineHookResult.CALL_NEXT


async def main(
    prefix: str, port: int, tool_service_port: int, gates: Path, lease: float, max_attempts: int
) -> None:
    async def configure_hooks(hooks: p.EngineHooks) -> p.EngineHooks:
        hooks.on_generating_messages.append(functools.partial(hold, gates=gates, port=port))
        return hooks

    async with (
        supabase_stores(
            session_prefix=f"{prefix}s_",
            customer_prefix=f"{prefix}c_",
            variable_prefix=f"{prefix}v_",
        ) as stores,
        p.Server(
            **stores,
            configure_container=functools.partial(
                join_server, lease_seconds=lease, max_attempts=max_attempts
            ),
            configure_hooks=configure_hooks,
            host="127.0.0.1",
            port=port,
            tool_service_port=tool_service_port,
            nlp_service=offline,
        ) as server,
    ):
        await server.create_agent(
            name="Support",
            description="Helps.",
            id=AGENT,
            perceived_performance_policy=p.NullPerceivedPerformancePolicy(),
        )


if __name__ == "__main__":
    arguments = sys.argv[1:]
    asyncio.run(
        main(
            arguments[0],
            int(arguments[1]),
            int(arguments[2]),
            Path(arguments[3]),
            float(arguments[4]),
            int(arguments[5]),
        )
    )
