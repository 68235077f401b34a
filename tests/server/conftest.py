"""Servers that the tests of a module share."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from parlant_supabase.local import LocalStack

from tests.server.servers import Servers

_numbers = itertools.count()


@pytest.fixture(scope="module")
def servers(stack: LocalStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """Servers on tables of their own."""
    servers = Servers(
        f"servers{next(_numbers)}_",
        {"SUPABASE_URL": stack.url, "SUPABASE_KEY": stack.service_role_key},
        tmp_path_factory.mktemp("servers"),
    )
    yield servers
    servers.stop()


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    """What customers talk to servers with."""
    async with httpx.AsyncClient(timeout=60) as http:
        yield http
