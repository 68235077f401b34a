"""What Parlant's logger, tracer and meter hear of calls and requests."""

from __future__ import annotations

import logging
import math
from types import SimpleNamespace
from typing import Any

import pytest
from parlant.core.loggers import LogLevel, TracingLogger
from parlant.core.tracer import LocalTracer
from parlant_supabase import ConfigurationError
from parlant_supabase.errors import OutcomeUnknownError, UnavailableError
from parlant_supabase.rpc import telemetry
from parlant_supabase.rpc.call import Call
from parlant_supabase.rpc.functions import EXECUTE, FIND, INSERT_ONE
from parlant_supabase.rpc.telemetry import DefaultLogger, Observer

from tests.rpc.recording import RecordingMeter, RecordingTracer

BEGAN = 100.0


class Time:
    """Seconds by `time.perf_counter`, as a test sets them."""

    now = BEGAN


@pytest.fixture(autouse=True)
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    time = Time()
    monkeypatch.setattr(telemetry, "time", SimpleNamespace(perf_counter=lambda: time.now))
    return time


@pytest.fixture
def meter() -> RecordingMeter:
    return RecordingMeter()


@pytest.fixture
def tracer() -> RecordingTracer:
    return RecordingTracer()


@pytest.fixture
def observer(logger: TracingLogger, tracer: RecordingTracer, meter: RecordingMeter) -> Observer:
    return Observer(logger, tracer, meter, slow_call_seconds=2.0)


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.DEBUG, logger="parlant-supabase-tests")
    return caplog


