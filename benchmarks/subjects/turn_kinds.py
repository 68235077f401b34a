"""Requests of other turns than the plain one, waking a client, and a streamed reply."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

from parlant.core.agents import AgentId, AgentStore
from parlant.core.customers import CustomerId
from parlant.core.emission.event_publisher import EventPublisherFactory
from parlant.core.emissions import EventEmitter
from parlant.core.sessions import SessionId, SessionStore
from parlant_supabase.local.ports import find_free_ports
from parlant_supabase.server.event_emission import DeferringEmitterFactory

from benchmarks.contenders.contender import Contender
from benchmarks.contenders.document_database import DOCUMENT_DATABASE
from benchmarks.contenders.one_request_stores import JOINED_SERVER, ONE_REQUEST_STORES
from benchmarks.dataset import EVENTS_PER_SESSION
from benchmarks.line_process import LineProcess
from benchmarks.network import Network
from benchmarks.results import Bar, Measurement, Subject
from benchmarks.rounds import Case, Summary, measure, summarize
from benchmarks.setting import Setting
from benchmarks.stack import Place

# What is done, of which kind of server, by which command after which, and for how many turns.
_TURNS = (
    ("first turn with the default policy", "default policy", "session", "turn", 1, 12),
    ("turn with ten variables and a matcher", "many variables", "session", "turn", 1, 12),
    ("turn of eight sessions at once, each", "plain", "sessions", "turns", 8, 6),
)
_CONTENDERS = (DOCUMENT_DATABASE, ONE_REQUEST_STORES, JOINED_SERVER)
_CHUNKS = 60
_SECONDS_BETWEEN_CHUNKS = 0.02


async def measure_turn_kinds(setting: Setting) -> Subject:
    """Measures turns of all kinds on real servers, and a reply in chunks on the stores alone."""
    directory = setting.environment.directory
    dataset = setting.dataset("kinds_", EVENTS_PER_SESSION)
    await dataset.fill()
    measured: dict[tuple[str, str], list[float]] = {}
    async with AsyncExitStack() as stack:
        network = await stack.enter_async_context(Network(setting.environment.stack.url, directory))
        place = setting.environment.place(dataset.prefix, network.url)
        for kind in ("plain", "default policy", "many variables"):
            for contender in _CONTENDERS:
                async with _server(contender, place, directory, kind) as server:
                    await server.read_line()
                    await _measure_server(server, network, contender, kind, setting, measured)
        streamed = await _streamed(place, network, setting, max(setting.scale.delays))

    figures = {key: summarize(values) for key, values in measured.items()}
    return Subject(
        "turn_kinds",
        "Turns of other kinds, and who waits for them",
        ONE_REQUEST_STORES.name,
        [
            *(
                Measurement(
                    operation,
                    contender,
                    "ms" if operation == _WAKE else "requests",
                    figure,
                    _ratio(figure, figures[operation, ONE_REQUEST_STORES.name]),
                )
                for (operation, contender), figure in figures.items()
            ),
            Measurement(_STREAMED, JOINED_SERVER.name, "×", summarize(streamed)),
        ],
        [
            *(
                Bar(
                    f"requests of a {operation}",
                    figures[operation, JOINED_SERVER.name],
                    most=most,
                    unit="",
                )
                for operation, *_, most in _TURNS
            ),
            Bar(f"ms {_WAKE}", figures[_WAKE, JOINED_SERVER.name], most=10, unit=""),
            Bar(_STREAMED, summarize(streamed), most=1.15),
        ],
        [f"A streamed reply has {_CHUNKS} chunks, {_SECONDS_BETWEEN_CHUNKS * 1_000:.0f} ms apart."],
    )


_WAKE = "from a stored event to the answer of a client that waits for it"
_STREAMED = "a streamed reply with network delay, as a multiple of one without"


async def _measure_server(
    server: LineProcess,
    network: Network,
    contender: Contender,
    kind: str,
    setting: Setting,
    measured: dict[tuple[str, str], list[float]],
) -> None:
    for operation, of_kind, prepare, command, turns, _ in _TURNS:
        if of_kind == kind:
            for _ in range(setting.scale.turns):
                await server.ask(prepare)
                await network.set_delay(0)
                await server.ask(command)
                requests = (await network.traffic()).requests / turns
                measured.setdefault((operation, contender.name), []).append(requests)
    if kind == "plain":
        for _ in range(setting.scale.turns):
            measured.setdefault((_WAKE, contender.name), []).append(float(await server.ask("wake")))


async def _streamed(place: Place, network: Network, setting: Setting, delay: int) -> list[float]:
    """How much longer a streamed reply takes with the delay, by rounds."""
    async with JOINED_SERVER.open_stores(place) as stores:
        session = await stores.sessions.create_session(CustomerId("c"), AgentId("support"))

        async def reply() -> None:
            # A task of its own, which is the turn.
            await asyncio.create_task(_reply(stores.sessions, session.id))

        near, far = await measure(
            [
                Case("near", "", reply, prepare=lambda _: network.set_delay(0)),
                Case("far", "", reply, prepare=lambda _: network.set_delay(delay)),
            ],
            setting.scale.turns,
        )
        await network.set_delay(0)
    return [slow / fast for slow, fast in zip(far.rounds, near.rounds, strict=True)]


class _Agent:
    """All that emitters ask of the store of agents."""

    id, name = AgentId("support"), "Support"

    async def read_agent(self, agent_id: AgentId) -> _Agent:
        return self


async def _reply(store: SessionStore, session_id: SessionId) -> None:
    factory = DeferringEmitterFactory(EventPublisherFactory(cast(AgentStore, _Agent()), store))
    emitter: EventEmitter = await factory.create_event_emitter(AgentId("support"), session_id)
    chunks: list[str | None] = ["Word "]
    data: Any = {"message": "Word ", "participant": {}, "chunks": chunks}
    handle = await emitter.emit_message_event("t", data)
    for _ in range(_CHUNKS - 1):
        await asyncio.sleep(_SECONDS_BETWEEN_CHUNKS)
        chunks.append("word ")
        data["message"] = "".join(filter(None, chunks))
        handle = await handle.update(data)
    chunks.append(None)
    await handle.update(data)


def _server(contender: Contender, place: Place, directory: Path, kind: str) -> LineProcess:
    home = directory / f"{contender.name}, {kind}"
    home.mkdir()
    return LineProcess(
        "benchmarks.turn_server",
        contender.name,
        json.dumps(asdict(place)),
        *(str(port) for port in find_free_ports(2)),
        kind,
        log=home / "server.log",
        environment={"PARLANT_HOME": str(home)},
    )


def _ratio(figure: Summary, yardstick: Summary) -> Summary | None:
    return figure.scaled(1 / yardstick.median) if yardstick.median else None
