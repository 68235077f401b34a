"""Has a conversation with a real Parlant server of any version since 3.0 and keeps its JSON files.

    PARLANT_HOME=FOLDER python conversation.py PORT TOOL_SERVICE_PORT

Runs in an environment that has that Parlant and nothing of this project; `record.py` makes it. The
language model is a table of answers that matches every guideline, so that a turn calls a tool,
enters a journey and replies. What it writes: two sessions, one of them with title, metadata and
labels where the version has them, a customer with tags and extra, and variables with values for a
customer, a tag and everyone.
"""

# Annotations stay as they are: older versions look at those of a tool themselves.
import asyncio
import functools
import inspect
import os
import re
import signal
import sys
from collections.abc import Mapping, Sequence
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

import httpx
import parlant.sdk as p
import uvicorn
from parlant.adapters.db.json_file import JSONFileDocumentDatabase
from parlant.core.common import IdGenerator
from parlant.core.context_variables import ContextVariableDocumentStore, ContextVariableStore
from parlant.core.loggers import Logger
from parlant.core.nlp.generation import SchematicGenerationResult, SchematicGenerator, T
from parlant.core.nlp.generation_info import GenerationInfo, UsageInfo
from pydantic import BaseModel

QUESTIONS = ["Where is my order? 📦", "Und wann kommt sie an?"]
REPLY = "It is on its way. 🚚"


class TableNLPService(p.NLPService):
    """An NLP service whose generators fill any schema without a language model."""

    @property
    def supports_streaming(self) -> bool:
        return False

    async def get_schematic_generator(self, t: Any, hints: Any = None) -> Any:
        return TableGenerator[t]()

    async def get_streaming_text_generator(self, hints: Any = None) -> Any:
        raise NotImplementedError

    async def get_embedder(self, hints: Any = None) -> Any:
        return TableEmbedder()

    async def get_moderation_service(self) -> Any:
        return p.NoModeration()


class WordTokenizer(p.EstimatingTokenizer):
    """Counts words: some versions divide by the count."""

    async def estimate_token_count(self, prompt: str) -> int:
        return len(prompt.split()) + 1


class TableEmbedder(p.Embedder):
    """Gives every text the same vector."""

    id = "table"
    max_tokens = 8192
    dimensions = 2
    tokenizer = WordTokenizer()

    async def embed(self, texts: list[str], hints: Any = None) -> p.EmbeddingResult:
        return p.EmbeddingResult(vectors=[[1.0, 1.0] for _ in texts])


class TableGenerator(SchematicGenerator[T]):
    """Matches every guideline, applies every tool, goes one step on in a journey, and replies."""

    id = "table"
    max_tokens = 1_000_000
    tokenizer = WordTokenizer()

    async def generate(self, prompt: Any, hints: Any = None) -> Any:
        text = prompt if isinstance(prompt, str) else prompt.build()
        return SchematicGenerationResult(
            content=fill(self.schema, text),
            info=GenerationInfo(
                schema_name=self.schema.__name__,
                model="table",
                duration=0.0,
                usage=UsageInfo(input_tokens=0, output_tokens=0),
            ),
        )


def fill(schema: type[BaseModel], prompt: str) -> BaseModel:
    """An instance of a schema: as little as it allows, but for the answers of the table."""
    fields = {
        field.alias or name: smallest(field.annotation)
        for name, field in schema.model_fields.items()
        if field.is_required()
    }
    members = schema.model_fields
    if "checks" in members:
        # The ids are those of the form that the prompt asks to be filled in.
        (check,) = get_args(members["checks"].annotation)
        fields["checks"] = [
            {**smallest(check), "guideline_id": id, "applies": True}
            for id in dict.fromkeys(re.findall(r'"guideline_id": "?(\d+)"?', prompt))
        ]
    if "tool_calls_for_candidate_tool" in members:
        (call,) = get_args(members["tool_calls_for_candidate_tool"].annotation)
        fields["tool_calls_for_candidate_tool"] = [
            {**smallest(call), "is_applicable": True, "argument_evaluations": []}
        ]
    if "journey_applies" in members:
        # The first step is where a journey begins, which nothing leads to.
        fields |= {"journey_applies": True, "next_step": "2"}
        fields["step_advancement"] = [
            {"id": "1", "completed": "completed"},
            {"id": "2", "completed": "needs_customer_input"},
        ]
    if "applied_condition_id" in members:
        fields |= {"journey_continues": True, "applied_condition_id": "1"}
    if "response_body" in members:
        fields["response_body"] = REPLY
    if "revisions" in members:
        fields["revisions"] = [{"revision_number": 1, "content": REPLY}]
    return schema.model_validate(fields)


