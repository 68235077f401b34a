"""Timing calls of many contenders in interleaved rounds."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from statistics import median, quantiles


@dataclass(frozen=True)
class Case:
    """One contender doing one thing.

    Attributes:
        operation: What is done.
        contender: Who does it.
        call: Does it once.
        calls: How often in a round.
        at_once: How many calls are on their way at a time.
        prepare: Makes what one round needs, given the number of calls; not timed.
    """

    operation: str
    contender: str
    call: Callable[[], Awaitable[object]]
    calls: int = 1
    at_once: int = 1
    prepare: Callable[[int], Awaitable[object]] | None = None


@dataclass
class Series:
    """The seconds that a case took.

    Attributes:
        calls: For each round, the seconds of each call.
        rounds: For each round, the seconds from its first call to its last answer.
    """

    case: Case
    calls: list[list[float]] = field(default_factory=list)
    rounds: list[float] = field(default_factory=list)

    def seconds(self) -> Summary:
        """Of one call."""
        return summarize([seconds for calls in self.calls for seconds in calls])

    def rate(self) -> Summary:
        """Calls per second."""
        return summarize([self.case.calls / seconds for seconds in self.rounds])

    def ratio(self, to: Series) -> Summary:
        """How much longer a call takes than one of another case, by rounds."""
        return summarize(
            [
                median(mine) / median(theirs)
                for mine, theirs in zip(self.calls, to.calls, strict=True)
            ]
        )

    def rate_ratio(self, to: Series) -> Summary:
        """How many more calls per second are made than by another case, by rounds."""
        return summarize(
            [
                (self.case.calls / mine) / (to.case.calls / theirs)
                for mine, theirs in zip(self.rounds, to.rounds, strict=True)
            ]
        )


@dataclass(frozen=True)
class Summary:
    """Median and quartiles of so many samples."""

    median: float
    lower_quartile: float
    upper_quartile: float
    samples: int

    def scaled(self, factor: float) -> Summary:
        """The same in another unit."""
        return Summary(
            self.median * factor,
            self.lower_quartile * factor,
            self.upper_quartile * factor,
            self.samples,
        )


def summarize(samples: Sequence[float]) -> Summary:
    """Median and quartiles of the samples, of which there is at least one."""
    if len(samples) == 1:
        return Summary(samples[0], samples[0], samples[0], 1)
    lower, middle, upper = quantiles(samples, method="inclusive")
    return Summary(middle, lower, upper, len(samples))


async def measure(cases: Sequence[Case], rounds: int) -> list[Series]:
    """What the cases take, in their order.

    Every round begins with another case, so that none always follows the same one. A round that
    is not counted comes first.
    """
    series = [Series(case) for case in cases]
    for number in range(-1, rounds):
        first = number % len(series)
        for one in series[first:] + series[:first]:
            calls, seconds = await _run(one.case)
            if number >= 0:
                one.calls.append(calls)
                one.rounds.append(seconds)
    return series


async def _run(case: Case) -> tuple[list[float], float]:
    if case.prepare is not None:
        await case.prepare(case.calls)
    waiting = iter(range(case.calls))
    seconds: list[float] = []

    async def work() -> None:
        for _ in waiting:
            start = time.perf_counter()
            await case.call()
            seconds.append(time.perf_counter() - start)

    start = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(min(case.at_once, case.calls))))
    return seconds, time.perf_counter() - start
