"""Which calls are retried after which failures, how often, and what is said in the end."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import anyio
import pytest
from parlant_supabase.errors import (
    InvalidFilterError,
    NotDeployedError,
    NotOpenError,
    OutcomeUnknownError,
    StatementTimeoutError,
    SupabaseAdapterError,
    UnavailableError,
    UnreachableError,
)
from parlant_supabase.rpc.call import Call
from parlant_supabase.rpc.functions import (
    DELETE_ONE,
    FIND,
    FUNCTIONS,
    INSERT_ONE,
    UPDATE_CUSTOMER,
    UPDATE_ONE,
    Function,
    Kind,
)
from parlant_supabase.rpc.retry import Retry
from parlant_supabase.rpc.telemetry import Observer

from tests.unit.rpc.fakes import call


class Clock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.pauses: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(anyio, "current_time", lambda: clock.now)
    monkeypatch.setattr(anyio, "sleep", clock.sleep)
    monkeypatch.setattr(random, "uniform", lambda low, high: high)
    return clock


class Attempts:
    """Attempts that raise the errors given, one after another, and then succeed."""

    def __init__(self, clock: Clock, *errors: SupabaseAdapterError, seconds: float = 0.0) -> None:
        self.clock = clock
        self.errors = list(errors)
        self.seconds = seconds
        self.made = 0

    async def __call__(self, made: Call) -> str:
        self.made += 1
        assert made.attempts == self.made
        self.clock.now += self.seconds
        if self.errors:
            raise self.errors.pop(0)
        return "reply"


def opened(attempts: Attempts, observer: Observer | None = None) -> Retry:
    retry = Retry(attempts, observer)
    retry.open()
    return retry


def at(clock: Clock, function: Function[Any] = FIND, seconds: float = 60.0) -> Call:
    made = call(1, function)
    made.deadline = clock.now + seconds
    return made


def unavailable() -> UnavailableError:
    return UnavailableError("call 1: no.", code="503", server_message="m", server_detail="d")


def lost() -> OutcomeUnknownError:
    return OutcomeUnknownError("call 1: lost.", code="504", server_message="m", server_detail="d")


async def test_that_a_reply_is_returned_at_once(clock: Clock) -> None:
    attempts = Attempts(clock)

    assert await opened(attempts).send(at(clock)) == "reply"
    assert attempts.made == 1
    assert clock.pauses == []


@pytest.mark.parametrize("function", [FIND, INSERT_ONE, UPDATE_ONE])
@pytest.mark.parametrize("error", [unavailable(), UnreachableError("no.")])
async def test_that_calls_that_were_not_carried_out_are_retried(
    clock: Clock, function: Function[Any], error: SupabaseAdapterError
) -> None:
    attempts = Attempts(clock, error, error)

    assert await opened(attempts).send(at(clock, function)) == "reply"
    assert clock.pauses == [0.1, 0.2]


async def test_that_pauses_double_up_to_two_seconds_and_attempts_end_at_eight(
    clock: Clock,
) -> None:
    attempts = Attempts(clock, *[unavailable()] * 9)
    with pytest.raises(UnavailableError) as caught:
        await opened(attempts).send(at(clock))

    assert clock.pauses == [0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0]
    assert attempts.made == 8
    assert str(caught.value) == "call 1: no. Tried 8 times."
    assert caught.value.code == "503"
    assert (caught.value.server_message, caught.value.server_detail) == ("m", "d")


async def test_that_pauses_are_random_between_half_and_all(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[tuple[float, float]] = []

    def uniform(low: float, high: float) -> float:
        drawn.append((low, high))
        return low

    monkeypatch.setattr(random, "uniform", uniform)
    await opened(Attempts(clock, unavailable(), unavailable())).send(at(clock))

    assert drawn == [(0.05, 0.1), (0.1, 0.2)]
    assert clock.pauses == [0.05, 0.1]


@pytest.mark.parametrize("function", [each for each in FUNCTIONS if each.kind is Kind.WRITE])
async def test_that_a_write_whose_outcome_is_unknown_is_not_repeated(
    clock: Clock, function: Function[Any]
) -> None:
    attempts = Attempts(clock, lost())
    with pytest.raises(OutcomeUnknownError) as caught:
        await opened(attempts).send(at(clock, function))

    assert attempts.made == 1
    assert str(caught.value) == "call 1: lost. Tried once."
    assert caught.value.code == "504"


def test_that_updates_and_deletions_are_among_them() -> None:
    assert {each.kind for each in (UPDATE_ONE, DELETE_ONE, UPDATE_CUSTOMER)} == {Kind.WRITE}


async def test_that_a_repeatable_write_is_repeated(clock: Clock) -> None:
    attempts = Attempts(clock, *[lost()] * 7)

    assert await opened(attempts).send(at(clock, INSERT_ONE)) == "reply"
    assert attempts.made == 8


async def test_that_a_repeatable_write_ends_at_eight(clock: Clock) -> None:
    with pytest.raises(OutcomeUnknownError, match=r"lost\. Tried 8 times\.$"):
        await opened(Attempts(clock, *[lost()] * 9)).send(at(clock, INSERT_ONE))


async def test_that_a_refusal_after_a_lost_answer_leaves_the_outcome_unknown(
    clock: Clock,
) -> None:
    cause = ValueError()
    refused = InvalidFilterError("call 1: invalid.", code="PD001")
    refused.__cause__ = cause
    with pytest.raises(OutcomeUnknownError) as caught:
        await opened(Attempts(clock, lost(), refused)).send(at(clock, INSERT_ONE))

    assert str(caught.value) == (
        "call 1: an answer was lost, so it may have been carried out or not. "
        "Look before you repeat it. Tried 2 times, the last time: call 1: invalid."
    )
    assert caught.value.code == "PD001"
    assert caught.value.__cause__ is cause


@pytest.mark.parametrize(
    "error", [InvalidFilterError("no."), StatementTimeoutError("no."), NotOpenError("no.")]
)
async def test_that_a_refusal_is_raised_as_it_is(clock: Clock, error: SupabaseAdapterError) -> None:
    attempts = Attempts(clock, error)
    with pytest.raises(type(error)) as caught:
        await opened(attempts).send(at(clock))

    assert caught.value is error
    assert attempts.made == 1


@pytest.mark.parametrize(("code", "number"), [("PGRST202", 5), ("42883", 5), ("3F000", 1)])
async def test_that_a_deployment_is_waited_for(clock: Clock, code: str, number: int) -> None:
    attempts = Attempts(clock, *[NotDeployedError("no.", code=code)] * 9)
    with pytest.raises(NotDeployedError):
        await opened(attempts).send(at(clock))

    assert attempts.made == number


@pytest.mark.parametrize(("seconds", "made"), [(0.1, 1), (0.11, 2)])
async def test_that_no_attempt_begins_at_the_deadline(
    clock: Clock, seconds: float, made: int
) -> None:
    attempts = Attempts(clock, unavailable())
    ended: Callable[[], Any] = lambda: opened(attempts).send(at(clock, seconds=seconds))  # noqa: E731
    if made == 1:
        with pytest.raises(UnavailableError, match=r"Tried once\.$"):
            await ended()
    else:
        assert await ended() == "reply"
    assert attempts.made == made


@pytest.mark.parametrize(
    ("function", "errors", "seconds", "made"),
    [
        # A write that failed after 1 s needs 2 s, its failure's and another's, besides the pause.
        (UPDATE_ONE, [unavailable()], 3.11, 2),
        (UPDATE_ONE, [unavailable()], 3.1, 1),
        (INSERT_ONE, [unavailable()], 3.1, 1),
        # A read, and a write whose outcome is unknown anyway, have nothing to lose.
        (FIND, [unavailable()], 1.11, 2),
        (INSERT_ONE, [lost()], 1.11, 2),
        (INSERT_ONE, [lost()], 1.1, 1),
    ],
)
async def test_that_a_certain_failure_is_not_risked_for_an_unknown_outcome(
    clock: Clock,
    function: Function[Any],
    errors: list[SupabaseAdapterError],
    seconds: float,
    made: int,
) -> None:
    attempts = Attempts(clock, *errors, seconds=1.0)
    with_time = opened(attempts).send(at(clock, function, seconds))
    if made == 1:
        with pytest.raises(type(errors[0])):
            await with_time
    else:
        assert await with_time == "reply"
    assert attempts.made == made


async def test_that_a_closed_one_makes_one_attempt(clock: Clock) -> None:
    never_opened = Attempts(clock, unavailable())
    with pytest.raises(UnavailableError):
        await Retry(never_opened).send(at(clock))

    attempts = Attempts(clock, unavailable())
    retry = opened(attempts)
    retry.close()
    with pytest.raises(UnavailableError):
        await retry.send(at(clock))

    assert (never_opened.made, attempts.made) == (1, 1)


async def test_that_an_observer_hears_of_attempts_that_are_followed_by_another(
    clock: Clock,
) -> None:
    heard: list[tuple[Call, float, SupabaseAdapterError]] = []

    class Hearing(Observer):
        def __init__(self) -> None:
            pass

        async def attempt_failed(
            self, call: Call, pause: float, error: SupabaseAdapterError
        ) -> None:
            heard.append((call, pause, error))

    first, last = unavailable(), InvalidFilterError("no.")
    made = at(clock)
    with pytest.raises(InvalidFilterError):
        await opened(Attempts(clock, first, last), Hearing()).send(made)

    assert heard == [(made, 0.1, first)]
