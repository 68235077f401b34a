"""The same laws on three installations, and how many examples each is tried with.

By default a few hundred, the same in every run. Before a release, some 30,000 new ones:

    pytest tests/differential --hypothesis-profile=deep
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from parlant.core.loggers import LogLevel, TracingLogger
from parlant.core.tracer import LocalTracer
from parlant_supabase.deployment.package_files import find_project
from parlant_supabase.local import LocalStack
from psycopg.types.json import Jsonb

from tests.database.project import write_project
from tests.differential.subject import NAME, PREFIX, Installation, Subject, open_subject
from tests.differential.values import FIELDS

ANOTHER_SCHEMA = "chats"

# What takes time is the database; and examples share a subject on purpose.
_SHARED = settings(
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.register_profile("law", parent=_SHARED, max_examples=40, derandomize=True)
settings.register_profile("deep", parent=_SHARED, max_examples=1700)


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--hypothesis-profile") is None:
        settings.load_profile("law")


@pytest.fixture(scope="session")
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


def _by_code_point(stack: LocalStack, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    return Installation(stack, "public")


def _through_german_indexes(
    stack: LocalStack, tmp_path_factory: pytest.TempPathFactory
) -> Installation:
    """Text sorts as in German, and everything that an index can answer is read from it."""
    database = stack.create_database("differential_german", locale="de-DE")
    database.deploy(find_project())
    with psycopg.connect(database.database_url, autocommit=True) as connection:
        connection.execute(f"alter database {database.name} set enable_seqscan = off")
        connection.execute("select public.parlant_create_collection(%s, %s)", (PREFIX, NAME))
        connection.execute(
            "select public.parlant_ensure_indexes(%s, %s, %s)",
            (PREFIX, NAME, Jsonb([{"fields": [[field, "asc"]]} for field in FIELDS])),
        )
    database.restart("postgrest")
    return Installation(database, "public")


def _in_another_schema(stack: LocalStack, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    project = write_project(tmp_path_factory.mktemp("project"), ANOTHER_SCHEMA)
    database = stack.create_database("differential_schema", schemas=(ANOTHER_SCHEMA,))
    database.deploy(project)
    return Installation(database, ANOTHER_SCHEMA)


@pytest.fixture(scope="session")
def installations() -> dict[str, Installation]:
    """Those that have been made: pytest may come back to one after another."""
    return {}


@pytest.fixture(
    scope="session",
    params=[_by_code_point, _through_german_indexes, _in_another_schema],
    ids=lambda make: make.__name__.strip("_"),
)
def installation(
    request: pytest.FixtureRequest,
    stack: LocalStack,
    tmp_path_factory: pytest.TempPathFactory,
    installations: dict[str, Installation],
) -> Installation:
    make: Callable[[LocalStack, pytest.TempPathFactory], Installation] = request.param
    if make.__name__ not in installations:
        installations[make.__name__] = make(stack, tmp_path_factory)
    return installations[make.__name__]


@pytest.fixture(scope="session")
def subject(installation: Installation, loop: asyncio.AbstractEventLoop) -> Iterator[Subject]:
    logger = TracingLogger(LocalTracer(), LogLevel.WARNING, logger_id="differential")
    with open_subject(installation, loop, logger) as subject:
        yield subject
