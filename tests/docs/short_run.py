"""Runs an agent's program until its server answers, and stops it as Ctrl-C does.

python -m tests.docs.short_run my_agent.py
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import httpx
from parlant_supabase.local.ports import find_free_ports

_SECONDS = 60


def main() -> int:
    """Run the program; return its exit code, or 1 if it ended before its server answered."""
    (program,) = sys.argv[1:]
    port, tool_service_port = find_free_ports(2)
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "tests.programs.offline_server"),
            *(str(port), str(tool_service_port), program),
        ]
    )
    try:
        deadline = time.monotonic() + _SECONDS
        while process.poll() is None and time.monotonic() < deadline:
            if _answers(port):
                process.send_signal(signal.SIGINT)
                return process.wait(_SECONDS)
            time.sleep(0.1)
        return 1
    finally:
        process.kill()


def _answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/healthz").is_success
    except httpx.TransportError:
        return False


if __name__ == "__main__":
    sys.exit(main())
