"""Real servers that start one after another: what they ask of the language model."""

from __future__ import annotations

import asyncio
from pathlib import Path

import psycopg
import pytest
from parlant_supabase.local import LocalStack

from tests.server.starting import Start, start_servers

PREFIX = "warm_"
BROKEN_PREFIX = "cold_"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where each process makes an empty PARLANT_HOME."""
    return tmp_path_factory.mktemp("homes")


@pytest.fixture(scope="module")
def first(stack: LocalStack, home: Path) -> Start:
    """The first server of the agent."""
    (first,) = asyncio.run(start_servers(stack, home / "first", {"prefix": PREFIX}))
    return first


@pytest.fixture(scope="module")
def later(stack: LocalStack, home: Path, first: Start) -> list[Start]:
    """Servers of another process, on an empty disk: the same, a changed one, one without a cache.

    The first has no `join_server`.
    """
    with psycopg.connect(stack.database_url, autocommit=True) as sql:
        sql.execute(f"create table public.{BROKEN_PREFIX}cached_embeddings (id integer)")
    return asyncio.run(
        start_servers(
            stack,
            home / "later",
            {"prefix": PREFIX, "joined": False},
            {"prefix": PREFIX, "last_step": "Name the day"},
            {"prefix": BROKEN_PREFIX},
        )
    )


def test_that_the_second_server_asks_nothing_and_embeds_nothing(
    first: Start, later: list[Start]
) -> None:
    second = later[0]

    assert sum(first.calls.values()) > 30
    assert len(first.embedded) == 4
    assert second.calls == {}
    assert second.embedded == []
    assert "warm_start" not in first.log


def test_that_the_second_server_reads_the_cache_in_one_request(later: list[Start]) -> None:
    """One more prunes it, and one for each collection counts hits."""
    assert sorted(set(later[0].requests)) == [
        "parlant_expire_cache",
        "parlant_open_cache",
        "parlant_record_cache_use",
    ]
    assert later[0].requests.count("parlant_open_cache") == 1


def test_that_only_a_changed_step_and_what_depends_on_it_is_asked_again(
    later: list[Start],
) -> None:
    assert later[1].calls == {
        "CustomerDependentActionSchema": 1,
        # The journey, in which the step stands, and the step with the one before it.
        "RelativeActionSchema": 1,
        "ReachableNodesEvaluationSchema": 2,
    }
    assert later[1].embedded == []


def test_that_a_server_whose_cache_fails_starts_with_parlants_own(
    first: Start, later: list[Start], home: Path
) -> None:
    broken = later[2]

    assert broken.calls == first.calls
    assert sorted(broken.embedded) == sorted(first.embedded)
    assert broken.log.count("warm_start: ") == 1
    assert f"the cache (prefix '{BROKEN_PREFIX}') could not be read" in broken.log
    assert (home / "later" / "evaluation_cache.json").exists()
