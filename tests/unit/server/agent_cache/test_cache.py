"""What is read, written and counted, and that no error of the database reaches the server."""

from __future__ import annotations

import asyncio

import pytest
from parlant_supabase.errors import SupabaseAdapterError
from parlant_supabase.server.agent_cache import cache as module
from parlant_supabase.server.agent_cache.cache import AgentCache

from tests.unit.server.agent_cache.caches import EMPTY, open_cache, rpc_of_an_empty_cache
from tests.unit.stores.fake_rpc import FakeRpc
from tests.waiting import until


def calls_of(rpc: FakeRpc, operation: str) -> list[dict[str, object]]:
    return [arguments for name, arguments in rpc.calls if name == operation]


async def test_that_values_are_read_with_one_call() -> None:
    rpc = rpc_of_an_empty_cache()
    page = {"values": {"a": "1"}, "next": None}
    rpc.answer("open_cache", {"cached_evaluations": page, "cached_embeddings": EMPTY})
    cache = await open_cache(rpc)

    assert await cache.evaluations.get("a") == "1"
    assert await cache.evaluations.get("b") is None
    assert calls_of(rpc, "open_cache") == [{"p_prefix": "p_", "p_version": "3.3.2"}]
    assert calls_of(rpc, "list_cached") == []
    await cache.close()


async def test_that_more_pages_are_read() -> None:
    rpc = rpc_of_an_empty_cache()
    after = {"last_used_utc": "2026", "id": "a"}
    rpc.answer(
        "open_cache",
        {"cached_evaluations": EMPTY, "cached_embeddings": {"values": {"a": "1"}, "next": after}},
    )
    rpc.answer("list_cached", {"values": {"b": "2"}, "next": None})
    cache = await open_cache(rpc)

    assert await cache.embeddings.get("b") == "2"
    assert [each["p_after"] for each in calls_of(rpc, "list_cached")] == [after]
    await cache.close()


async def test_that_what_has_no_room_is_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_LOADED_CHARACTERS", 3)
    rpc = rpc_of_an_empty_cache()
    after = {"last_used_utc": "2026", "id": "a"}
    page = {"values": {"a": "1234"}, "next": after}
    rpc.answer("open_cache", {"cached_evaluations": page, "cached_embeddings": EMPTY})
    rpc.answer("list_cached", {"values": {"b": "2"}, "next": None})
    cache = await open_cache(rpc)

    assert await cache.evaluations.get("b") == "2"
    assert await cache.evaluations.get("b") == "2"
    assert [each["p_ids"] for each in calls_of(rpc, "list_cached")] == [["b"]]
    await cache.close()


async def test_that_new_values_are_written_together_when_the_server_ends() -> None:
    rpc = rpc_of_an_empty_cache()
    cache = await open_cache(rpc)
    cache.evaluations.put("a", "1")
    cache.evaluations.put("b", "2")
    cache.embeddings.put("c", "3")

    await cache.close()

    assert [(each["p_collection"], each["p_values"]) for each in calls_of(rpc, "save_cached")] == [
        ("cached_evaluations", {"a": "1", "b": "2"}),
        ("cached_embeddings", {"c": "3"}),
    ]


async def test_that_new_values_are_written_while_the_server_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_WRITE_DELAY_SECONDS", 0)
    rpc = rpc_of_an_empty_cache()
    cache = await open_cache(rpc)
    cache.evaluations.put("a", "1")

    await until(lambda: bool(calls_of(rpc, "save_cached")), "the value")

    await cache.close()
    assert len(calls_of(rpc, "save_cached")) == 1


async def test_that_a_call_carries_no_more_than_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_SAVED", 2)
    monkeypatch.setattr(module, "_MOST_SAVED_CHARACTERS", 5)
    monkeypatch.setattr(module, "_MOST_USED", 2)
    rpc = rpc_of_an_empty_cache()
    cache = await open_cache(rpc)
    for key, value in {"a": "1", "b": "2", "c": "333333", "d": "4"}.items():
        cache.evaluations.put(key, value)
        await cache.evaluations.get(key)

    await cache.flush()

    assert [each["p_values"] for each in calls_of(rpc, "save_cached")] == [
        {"a": "1", "b": "2"},
        {"c": "333333"},
        {"d": "4"},
    ]
    assert [
        (each["p_ids"], each["p_hits"], each["p_misses"])
        for each in calls_of(rpc, "record_cache_use")
    ] == [(["a", "b"], 4, 0), (["c", "d"], 0, 0)]
    await cache.close()


async def test_that_hits_and_misses_are_counted_once() -> None:
    rpc = rpc_of_an_empty_cache()
    cache = await open_cache(rpc)
    cache.evaluations.put("a", "1")
    await cache.evaluations.get("a")
    await cache.evaluations.get("b")
    await cache.flush()
    await cache.flush()
    await cache.close()

    assert [
        (each["p_collection"], each["p_ids"], each["p_hits"], each["p_misses"])
        for each in calls_of(rpc, "record_cache_use")
    ] == [("cached_evaluations", ["a"], 1, 1)]


async def test_that_the_cache_is_pruned_until_nothing_is_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_WRITE_DELAY_SECONDS", 0)
    rpc = rpc_of_an_empty_cache()
    rpc.answer(
        "expire_cache", {"erased": {"t": 1}, "done": False}, {"erased": {"t": 1}, "done": True}
    )
    cache = await open_cache(rpc)

    await until(lambda: len(calls_of(rpc, "expire_cache")) == 2, "the second call")

    assert cache.is_working
    await cache.close()


@pytest.mark.parametrize(
    "operation", ["open_cache", "list_cached", "save_cached", "record_cache_use"]
)
async def test_that_an_error_of_the_database_is_logged_once(
    operation: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "_MOST_LOADED_CHARACTERS", 0)
    rpc = rpc_of_an_empty_cache()
    page = {"values": {}, "next": {"last_used_utc": "2026", "id": "a"}}
    rpc.answer("open_cache", {"cached_evaluations": page, "cached_embeddings": page})
    rpc.answer(operation, SupabaseAdapterError("the database is away"))
    cache = await open_cache(rpc)

    for _ in range(2):
        await cache.evaluations.get("a")
        cache.embeddings.put("b", "2")
        await cache.flush()
    await cache.close()

    assert not cache.is_working
    (warning,) = [record for record in caplog.records if record.levelname == "WARNING"]
    assert "warm_start: the cache (prefix 'p_') could not be" in warning.getMessage()
    assert "the database is away. Parlant's own caches are used" in warning.getMessage()
    assert not calls_of(rpc, "save_cached")[1:]


async def test_that_a_database_that_does_not_answer_delays_no_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_OPEN_SECONDS", 0.01)
    cache = AgentCache(_Silent(), "3.3.2", 90)  # type: ignore[arg-type]

    await cache.open()

    assert not cache.is_working
    assert await cache.evaluations.get("a") is None


class _Silent:
    """A connection on which no reply comes."""

    prefix = "p_"

    def __init__(self) -> None:
        self.observer = self
        self.logger = self
        self.warnings: list[str] = []

    def warning(self, text: str) -> None:
        self.warnings.append(text)

    async def call(self, *_: object, **__: object) -> None:
        await asyncio.Event().wait()
