"""An HTTP proxy that stands between the adapter and the gateway and breaks things on purpose."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from types import TracebackType
from typing import TypeAlias

import httpx
from typing_extensions import Self

from tests.waiting import within_limit

_HOP_BY_HOP = {"connection", "content-length", "keep-alive", "transfer-encoding"}


class Exchange:
    """One request that has arrived at the proxy, and what may be done with it."""

    def __init__(
        self,
        target: str,
        headers: Mapping[str, str],
        upstream: httpx.AsyncClient,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self.function = target.rsplit("/", 1)[-1]
        self.answered = False
        self._target = target
        self._headers = headers
        self._upstream = upstream
        self._reader = reader
        self._writer = writer
        self._body: bytes | None = None

    async def receive(self) -> bytes:
        """The whole body of the request."""
        if self._body is None:
            length = int(self._headers.get("content-length", 0))
            self._body = await self._reader.readexactly(length)
        return self._body

    async def forward(self) -> httpx.Response:
        """The gateway's answer; the connection to the client is left out of it."""
        return await self._upstream.post(
            self._target,
            content=await self.receive(),
            headers={k: v for k, v in self._headers.items() if k not in _HOP_BY_HOP},
        )

    async def answer(self, response: httpx.Response) -> None:
        """Hands the gateway's answer to the client."""
        headers = {k: v for k, v in response.headers.items() if k not in _HOP_BY_HOP}
        await self.send(response.status_code, response.content, headers)

    async def send(self, status: int, content: bytes, headers: Mapping[str, str]) -> None:
        """Answers the client."""
        await self.receive()
        await self.write_head(status, {**headers, "content-length": str(len(content))})
        await self.write(content)
        self.answered = True

    async def write_head(self, status: int, headers: Mapping[str, str]) -> None:
        """Writes the status line and the headers."""
        lines = [f"HTTP/1.1 {status} {httpx.codes.get_reason_phrase(status) or 'Unnamed'}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        await self.write("\r\n".join([*lines, "", ""]).encode())

    async def write(self, content: bytes) -> None:
        """Writes bytes of an answer."""
        self._writer.write(content)
        await self._writer.drain()

    async def client_gone(self) -> None:
        """Returns when the client has given up and closed the connection."""
        await self.receive()
        await self._reader.read()

    def reset(self) -> None:
        """Ends the connection with RST instead of FIN."""
        connection = self._writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()


Fault: TypeAlias = Callable[[Exchange], Awaitable[None]]


async def pass_on(exchange: Exchange) -> None:
    """No fault."""
    await exchange.answer(await exchange.forward())


async def drop_request(exchange: Exchange) -> None:
    """The connection ends; the gateway has seen nothing."""
    await exchange.receive()


async def drop_answer(exchange: Exchange) -> None:
    """The connection ends after the commit."""
    await exchange.forward()


async def reset_request(exchange: Exchange) -> None:
    """The connection is reset while the request is still being sent."""
    exchange.reset()


async def reset_answer(exchange: Exchange) -> None:
    """The connection is reset after the commit."""
    await exchange.forward()
    exchange.reset()


async def truncate_answer(exchange: Exchange) -> None:
    """The connection ends in the middle of the answer."""
    content = (await exchange.forward()).content
    await exchange.write_head(200, {"content-length": str(len(content))})
    await exchange.write(content[: len(content) // 2])


async def end_answer_early(exchange: Exchange) -> None:
    """The answer has no length and ends in its middle, so that it looks whole."""
    content = (await exchange.forward()).content
    await exchange.write_head(200, {"content-type": "application/json", "connection": "close"})
    await exchange.write(content[: len(content) // 2])


async def empty_answer(exchange: Exchange) -> None:
    """Nothing is left of the answer but its head."""
    await exchange.forward()
    await exchange.send(200, b"", {"content-type": "application/json"})


async def answer_too_late(exchange: Exchange) -> None:
    """It is carried out at once, but the client has given up before it hears so."""
    await exchange.forward()
    await exchange.client_gone()


async def forward_too_late(exchange: Exchange) -> None:
    """It is carried out only after the client has given up."""
    await exchange.client_gone()
    await exchange.forward()


def html_instead_of_forwarding(status: int) -> Fault:
    """A gateway's error page; what is behind it has seen nothing."""

    async def fault(exchange: Exchange) -> None:
        await exchange.send(status, b"<html><h1>Sorry</h1></html>", {"content-type": "text/html"})

    fault.__name__ = f"html_{status}_instead_of_forwarding"
    return fault


def html_instead_of_answer(status: int) -> Fault:
    """A gateway's error page, after the commit."""

    async def fault(exchange: Exchange) -> None:
        await exchange.forward()
        await exchange.send(status, b"<html><h1>Sorry</h1></html>", {"content-type": "text/html"})

    fault.__name__ = f"html_{status}_instead_of_answer"
    return fault


def json_instead_of_forwarding(status: int, **error: str | None) -> Fault:
    """An error as PostgREST words it, which leaves out none of the four keys."""
    body = json.dumps({"code": None, "details": None, "hint": None, "message": None, **error})

    async def fault(exchange: Exchange) -> None:
        await exchange.send(status, body.encode(), {"content-type": "application/json"})

    fault.__name__ = f"json_{status}_{error.get('code')}"
    return fault


class FaultProxy:
    """Passes requests on, but for those that a fault was laid out for.

    Attributes:
        faults: What to do with the next requests, in this order.
        choose: What to do with a request when `faults` is empty.
        seen: The functions that were called, in order of arrival.
        connections: How many connections are open.
        most_connections: How many were open at most at any time.
    """

    def __init__(self, upstream: str) -> None:
        self.faults: deque[Fault] = deque()
        self.choose: Callable[[Exchange], Fault] = lambda exchange: pass_on
        self.seen: list[str] = []
        self.connections = 0
        self.most_connections = 0
        self._dealing_with = 0
        self._changed = asyncio.Condition()
        self._handlers: set[asyncio.Task[None]] = set()
        self._upstream = httpx.AsyncClient(
            base_url=upstream,
            timeout=60,
            # The gateway speaks plain HTTP; reading certificates takes longer than a test.
            verify=False,
            limits=httpx.Limits(max_connections=100, max_keepalive_connections=100),
        )
        self._server: asyncio.Server | None = None
        self._port = 0

    @property
    def url(self) -> str:
        """What takes the place of the gateway's URL."""
        return f"http://127.0.0.1:{self._port}"

    async def __aenter__(self) -> Self:
        await self.listen()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.refuse()
        for handler in self._handlers:
            handler.cancel()
        if self._handlers:
            await within_limit(asyncio.wait([*self._handlers]), "the proxy's connections to end")
        await self._upstream.aclose()

    async def listen(self) -> None:
        """Accepts connections, at the same port as before if there was one."""
        self._server = await asyncio.start_server(self._handle, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    def refuse(self) -> None:
        """Refuses connections from now on; those that are open stay so."""
        if self._server is not None:
            self._server.close()
            self._server = None

    async def until(self, condition: Callable[[], bool], what: str) -> None:
        """Returns when a condition on what this proxy counts holds."""

        async def holds() -> None:
            async with self._changed:
                await self._changed.wait_for(condition)

        await within_limit(holds(), what)

    async def settled(self) -> None:
        """Returns when no request is being dealt with, whether its client still waits or not."""
        await self.until(lambda: self._dealing_with == 0, "the proxy to have nothing to deal with")

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        handler = asyncio.current_task()
        assert handler is not None
        self._handlers.add(handler)
        try:
            await self._count(connections=1)
            with suppress(ConnectionError, asyncio.IncompleteReadError, httpx.RequestError):
                while await self._exchange(reader, writer):
                    pass
        except asyncio.CancelledError:
            pass  # asyncio's streams complain of a handler that ends so.
        finally:
            writer.close()
            with suppress(ConnectionError, asyncio.CancelledError):
                await writer.wait_closed()
            self._handlers.discard(handler)
            await self._count(connections=-1)

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        request_line, *lines = head.rstrip().split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        exchange = Exchange(request_line.split()[1], headers, self._upstream, reader, writer)
        fault = self.faults.popleft() if self.faults else self.choose(exchange)
        self.seen.append(exchange.function)
        await self._count(dealing_with=1)
        try:
            await fault(exchange)
        finally:
            await self._count(dealing_with=-1)
        return exchange.answered

    async def _count(self, *, connections: int = 0, dealing_with: int = 0) -> None:
        async with self._changed:
            self.connections += connections
            self.most_connections = max(self.most_connections, self.connections)
            self._dealing_with += dealing_with
            self._changed.notify_all()