def sentences(said: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    """The level and the text of every record, without the trace's id and the colors around it."""
    return [
        (each.levelname, each.getMessage().partition("[supabase] ")[2].removesuffix("\x1b[0m"))
        for each in said.records
    ]


def call(subject: str = "calling", attempts: int = 1, **arguments: Any) -> Call:
    return Call(FIND, {"p_prefix": "acme_", **arguments}, subject, 1.0, 1.0, attempts)


def unavailable(code: str | None = "503") -> UnavailableError:
    return UnavailableError("words that advise", code=code)


# Measuring.


async def test_that_a_call_is_measured(
    observer: Observer, meter: RecordingMeter, tracer: RecordingTracer, time: Time
) -> None:
    time.now += 1.5
    await observer.call_ended(call(attempts=2), BEGAN, None)
    await observer.call_ended(Call(INSERT_ONE, {}, "s", 1.0, 1.0, 1), BEGAN, unavailable())

    first = {"function.name": "parlant_find", "table.prefix": "acme_", "outcome": "ok"}
    second = {
        "function.name": "parlant_insert_one",
        "table.prefix": "",
        "outcome": "UnavailableError",
    }
    assert [(each.value, each.attributes) for each in meter.of("supabase.call")] == [
        (1500.0, first),
        (1500.0, second),
    ]
    assert [event[1:] for event in tracer.events] == [
        ("supabase.call_completed", {**first, "duration": 1.5, "attempts": 2}),
        ("supabase.call_failed", {**second, "duration": 1.5, "attempts": 1}),
    ]


async def test_that_a_request_is_measured_and_the_calls_of_a_batch_are_counted(
    observer: Observer, meter: RecordingMeter, tracer: RecordingTracer, time: Time
) -> None:
    time.now += 0.25
    calls: dict[str, Any] = {"p_calls": [{"arguments": [{}, {}]}, {"arguments": [{}]}]}
    await observer.request_ended(FIND, {"p_calls": 1}, BEGAN, None)
    await observer.request_ended(EXECUTE, calls, BEGAN, unavailable())

    assert [(each.value, each.attributes) for each in meter.of("supabase.request")] == [
        (250.0, {"function.name": "parlant_find", "outcome": "ok"}),
        (250.0, {"function.name": "parlant_execute", "outcome": "UnavailableError"}),
    ]
    assert [each.value for each in meter.of("supabase.batch")] == [3]
    assert tracer.events == []


async def test_that_retries_are_counted(observer: Observer, meter: RecordingMeter) -> None:
    await observer.attempt_failed(call(), 0.1, unavailable())
    await observer.attempt_failed(Call(INSERT_ONE, {}, "s", 1.0, 1.0, 1), 0.1, unavailable())

    assert [(each.value, each.attributes) for each in meter.of("supabase.retry")] == [
        (
            1,
            {
                "function.name": "parlant_find",
                "table.prefix": "acme_",
                "reason": "UnavailableError",
            },
        ),
        (
            1,
            {
                "function.name": "parlant_insert_one",
                "table.prefix": "",
                "reason": "UnavailableError",
            },
        ),
    ]


def test_that_the_instruments_have_units(observer: Observer, meter: RecordingMeter) -> None:
    assert meter.units == {
        "supabase.call": "ms",
        "supabase.request": "ms",
        "supabase.batch": "calls",
        "supabase.retry": "",
    }


@pytest.mark.parametrize("has_tracer", [True, False])
async def test_that_a_tracer_and_a_meter_need_not_be_there(
    logger: TracingLogger,
    tracer: RecordingTracer,
    meter: RecordingMeter,
    said: pytest.LogCaptureFixture,
    has_tracer: bool,
) -> None:
    observer = Observer(logger, tracer) if has_tracer else Observer(logger, meter=meter)
    await observer.call_ended(call(), BEGAN, None)
    await observer.request_ended(FIND, {}, BEGAN, None)
    await observer.attempt_failed(call(), 0.1, unavailable())

    assert len(tracer.events) == (1 if has_tracer else 0)
    assert len(meter.measurements) == (0 if has_tracer else 3)
    assert [level for level, _ in sentences(said)] == ["WARNING"]


# Logging.


async def test_that_a_slow_call_is_a_warning(
    observer: Observer, said: pytest.LogCaptureFixture, time: Time
) -> None:
    time.now += 1.999
    await observer.call_ended(call("one"), BEGAN, None)
    time.now = BEGAN + 2.0
    await observer.call_ended(call("two"), BEGAN, None)
    time.now = BEGAN + 3.456
    await observer.call_ended(call("three", 4), BEGAN, unavailable())

    assert sentences(said) == [
        ("WARNING", "two: took 2.00 s in one attempt."),
        ("WARNING", "three: took 3.46 s in 4 attempts and ended in UnavailableError."),
    ]


def test_that_a_call_is_slow_from_one_second_on(logger: TracingLogger) -> None:
    assert Observer(logger)._slow_call_seconds == 1.0


async def test_that_of_the_same_within_a_second_one_is_a_warning(
    observer: Observer, said: pytest.LogCaptureFixture, time: Time
) -> None:
    for at in (0.0, 0.5, 0.999, 1.0, 1.5):
        time.now = BEGAN + 10 + at
        await observer.call_ended(call(), BEGAN, None)
    await observer.call_ended(call("other"), BEGAN, None)
    assert [level for level, _ in sentences(said)] == [
        "WARNING",
        "DEBUG",
        "DEBUG",
        "WARNING",
        "DEBUG",
        "WARNING",
    ]


async def test_that_a_failed_attempt_is_a_warning_without_the_errors_words(
    observer: Observer, said: pytest.LogCaptureFixture
) -> None:
    await observer.attempt_failed(call(attempts=3), 0.126, unavailable())
    await observer.attempt_failed(call("other"), 1.0, unavailable(None))
    await observer.attempt_failed(call(), 0.1, OutcomeUnknownError("lost", code="504"))

    assert sentences(said) == [
        (
            "WARNING",
            "calling: attempt 3 failed (UnavailableError, 503); the next one follows in 0.13 s.",
        ),
        ("DEBUG", "other: attempt 1 failed (UnavailableError); the next one follows in 1.00 s."),
        (
            "WARNING",
            "calling: attempt 1 failed (OutcomeUnknownError, 504); the next one follows in 0.10 s.",
        ),
    ]


async def test_that_a_lost_outcome_is_an_error(
    observer: Observer, said: pytest.LogCaptureFixture
) -> None:
    await observer.call_ended(call(), BEGAN, OutcomeUnknownError("calling: lost."))
    await observer.call_ended(call(), BEGAN, unavailable())

    assert sentences(said) == [("ERROR", "calling: lost.")]


@pytest.mark.parametrize("method", ["call_ended", "request_ended", "attempt_failed"])
async def test_that_a_meter_that_raises_is_not_asked_again(
    observer: Observer,
    meter: RecordingMeter,
    tracer: RecordingTracer,
    said: pytest.LogCaptureFixture,
    method: str,
) -> None:
    measurements, meter.measurements = meter.measurements, None  # type: ignore[assignment]
    if method == "call_ended":
        await observer.call_ended(call(), BEGAN, None)
    elif method == "request_ended":
        await observer.request_ended(FIND, {}, BEGAN, None)
    else:
        await observer.attempt_failed(call(), 0.1, unavailable())
    meter.measurements = measurements
    tracer.events.clear()
    await observer.call_ended(call(), BEGAN, None)
    await observer.request_ended(FIND, {}, BEGAN, None)

    assert sentences(said)[-1] == (
        "ERROR",
        "Calls are no longer measured, because that raised AttributeError.",
    )
    assert [level for level, _ in sentences(said)].count("ERROR") == 1
    assert measurements == []
    assert tracer.events == []


async def test_that_a_logger_that_raises_disturbs_no_call(
    logger: TracingLogger, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(message: str) -> None:
        raise OSError

    observer = Observer(logger)
    for level in ("debug", "warning", "error"):
        monkeypatch.setattr(logger, level, fail)
    time.now += 10
    await observer.call_ended(call(), BEGAN, OutcomeUnknownError("lost"))
    await observer.attempt_failed(call(), 0.1, unavailable())


# Joining a server.


async def test_that_a_server_s_own_are_used_where_none_were_given(
    said: pytest.LogCaptureFixture, logger: TracingLogger, time: Time
) -> None:
    observer = Observer(DefaultLogger())
    tracer, meter = RecordingTracer(), RecordingMeter()
    observer.join(logger, tracer, meter)
    time.now += 5
    await observer.call_ended(call(), BEGAN, None)

    assert observer.logger is logger
    assert len(sentences(said)) == len(tracer.events) == len(meter.measurements) == 1


async def test_that_what_was_given_is_kept(
    observer: Observer, logger: TracingLogger, meter: RecordingMeter, tracer: RecordingTracer
) -> None:
    theirs = RecordingTracer(), RecordingMeter()
    observer.join(TracingLogger(LocalTracer(), LogLevel.INFO), *theirs)
    await observer.call_ended(call(), BEGAN, None)

    assert observer.logger is logger
    assert len(meter.measurements) == len(tracer.events) == 1
    assert theirs[0].events == []
    assert theirs[1].measurements == []


def test_that_the_default_logger_is_that_of_the_package(
    caplog: pytest.LogCaptureFixture,
) -> None:
    tracer = LocalTracer()
    with tracer.span("a span"):
        trace_id = tracer.trace_id
        for logger in (DefaultLogger(tracer), DefaultLogger()):
            logger.debug("hidden")
            logger.info("shown")

    assert [each.name for each in caplog.records] == ["parlant_supabase"] * 2
    assert [trace_id in each.getMessage() for each in caplog.records] == [True, False]
    assert all("shown" in each.getMessage() for each in caplog.records)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"logger": None},
            "logger must be a Logger, got None. Pass one of Parlant's, such as server.logger.",
        ),
        ({"tracer": 1}, "tracer must be a Tracer, got an int. Pass one of Parlant's."),
        ({"meter": 1}, "meter must be a Meter, got an int. Pass one of Parlant's."),
        (
            {"slow_call_seconds": math.inf},
            "slow_call_seconds must be positive and finite, got inf. Pass seconds, such as 60.0.",
        ),
    ],
)
def test_that_wrong_arguments_are_refused(
    logger: TracingLogger, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Observer(**{"logger": logger, **arguments})

    assert str(caught.value) == message
