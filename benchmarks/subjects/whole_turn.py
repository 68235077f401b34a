"""How long a turn of a conversation takes, and how many requests it makes, on a slow network."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import asdict
from pathlib import Path

from parlant_supabase.local.ports import find_free_ports

from benchmarks.contenders import SERVERS
from benchmarks.contenders.contender import Contender
from benchmarks.contenders.json_file import JSON_FILE
from benchmarks.contenders.one_request_stores import JOINED_SERVER, ONE_REQUEST_STORES
from benchmarks.dataset import EVENTS_PER_SESSION
from benchmarks.line_process import LineProcess
from benchmarks.network import Network
from benchmarks.results import Bar, Measurement, Subject
from benchmarks.rounds import Case, Series, measure, summarize
from benchmarks.setting import Setting
from benchmarks.stack import Place

REQUESTS = "requests of a turn"


async def measure_whole_turn(setting: Setting) -> Subject:
    """Measures from a customer's message to the last event that it leads to, on real servers."""
    dataset = setting.dataset("turn_", EVENTS_PER_SESSION)
    await dataset.fill()
    dataset.copy_to_table_api()
    directory = setting.environment.directory

    async with AsyncExitStack() as stack:
        network = await stack.enter_async_context(Network(setting.environment.stack.url, directory))
        place = setting.environment.place(dataset.prefix, network.url)
        turns = {
            name: _Turns(
                await stack.enter_async_context(_server(contender, place, directory)), network
            )
            for name, contender in SERVERS.items()
        }
        for turn in turns.values():
            await turn.server.read_line()
        cases = [
            Case(
                f"turn with {delay} ms of network delay",
                name,
                turn.take,
                prepare=turn.prepare(delay),
            )
            for delay in setting.scale.delays
            for name, turn in turns.items()
            if delay == 0 or SERVERS[name].uses_network
        ]
        series = await measure(cases, setting.scale.turns)

    ours = turns[ONE_REQUEST_STORES.name].requests
    return Subject(
        "whole_turn",
        "A whole turn of a Parlant server",
        ONE_REQUEST_STORES.name,
        [
            *(
                Measurement(
                    REQUESTS,
                    name,
                    "requests",
                    summarize(turn.requests),
                    summarize(
                        [mine / of_ours for mine, of_ours in zip(turn.requests, ours, strict=True)]
                    ),
                )
                for name, turn in turns.items()
                if SERVERS[name].uses_network
            ),
            *(_measurement(one, series) for one in series),
        ],
        [
            Bar(
                "requests to the three stores for one whole turn",
                summarize(ours),
                most=20,
                unit="",
            ),
            Bar(
                "the same of a server that has joined",
                summarize(turns[JOINED_SERVER.name].requests),
                most=10,
                unit="",
            ),
            *_bars_of_delay(series, max(setting.scale.delays)),
        ],
        [
            "A customer with a tag and two variables writes a message to an agent without "
            "guidelines, on a real server whose language model answers at once.",
            f"{JSON_FILE.name} uses no network. {JOINED_SERVER.name}: one-request stores, with "
            "`configure_container=join_server`.",
        ],
    )


class _Turns:
    """The turns of one contender's server."""

    def __init__(self, server: LineProcess, network: Network) -> None:
        self.server = server
        self.requests: list[int] = []
        self._network = network

    def prepare(self, milliseconds: int) -> Callable[[int], Awaitable[object]]:
        """Begins a conversation and makes the network so slow."""

        async def prepare(calls: int) -> None:
            await self._network.set_delay(0)
            await self.server.ask("session")
            await self._network.set_delay(milliseconds)

        return prepare

    async def take(self) -> None:
        """Takes a turn and counts its requests."""
        await self.server.ask("turn")
        self.requests.append((await self._network.traffic()).requests)


def _server(contender: Contender, place: Place, directory: Path) -> LineProcess:
    home = directory / f"{contender.name} home"
    home.mkdir()
    return LineProcess(
        "benchmarks.turn_server",
        contender.name,
        json.dumps(asdict(place)),
        *(str(port) for port in find_free_ports(2)),
        "plain",
        log=home / "server.log",
        environment={"PARLANT_HOME": str(home)},
    )


def _bars_of_delay(series: list[Series], delay: int) -> list[Bar]:
    """What a joined server's turn waits for, from its time with the delay and without."""
    by_delay = {
        milliseconds: one
        for one in series
        for milliseconds in (0, delay)
        if one.case.contender == JOINED_SERVER.name
        and one.case.operation == f"turn with {milliseconds} ms of network delay"
    }
    if delay == 0:
        return []
    near, far = by_delay[0].rounds, by_delay[delay].rounds
    return [
        Bar(
            "round trips that a turn of a joined server waits for",
            summarize(
                [(slow - fast) * 1_000 / delay for slow, fast in zip(far, near, strict=True)]
            ),
            most=6,
            unit="",
        )
    ]


def _measurement(one: Series, all_: list[Series]) -> Measurement:
    ours = next(
        other
        for other in all_
        if other.case.operation == one.case.operation
        and other.case.contender == ONE_REQUEST_STORES.name
    )
    return Measurement(
        one.case.operation, one.case.contender, "ms", one.seconds().scaled(1_000), one.ratio(ours)
    )