def smallest(annotation: Any) -> Any:
    """The smallest value of a type."""
    origin = get_origin(annotation) or annotation
    arguments = get_args(annotation)
    if origin in (Union, UnionType):
        return None if NoneType in arguments else smallest(arguments[0])
    if origin is Literal:
        return arguments[0]
    if origin in (Sequence, list, tuple):
        return []
    if origin in (Mapping, dict):
        return {}
    if isinstance(origin, type) and issubclass(origin, BaseModel):
        return {
            field.alias or name: smallest(field.annotation)
            for name, field in origin.model_fields.items()
            if field.is_required()
        }
    if isinstance(origin, type) and issubclass(origin, Enum):
        return next(iter(origin)).value
    return origin()


@p.tool
async def order_status(context: p.ToolContext) -> p.ToolResult:
    """Looks an order up."""
    return p.ToolResult(
        data={"order": "A-17", "weight": 2.5, "parcels": [1, 2], "gift": None},
        metadata={"source": "warehouse"},
    )


async def keep_variables(container: p.Container) -> p.Container:
    """Keeps the context variables in a file, which an option of the server does since 3.1."""
    container[p.PerceivedPerformancePolicy] = (  # type: ignore[type-abstract]
        p.NullPerceivedPerformancePolicy()
    )
    database = JSONFileDocumentDatabase(
        container[Logger],  # type: ignore[type-abstract]
        Path(os.environ["PARLANT_HOME"], "context_variables.json"),
    )
    await database.__aenter__()
    store = ContextVariableDocumentStore(IdGenerator(), database)
    container[ContextVariableStore] = (  # type: ignore[type-abstract]
        await store.__aenter__()
    )
    return container


async def converse(server: p.Server, port: int) -> None:
    """Has the conversation over the server's HTTP interface."""
    at_once: dict[str, Any] = {}
    if "perceived_performance_policy" in inspect.signature(server.create_agent).parameters:
        at_once["perceived_performance_policy"] = p.NullPerceivedPerformancePolicy()
    agent = await server.create_agent(name="Support", description="Helps with orders.", **at_once)
    tag = await server.create_tag("loyal")
    customer = await server.create_customer(
        "Zoë", metadata={"plan": "pro", "city": "Köln"}, tags=[tag.id]
    )
    plan = await agent.create_variable("plan", description="What the customer pays for.")
    await plan.set_value_for_customer(customer, {"name": "pro", "seats": 3})
    await plan.set_value_for_tag(tag.id, "free")
    await plan.set_global_value(None)
    await agent.create_guideline(
        condition="the customer asks about an order", action="look it up", tools=[order_status]
    )
    journey = await agent.create_journey(
        title="Delivery",
        description="Finds out where an order is.",
        conditions=["the customer waits for an order"],
    )
    first = await journey.initial_state.transition_to(chat_state="Ask for the order's number")
    await first.target.transition_to(chat_state="Say when it arrives")

    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=120) as http:
        for title in (None, "Missing order"):
            new = {"agent_id": agent.id, "customer_id": customer.id}
            if title is not None:
                new |= {"title": title}
            session = (await request(http, "POST", "/sessions", json=new))["id"]
            path = f"/sessions/{session}"
            for question in QUESTIONS:
                await ask(http, path, question)
            if title is None:
                answered, asked = path, await ask(http, path, QUESTIONS[0])
                continue
            changes: dict[str, Any] = {"mode": "manual", "consumption_offsets": {"client": 2}}
            openapi = await request(http, "GET", "/openapi.json")
            known = openapi["components"]["schemas"]["SessionUpdateParamsDTO"]["properties"]
            if "metadata" in known:
                changes["metadata"] = {"set": {"channel": "web", "visits": 3}}
            if "labels" in known:
                changes["labels"] = {"upsert": ["urgent"]}
            await request(http, "PATCH", path, json=changes)
            await request(
                http,
                "POST",
                f"{path}/events",
                json={
                    "kind": "message",
                    "source": "human_agent",
                    "message": "This is Kim, I take over.",
                    "participant": {"display_name": "Kim"},
                },
            )
        # By now the state of the other session's turn is stored, which follows its last event.
        await request(http, "DELETE", f"{answered}/events", params={"min_offset": asked + 1})


