"""A support desk's Parlant server with sessions, customers and variables on Supabase.

    python -m demo.support_server --port 8800 --tool-service-port 8818

SUPABASE_URL and SUPABASE_KEY name the project. No language model is needed: the agent answers what
customers say in support_conversations.json as it is answered there.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
import threading
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import parlant.sdk as p
from parlant.adapters.db.supabase_db import SupabaseDocumentDatabase
from parlant.core.common import IdGenerator
from parlant.core.context_variables import ContextVariableDocumentStore
from parlant.core.customers import CustomerDocumentStore
from parlant.core.loggers import LogLevel, TracingLogger
from parlant.core.sessions import SessionDocumentStore
from parlant.core.tracer import LocalTracer

from demo.conversations import AGENT_ID, CONVERSATIONS, answers, read_conversations
from demo.offline_nlp import OfflineNLPService


async def serve(conversations: dict[str, Any], port: int, tool_service_port: int) -> None:
    """Run the server until it is interrupted."""
    logger = TracingLogger(LocalTracer(), LogLevel.INFO)
    async with AsyncExitStack() as stack:

        async def database(prefix: str) -> SupabaseDocumentDatabase:
            return await stack.enter_async_context(
                SupabaseDocumentDatabase(logger, table_prefix=prefix)
            )

        sessions = await stack.enter_async_context(
            SessionDocumentStore(await database("parlant_sessions_"), allow_migration=True)
        )
        customers = await stack.enter_async_context(
            CustomerDocumentStore(
                IdGenerator(), await database("parlant_customers_"), allow_migration=True
            )
        )
        variables = await stack.enter_async_context(
            ContextVariableDocumentStore(
                IdGenerator(), await database("parlant_context_variables_"), allow_migration=True
            )
        )
        async with p.Server(
            host="127.0.0.1",
            port=port,
            tool_service_port=tool_service_port,
            session_store=sessions,
            customer_store=customers,
            variable_store=variables,
            nlp_service=lambda _: OfflineNLPService(answers(conversations)),
        ) as server:
            await set_up(server, conversations)


async def set_up(server: p.Server, conversations: dict[str, Any]) -> None:
    """Create what an application defines in code, at every start anew."""
    agent = await server.create_agent(
        name="Support desk",
        description="Answers questions about bicycles, repairs and orders.",
        id=AGENT_ID,
        perceived_performance_policy=p.NullPerceivedPerformancePolicy(),
    )
    for name in conversations["tags"]:
        await server.create_tag(name)
    for variable in conversations["variables"]:
        await agent.create_variable(variable["name"], variable["description"])


def interrupt_when_input_ends() -> None:
    """Interrupt this process when its standard input ends, as it does with whoever started it."""
    while os.read(sys.stdin.fileno(), 1024):
        pass
    os.kill(os.getpid(), signal.SIGINT)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--port", type=int, default=8800, help="port of Parlant's HTTP API")
    parser.add_argument("--tool-service-port", type=int, default=8818, help="port of its tools")
    parser.add_argument(
        "--conversations", type=Path, default=CONVERSATIONS, help="what the agent knows to answer"
    )
    parser.add_argument(
        "--until-input-ends", action="store_true", help="end when standard input does"
    )
    arguments = parser.parse_args()
    if arguments.until_input_ends:
        threading.Thread(target=interrupt_when_input_ends, daemon=True).start()
    conversations = read_conversations(arguments.conversations)
    asyncio.run(serve(conversations, arguments.port, arguments.tool_service_port))


if __name__ == "__main__":
    main()
