"""Starts the servers of `server.py` and reads their reports."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from parlant_supabase.local import LocalStack
from parlant_supabase.local.ports import find_free_ports

from tests.server.processes import run_program


@dataclass(frozen=True)
class Start:
    """What a server's start was like.

    Attributes:
        calls: Calls of the language model, by schema.
        embedded: The texts that were embedded.
        requests: Functions of the cache that were called.
        seconds: How long it took.
        log: What the servers of the process printed.
    """

    calls: dict[str, int]
    embedded: list[str]
    requests: list[str]
    seconds: float
    log: str


async def start_servers(stack: LocalStack, home: Path, *options: dict[str, Any]) -> list[Start]:
    """Starts servers one after another, in one process, and stops each when it is ready.

    Args:
        stack: The project.
        home: Their PARLANT_HOME, which need not exist.
        options: Of each server, what differs from the usual; see `server.Options`.
    """
    said = await run_program(
        "tests.server.server",
        *(str(port) for port in find_free_ports(2)),
        *map(json.dumps, options),
        stack=stack,
        home=home,
    )
    reports = [line for line in said.splitlines() if line.startswith('{"calls"')]
    assert len(reports) == len(options), said[-5000:]
    return [Start(**json.loads(report), log=said) for report in reports]
