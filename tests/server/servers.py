"""Starts, stops and asks real servers."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from parlant_supabase.deployment.package_files import find_project
from parlant_supabase.local.ports import find_free_ports

from tests.waiting import LIMIT_SECONDS

AGENT = "support"
LEASE_SECONDS = 4.0


@dataclass
class Server:
    """A process that runs `agent.py`."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def is_running(self) -> bool:
        return self.process.poll() is None

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)


class Servers:
    """Servers of one agent on one project; those that have ended can be replaced.

    Args:
        prefix: Of the tables.
        environment: What names the project.
        folder: Where logs are, and what holds turns.
    """

    def __init__(
        self, prefix: str, environment: Mapping[str, str], folder: Path, *, max_attempts: int = 2
    ) -> None:
        self.prefix = prefix
        self.running: list[Server] = []
        self._environment = environment
        self._folder = folder
        self._max_attempts = max_attempts
        self._gates = folder / "gates"
        self._gates.mkdir()

    def start(self, number: int) -> list[Server]:
        """As many servers that serve; what is missing is started."""
        self.running = [server for server in self.running if server.is_running]
        while len(self.running) < number:
            self.running.append(self._start())
        for server in self.running:
            self._wait_for(server)
        return self.running[:number]

    def stop(self) -> None:
        """Ends them all."""
        for server in self.running:
            if server.is_running:
                server.send(signal.SIGCONT)
                server.process.kill()
            server.process.wait()

    def open_gate(self, gate: str) -> None:
        """Lets the turns go on that wait there."""
        (self._gates / gate).touch()

    async def held_at(self, gate: str, *, by: Sequence[Server] | None = None) -> Server:
        """The server whose turn waits at a gate, once there is one among these."""
        deadline = time.monotonic() + LIMIT_SECONDS
        while time.monotonic() < deadline:
            for server in self.running if by is None else by:
                if (self._gates / f"{gate}.{server.port}").exists():
                    return server
            await asyncio.sleep(0.02)
        pytest.fail(f"No turn came to {gate}.\n{self._logs()}")

    def _start(self) -> Server:
        ports = find_free_ports(2)
        log = self._folder / f"{ports[0]}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "tests.server.agent", self.prefix),
                    *(str(port) for port in ports),
                    *(str(self._gates), str(LEASE_SECONDS), str(self._max_attempts)),
                ],
                cwd=find_project(),
                env={
                    **os.environ,
                    **self._environment,
                    "PARLANT_HOME": str(self._folder / f"home{ports[0]}"),
                },
                stdout=output,
                stderr=output,
            )
        return Server(process, ports[0], log)

    def _wait_for(self, server: Server) -> None:
        deadline = time.monotonic() + LIMIT_SECONDS
        while time.monotonic() < deadline and server.is_running:
            try:
                if httpx.get(f"{server.url}/healthz", timeout=5).status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.1)
        pytest.fail(f"A server did not start.\n{self._logs()}")

    def _logs(self) -> str:
        return "\n".join(server.log.read_text("utf-8")[-3000:] for server in self.running)


class Customer:
    """A customer in a session of their own, who may talk to any server."""

    def __init__(self, http: httpx.AsyncClient, session_id: str) -> None:
        self._http = http
        self.session_id = session_id

    @classmethod
    async def arrive(cls, http: httpx.AsyncClient, server: Server) -> Customer:
        response = await http.post(
            f"{server.url}/sessions", json={"agent_id": AGENT, "customer_id": "guest"}
        )
        response.raise_for_status()
        return cls(http, response.json()["id"])

    async def say(self, message: str, server: Server) -> dict[str, Any]:
        response = await self._http.post(
            f"{server.url}/sessions/{self.session_id}/events",
            json={"kind": "message", "source": "customer", "message": message},
        )
        response.raise_for_status()
        event: dict[str, Any] = response.json()
        return event

    async def events(self, server: Server) -> list[dict[str, Any]]:
        response = await self._http.get(
            f"{server.url}/sessions/{self.session_id}/events", params={"wait_for_data": 0}
        )
        response.raise_for_status()
        events: list[dict[str, Any]] = response.json()
        return events

    async def replies(self, server: Server) -> list[str]:
        return [
            event["data"]["message"]
            for event in await self.events(server)
            if event["kind"] == "message" and event["source"] == "ai_agent"
        ]

    async def first_trace(self, server: Server) -> str:
        """The trace of the first turn."""
        trace_id: str = (await self.status("acknowledged", server))["trace_id"]
        return trace_id

    async def status(
        self, status: str, server: Server, *, trace_id: str | None = None
    ) -> dict[str, Any]:
        """A status event, as soon as there is one."""
        deadline = time.monotonic() + LIMIT_SECONDS
        while time.monotonic() < deadline:
            events = await self.events(server)
            for event in events:
                if (
                    event["kind"] == "status"
                    and event["data"]["status"] == status
                    and trace_id in (None, event["trace_id"])
                ):
                    return event
            await asyncio.sleep(0.05)
        pytest.fail(f"Waited for {status}, got {events}")

    async def reply_to(self, message: str, server: Server) -> None:
        """Waits for the answer to a message."""
        deadline = time.monotonic() + LIMIT_SECONDS
        while f"Answer to {message}" not in await self.replies(server):
            if time.monotonic() > deadline:
                pytest.fail(f"No answer to {message!r}: {await self.events(server)}")
            await asyncio.sleep(0.05)