async def ask(http: httpx.AsyncClient, path: str, question: str) -> int:
    """Sends a message, waits for the reply and all that follows it, and returns its offset."""
    sent = await request(
        http,
        "POST",
        f"{path}/events",
        json={"kind": "message", "source": "customer", "message": question},
    )
    offset = sent["offset"] + 1
    while True:
        events = await request(
            http, "GET", f"{path}/events", params={"min_offset": offset, "wait_for_data": 20}
        )
        for event in events:
            if event["kind"] == "status" and event["data"]["status"] in ("ready", "error"):
                assert event["data"]["status"] == "ready", event
                if any(other["kind"] == "message" for other in await later(http, path, sent)):
                    return int(sent["offset"])
        offset = events[-1]["offset"] + 1


async def later(http: httpx.AsyncClient, path: str, sent: Mapping[str, Any]) -> Any:
    """The events after one."""
    return await request(
        http, "GET", f"{path}/events", params={"min_offset": sent["offset"] + 1, "wait_for_data": 0}
    )


async def request(http: httpx.AsyncClient, method: str, path: str, **arguments: Any) -> Any:
    """The reply of the server's HTTP interface, as JSON."""
    response = await http.request(method, path, **arguments)
    assert response.is_success, (path, response.status_code, response.text)
    return response.json() if response.content else None


async def main(port: int, tool_service_port: int) -> None:
    """Runs the server until the conversation is over."""
    # A shell starts what runs in the background with SIGINT ignored, and the server would not end.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # Not every version lets its server be bound to this machine alone.
    uvicorn.Config.__init__ = functools.partialmethod(  # type: ignore[method-assign, assignment]
        bind_locally, uvicorn.Config.__init__
    )
    options: dict[str, Any] = {"session_store": "local", "customer_store": "local"}
    if "variable_store" in inspect.signature(p.Server).parameters:
        options["variable_store"] = "local"
    else:
        options["configure_container"] = keep_variables
    async with p.Server(
        port=port,
        tool_service_port=tool_service_port,
        nlp_service=lambda container: TableNLPService(),
        **options,
    ) as server:
        conversation = asyncio.create_task(when_ready(server, port))
        conversation.add_done_callback(lambda _: os.kill(os.getpid(), signal.SIGINT))
    await conversation


def bind_locally(config: uvicorn.Config, original: Any, *arguments: Any, **options: Any) -> None:
    original(config, *arguments, **{**options, "host": "127.0.0.1"})


async def when_ready(server: p.Server, port: int) -> None:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
        for _ in range(600):
            try:
                await http.get("/agents")
                break
            except httpx.TransportError:
                await asyncio.sleep(0.1)
    await converse(server, port)


if __name__ == "__main__":
    asyncio.run(main(*map(int, sys.argv[1:])))
