"""Playing conversations from a file to a server, as customers and support staff would have them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from demo.conversations import AGENT_ID
from demo.parlant_process import ParlantProcess


class ReplayError(Exception):
    """Says in one sentence what a conversation did not turn out as."""


async def replay(
    server: ParlantProcess, conversations: dict[str, Any], said: Callable[[], None]
) -> None:
    """Create customers and variable values, then have all conversations at once.

    `said` is called after each message.
    """
    tags = {tag["name"]: tag["id"] for tag in await server.get("/tags")}
    variables = {
        variable["name"]: variable["id"] for variable in await server.get("/context-variables")
    }
    customers = {}
    for customer in conversations["customers"]:
        created = await server.post(
            "/customers",
            {**customer, "tags": [tags[name] for name in customer["tags"]]},
        )
        customers[customer["name"]] = created["id"]
    for value in conversations["values"]:
        if "customer" in value:
            key = customers[value["customer"]]
        else:
            key = f"tag:{tags[value['tag']]}" if "tag" in value else "DEFAULT"
        path = f"/context-variables/{variables[value['variable']]}/{key}"
        await server.put(path, {"data": value["data"]})
    await asyncio.gather(
        *(
            _converse(server, session, customers[session["customer"]], said)
            for session in conversations["sessions"]
        )
    )


async def ask_in_vain(server: ParlantProcess, conversations: dict[str, Any]) -> str:
    """Have a customer write what the server never answers; return the session once it types."""
    interrupted = conversations["interrupted"]
    customers = {customer["name"]: customer["id"] for customer in await server.get("/customers")}
    session = await server.post(
        "/sessions",
        {
            "agent_id": AGENT_ID,
            "customer_id": customers[interrupted["customer"]],
            "title": interrupted["title"],
        },
    )
    path = f"/sessions/{session['id']}"
    event = await _post_message(server, path, {"from": "customer", "text": interrupted["text"]})
    offset = event["offset"] + 1
    while True:
        events = await server.get(
            f"{path}/events",
            min_offset=offset,
            source="ai_agent",
            kinds="status",
            wait_for_data=30,
        )
        if any(event["data"]["status"] == "typing" for event in events):
            return str(session["id"])
        offset = max([offset, *(event["offset"] + 1 for event in events)])


async def expect_the_answer(
    server: ParlantProcess, conversations: dict[str, Any], session_id: str
) -> None:
    """Wait until the agent answers what the customer asked in vain."""
    path = f"/sessions/{session_id}"
    await _expect_answer(server, path, 0, conversations["interrupted"]["answer"])


async def _converse(
    server: ParlantProcess, session: dict[str, Any], customer: str, said: Callable[[], None]
) -> None:
    created = await server.post(
        "/sessions",
        {
            "agent_id": AGENT_ID,
            "customer_id": customer,
            **{key: session[key] for key in ("title", "metadata", "labels")},
        },
    )
    path = f"/sessions/{created['id']}"
    automatic = True
    for message, following in zip(
        session["messages"], [*session["messages"][1:], None], strict=True
    ):
        if message["from"] == "customer":
            event = await _post_message(server, path, message)
            if automatic:
                if following is None or following["from"] != "agent":
                    raise ReplayError(f"Nobody answers {message['text']!r} in the file.")
                await _expect_answer(server, path, event["offset"] + 1, following["text"])
        elif message["from"] == "human_agent":
            if automatic:
                # From here on people answer, not the agent.
                await server.patch(path, {"mode": "manual"})
                automatic = False
            await _post_message(
                server, path, {**message, "participant": {"display_name": message["name"]}}
            )
        said()
    await server.patch(path, session["afterwards"])


async def _post_message(server: ParlantProcess, path: str, message: dict[str, Any]) -> Any:
    return await server.post(
        f"{path}/events",
        {
            "kind": "message",
            "source": message["from"],
            "message": message["text"],
            "metadata": message.get("metadata"),
            "participant": message.get("participant"),
        },
    )


async def _expect_answer(server: ParlantProcess, path: str, offset: int, expected: str) -> None:
    """Wait until the agent has finished its turn, which began at the offset."""
    answers: list[str] = []
    while True:
        events = await server.get(
            f"{path}/events", min_offset=offset, source="ai_agent", wait_for_data=30
        )
        for event in events:
            offset = max(offset, event["offset"] + 1)
            data = event["data"]
            if event["kind"] == "message":
                answers.append(data["message"])
            elif data.get("status") == "error":
                raise ReplayError(f"The agent could not answer: {data['data']}")
            elif data.get("data", {}).get("stage") == "completed":
                if answers != [expected]:
                    raise ReplayError(f"The agent was to answer {expected!r}, not {answers!r}.")
                return
