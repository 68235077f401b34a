"""Free ports on the loopback address."""

import random
import socket
from collections.abc import Iterable
from dataclasses import dataclass

from parlant_supabase.local.errors import LocalStackError

LOOPBACK = "127.0.0.1"

# Below the range from which systems take ports for outgoing connections, so that a port that was
# free at the last stop is very likely free at the next start.
_RANGE = range(20_000, 32_000)


@dataclass(frozen=True)
class Ports:
    """The ports that one database is reached at."""

    postgres: int
    postgrest: int
    gateway: int


def is_free(port: int) -> bool:
    """Say whether a server could listen on the port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do: connections of a server that has just ended do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def find_free_ports(count: int, *, preferred: Iterable[int] = ()) -> list[int]:
    """Return that many free ports; the preferred ones are kept, in place, where they are free."""
    wanted = list(preferred)
    found: list[int] = []
    candidates = iter(random.sample(_RANGE, len(_RANGE)))
    for position in range(count):
        if position < len(wanted) and is_free(wanted[position]):
            found.append(wanted[position])
            continue
        port = next((p for p in candidates if p not in found and is_free(p)), None)
        if port is None:
            raise LocalStackError(
                f"No port between {_RANGE.start} and {_RANGE.stop - 1} is free on {LOOPBACK}; stop "
                "what occupies them, or allow this process to open sockets."
            )
        found.append(port)
    return found
