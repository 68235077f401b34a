"""What supabase_stores() makes of its arguments, before anything is opened."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import Any

import pytest
from parlant.core.common import IdGenerator
from parlant.core.tracer import LocalTracer
from parlant_supabase import ConfigurationError
from parlant_supabase.rpc.telemetry import DefaultLogger
from parlant_supabase.stores import RandomIdGenerator, supabase_stores, wiring
from parlant_supabase.stores.ids import ContentIdGenerator

from tests.unit.stores.fake_rpc import a_logger

CONNECTION = {"url": "http://127.0.0.1:1", "key": "k"}


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What supabase_stores() has made, without opening it."""
    made: dict[str, Any] = {}

    @asynccontextmanager
    async def opened(database: Any, sessions: Any, customers: Any, variables: Any) -> Any:
        made.update(database=database, sessions=sessions, customers=customers, variables=variables)
        yield made

    monkeypatch.setattr(wiring, "_opened", opened)
    return made


async def test_that_the_defaults_are_enough(made: dict[str, Any]) -> None:
    async with supabase_stores(CONNECTION):
        pass

    assert [made[name]._connection.prefix for name in ("sessions", "customers", "variables")] == [
        "parlant_sessions_",
        "parlant_customers_",
        "parlant_context_variables_",
    ]
    assert [made[name]._allow_migration for name in ("sessions", "customers", "variables")] == [
        True
    ] * 3
    assert isinstance(made["customers"]._ids, RandomIdGenerator)
    assert isinstance(made["variables"]._ids, ContentIdGenerator)
    # All share the connections of one database.
    rpcs = {id(made[name]._connection.rpc) for name in ("sessions", "customers", "variables")}
    assert rpcs == {id(made["database"]._connection.rpc)}
    observer = made["database"]._connection.observer
    assert isinstance(observer.logger, DefaultLogger)
    assert made["database"]._connection.rpc.timeout == 60.0


async def test_that_what_is_given_is_used(made: dict[str, Any]) -> None:
    class Own(IdGenerator):
        pass

    logger, tracer, own = a_logger(), LocalTracer(), Own()
    async with supabase_stores(
        CONNECTION,
        session_prefix="s_",
        customer_prefix="c_",
        variable_prefix="v_",
        customer_id_generator=own,
        allow_migration=False,
        logger=logger,
        tracer=tracer,
        timeout=5,
        slow_call_seconds=2,
    ):
        pass

    assert [made[name]._connection.prefix for name in ("sessions", "customers", "variables")] == [
        "s_",
        "c_",
        "v_",
    ]
    assert [made[name]._allow_migration for name in ("sessions", "customers", "variables")] == [
        False
    ] * 3
    assert made["customers"]._ids is own
    observer = made["database"]._connection.observer
    assert observer.logger is logger
    assert observer._tracer is tracer
    assert observer._slow_call_seconds == 2
    assert made["database"]._connection.rpc.timeout == 5


async def test_that_the_default_logger_has_the_tracer(made: dict[str, Any]) -> None:
    tracer = LocalTracer()
    async with supabase_stores(CONNECTION, tracer=tracer):
        pass

    logger = made["database"]._connection.observer.logger
    assert logger._tracer is tracer


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"session_prefix": ""}, "session_prefix is empty."),
        ({"customer_prefix": 5}, "customer_prefix must be a str, got an int."),
        ({"variable_prefix": None}, "variable_prefix must be a str, got None."),
        (
            {"session_prefix": "a_", "variable_prefix": "a_"},
            "session_prefix and variable_prefix are both 'a_'. Every store keeps its version in a "
            "table of its own, so give each another prefix.",
        ),
        (
            {"customer_prefix": "a_", "variable_prefix": "a_"},
            "customer_prefix and variable_prefix are both 'a_'.",
        ),
        (
            {"customer_id_generator": "uuid"},
            "customer_id_generator must be an IdGenerator, got a str. Pass RandomIdGenerator(), or "
            "leave it out.",
        ),
    ],
)
def test_that_a_wrong_argument_is_named(arguments: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        supabase_stores(**{"connection_params": CONNECTION, **arguments})

    assert str(caught.value).startswith(sentence)


async def test_that_the_stores_are_opened_in_the_database_and_closed_before_it() -> None:
    log: list[str] = []

    class Entered:
        def __init__(self, name: str) -> None:
            self.name = name

        async def __aenter__(self) -> Any:
            log.append(f"open {self.name}")
            return self

        async def __aexit__(self, *exc: object) -> None:
            log.append(f"close {self.name}")

    parts: list[Any] = [Entered(name) for name in ("database", "sessions", "customers", "values")]
    async with wiring._opened(*parts) as stores:
        assert stores == {
            "session_store": parts[1],
            "customer_store": parts[2],
            "variable_store": parts[3],
        }

    names = ["database", "sessions", "customers", "values"]
    assert log == [*(f"open {n}" for n in names), *(f"close {n}" for n in reversed(names))]
