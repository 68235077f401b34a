"""Starts the servers of `server.py` and reads their reports."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from parlant_supabase.deployment.package_files import find_project
from parlant_supabase.local import LocalStack
from parlant_supabase.local.ports import find_free_ports


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
    log = home.with_suffix(".log")
    with log.open("wb") as errors:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.agent_cache.server"),
            *(str(port) for port in find_free_ports(2)),
            *map(json.dumps, options),
            cwd=find_project(),
            env={
                **os.environ,
                "PARLANT_HOME": str(home),
                "SUPABASE_URL": stack.url,
                "SUPABASE_KEY": stack.service_role_key,
            },
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
        )
        try:
            output, _ = await asyncio.wait_for(process.communicate(), 240)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    said = log.read_text() + output.decode()
    reports = [line for line in output.decode().splitlines() if line.startswith('{"calls"')]
    assert len(reports) == len(options), said[-5000:]
    return [Start(**json.loads(report), log=said) for report in reports]
