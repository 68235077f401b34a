"""What the benchmarks ran on."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path

import psutil
import psycopg

_DISTRIBUTIONS = ("parlant", "supabase", "postgrest", "httpx", "asyncpg")


def describe_machine(connection: psycopg.Connection) -> dict[str, str]:
    """Processor, memory, operating system and versions; nothing that tells whose machine it is."""
    row = connection.execute("show server_version").fetchone()
    assert row is not None
    return {
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.machine()}",
        "load before": " ".join(f"{load:.1f}" for load in psutil.getloadavg()),
        "python": platform.python_version(),
        "postgres": str(row[0]),
        **{name: version(name) for name in _DISTRIBUTIONS},
    }


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text("utf-8").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or "unknown"
