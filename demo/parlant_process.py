"""Running the support desk's server as a process of its own and talking to its HTTP API."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx
from parlant_supabase.local import StackDatabase
from parlant_supabase.local.ports import LOOPBACK, find_free_ports
from typing_extensions import Self

from demo.support_server import CALL

CHECKOUT = Path(__file__).resolve().parents[1]
START_SECONDS = 120.0
STOP_SECONDS = 30.0
REQUEST_SECONDS = 60.0


class ParlantProcessError(Exception):
    """Says in one sentence what is wrong with the server, and where its output is."""


class ParlantProcess:
    """A server process, for `async with`; it ends with the block and never outlives this process.

    Args:
        database: Where it keeps sessions, customers and variables.
        conversations: The file that the agent takes its answers from.
        home: Its PARLANT_HOME; it is made. What the server prints goes to `<home>.log`.
        unanswered: A customer's message that it never gets to an answer to.
    """

    def __init__(
        self,
        database: StackDatabase,
        conversations: Path,
        home: Path,
        *,
        unanswered: str | None = None,
    ) -> None:
        self.home = home
        self._log = home.with_suffix(".log")
        self._port, self._tool_service_port = find_free_ports(2)
        self._conversations = conversations
        self._unanswered = [] if unanswered is None else ["--unanswered", unanswered]
        self._killed = False
        self._environment = {
            **os.environ,
            "PARLANT_HOME": str(home),
            "SUPABASE_URL": database.url,
            "SUPABASE_KEY": database.service_role_key,
        }
        self._process: asyncio.subprocess.Process
        self._client: httpx.AsyncClient

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self._port}"

    async def __aenter__(self) -> Self:
        with self._log.open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "demo.support_server", "--until-input-ends"),
                *("--conversations", str(self._conversations)),
                *("--port", str(self._port)),
                *("--tool-service-port", str(self._tool_service_port)),
                *self._unanswered,
                cwd=CHECKOUT,
                env=self._environment,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                # Ctrl-C in the terminal is for this process; it then ends the server in order.
                start_new_session=True,
            )
        self._client = httpx.AsyncClient(base_url=self.url, timeout=REQUEST_SECONDS)
        try:
            await asyncio.wait_for(self._until_ready(), START_SECONDS)
        except BaseException as error:
            await self.__aexit__(type(error), error, error.__traceback__)
            if isinstance(error, asyncio.TimeoutError):
                raise self._failure(f"did not answer within {START_SECONDS:.0f} seconds") from None
            raise
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._client.aclose()
        if self._killed:
            await self._process.wait()
            return
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), STOP_SECONDS)
        except asyncio.TimeoutError:
            self._process.kill()
            await self._process.wait()
            raise self._failure("had to be killed") from exc
        if exc is None and self._process.returncode != 0:
            raise self._failure(f"ended with exit code {self._process.returncode}")

    def kill(self) -> None:
        """End the server at once, as a machine does that fails."""
        self._killed = True
        self._process.kill()

    def model_calls(self) -> int:
        """How often it has asked the language model so far."""
        return self._log.read_text("utf-8", errors="replace").count(CALL)

    async def get(self, path: str, **query: str | int) -> Any:
        """Return what a GET request answers."""
        return await self._request("GET", path, params=query)

    async def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """Return what a POST request answers."""
        return await self._request("POST", path, json=body)

    async def put(self, path: str, body: Mapping[str, Any]) -> Any:
        """Return what a PUT request answers."""
        return await self._request("PUT", path, json=body)

    async def patch(self, path: str, body: Mapping[str, Any]) -> None:
        """Send a PATCH request."""
        await self._request("PATCH", path, json=body)

    async def _request(self, method: str, path: str, **content: Any) -> Any:
        try:
            response = await self._client.request(method, path, **content)
        except httpx.TransportError as error:
            raise self._failure(f"does not answer {method} {path} ({error!r})") from error
        if response.is_error:
            raise self._failure(f"answers {method} {path} with {response.status_code}")
        return response.json() if response.content else None

    async def _until_ready(self) -> None:
        while True:
            if self._process.returncode is not None:
                raise self._failure(f"ended at once, with exit code {self._process.returncode}")
            try:
                if (await self._client.get("/healthz")).is_success:
                    return
            except httpx.TransportError:
                await asyncio.sleep(0.1)

    def _failure(self, problem: str) -> ParlantProcessError:
        lines = self._log.read_text("utf-8", errors="replace").strip().splitlines()
        last = lines[-1].strip() if lines else "nothing"
        return ParlantProcessError(f"The Parlant server {problem}; the last it said: {last}")
