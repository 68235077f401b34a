"""A process between a client and the gateway that delays, counts requests and counts bytes.

    python -m benchmarks.network_proxy 54321

It prints the port on which it listens. Then it takes lines on its standard input, and answers each
with what has passed since the last one, as JSON: `counts` asks for that alone, `delay 10` makes
every round trip so many milliseconds longer. It ends when its standard input does.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable

_LOOPBACK = "127.0.0.1"
_CHUNK = 1 << 16


class RequestCounter:
    """Counts the HTTP/1.1 requests in a stream of bytes."""

    def __init__(self) -> None:
        self.requests = 0
        self._head = b""
        self._body_left = 0

    def feed(self, data: bytes) -> None:
        """Takes the next bytes."""
        while data:
            if self._body_left:
                passed = min(self._body_left, len(data))
                self._body_left -= passed
                data = data[passed:]
                continue
            head, end, rest = (self._head + data).partition(b"\r\n\r\n")
            if not end:
                self._head = head
                return
            self._head, data = b"", rest
            self.requests += 1
            for line in head.split(b"\r\n"):
                name, _, value = line.partition(b":")
                if name.lower() == b"content-length":
                    self._body_left = int(value)


class Proxy:
    """Passes on what comes, after half of the delay in each direction."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._delay = 0.0
        self._requests = 0
        self._sent = 0
        self._received = 0

    async def serve(self) -> None:
        """Passes on until the standard input ends."""
        server = await asyncio.start_server(self._connected, _LOOPBACK, 0)
        print(server.sockets[0].getsockname()[1], flush=True)
        commands = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(commands), sys.stdin
        )
        while line := await commands.readline():
            command, *arguments = line.decode().split()
            if command == "delay":
                self._delay = float(arguments[0]) / 1_000
            print(json.dumps(self._take_counts()), flush=True)

    def _take_counts(self) -> dict[str, int]:
        counts = {"requests": self._requests, "sent": self._sent, "received": self._received}
        self._requests = self._sent = self._received = 0
        return counts

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream_reader, upstream_writer = await asyncio.open_connection(_LOOPBACK, self._port)
        counter = RequestCounter()

        def sent(data: bytes) -> None:
            before = counter.requests
            counter.feed(data)
            self._requests += counter.requests - before
            self._sent += len(data)

        def received(data: bytes) -> None:
            self._received += len(data)

        await asyncio.gather(
            self._pass_on(reader, upstream_writer, sent),
            self._pass_on(upstream_reader, writer, received),
        )

    async def _pass_on(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        note: Callable[[bytes], None],
    ) -> None:
        clock = asyncio.get_running_loop().time
        queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

        async def write() -> None:
            try:
                while True:
                    due, data = await queue.get()
                    if due > clock():
                        await asyncio.sleep(due - clock())
                    if not data:
                        break
                    writer.write(data)
                    await writer.drain()
            except ConnectionError:
                pass
            writer.close()

        writing = asyncio.create_task(write())
        data = b"?"
        while data:
            try:
                data = await reader.read(_CHUNK)
            except ConnectionError:
                data = b""
            note(data)
            queue.put_nowait((clock() + self._delay / 2, data))
        await writing


if __name__ == "__main__":
    asyncio.run(Proxy(int(sys.argv[1])).serve())
