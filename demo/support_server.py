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
from pathlib import Path
from typing import Any

import parlant.sdk as p
from parlant_supabase.stores import join_server, supabase_stores, warm_start

from demo.conversations import AGENT_ID, CONVERSATIONS, answers, read_conversations
from demo.offline_nlp import OfflineNLPService

CALL = "The language model is asked for "
"""What a line of the output begins with that tells of a call."""


async def serve(
    conversations: dict[str, Any], port: int, tool_service_port: int, unanswered: str | None = None
) -> None:
    """Run the server until it is interrupted; it never gets to an answer to one message."""
    nlp_service = OfflineNLPService(
        answers(conversations),
        unanswered=unanswered,
        called=lambda schema: print(f"{CALL}{schema}", flush=True),
    )
    async with (
        supabase_stores() as stores,
        p.Server(
            **stores,
            configure_container=join_server,
            initialize_container=warm_start,
            host="127.0.0.1",
            port=port,
            tool_service_port=tool_service_port,
            nlp_service=lambda _: nlp_service,
        ) as server,
    ):
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
    for guideline in conversations.get("guidelines", []):
        await agent.create_guideline(**guideline)


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
    parser.add_argument("--unanswered", help="a customer's message that no answer is found to")
    parser.add_argument(
        "--until-input-ends", action="store_true", help="end when standard input does"
    )
    arguments = parser.parse_args()
    if arguments.until_input_ends:
        threading.Thread(target=interrupt_when_input_ends, daemon=True).start()
    conversations = read_conversations(arguments.conversations)
    asyncio.run(
        serve(conversations, arguments.port, arguments.tool_service_port, arguments.unanswered)
    )


if __name__ == "__main__":
    main()
