"""A network that can be made slow and that counts what passes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from urllib.parse import urlsplit

from typing_extensions import Self

from benchmarks.line_process import LineProcess


@dataclass(frozen=True)
class Traffic:
    """What went over the network.

    Attributes:
        requests: HTTP requests.
        sent: Bytes to the gateway, heads included.
        received: Bytes from it.
    """

    requests: int
    sent: int
    received: int


class Network:
    """A proxy before the gateway, for `async with`.

    Args:
        url: The gateway's.
        directory: For its log.
    """

    def __init__(self, url: str, directory: Path) -> None:
        self._proxy = LineProcess(
            "benchmarks.network_proxy",
            str(urlsplit(url).port),
            log=directory / "network_proxy.log",
        )
        self.url = ""

    async def __aenter__(self) -> Self:
        await self._proxy.__aenter__()
        self.url = f"http://127.0.0.1:{int(await self._proxy.read_line())}"
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._proxy.__aexit__(exc_type, exc, traceback)

    async def set_delay(self, milliseconds: float) -> None:
        """Makes every round trip so much longer, and begins to count anew."""
        await self._proxy.ask(f"delay {milliseconds}")

    async def traffic(self) -> Traffic:
        """What has passed since this was asked last."""
        return Traffic(**json.loads(await self._proxy.ask("counts")))
