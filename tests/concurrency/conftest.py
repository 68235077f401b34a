from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from parlant_supabase.local import LocalStack
from parlant_supabase.local.data_directory import DataDirectory

from tests.concurrency.workers import Job, T, Workers


@pytest.fixture(scope="session")
def workers() -> Iterator[Workers]:
    with Workers() as workers:
        yield workers


@pytest.fixture
def run(workers: Workers, stack: LocalStack, prefix: str) -> Callable[..., list[Any]]:
    """Does a job in several processes at once, each with a database under the test's prefix."""

    def run(job: Job[T], *arguments: tuple[Any, ...]) -> list[T]:
        connection = {"url": stack.url, "key": stack.service_role_key}
        return workers.run(job, connection, prefix, *arguments)

    return run


@pytest.fixture
def postgres_log(stack: LocalStack) -> Path:
    with psycopg.connect(stack.admin_url) as connection:
        row = connection.execute("show data_directory").fetchone()
    assert row is not None
    return DataDirectory(Path(row[0]).parent).log("postgres")


@pytest.fixture(autouse=True)
def no_victims(postgres_log: Path) -> Iterator[None]:
    """Postgres ended no transaction to resolve a deadlock or a conflict of snapshots."""
    before = postgres_log.stat().st_size
    yield
    with postgres_log.open("rb") as log:
        log.seek(before)
        said = log.read().decode(errors="replace")
    for trouble in ("deadlock detected", "could not serialize"):
        assert trouble not in said, said[said.index(trouble) :][:4000]
