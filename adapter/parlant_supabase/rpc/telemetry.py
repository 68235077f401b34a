"""Tells Parlant's logger, tracer and meter what became of calls, and nothing of what is in them."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from parlant.core.loggers import Logger, LogLevel
from parlant.core.meter import Counter, DurationHistogram, Histogram, Meter
from parlant.core.tracer import Tracer

from parlant_supabase.errors import OutcomeUnknownError, SupabaseAdapterError
from parlant_supabase.parlant_internals import LocalTracer, TracingLogger
from parlant_supabase.rpc.call import Call
from parlant_supabase.rpc.functions import EXECUTE, Function
from parlant_supabase.validation import check_seconds, check_type

_SCOPE = "supabase"

# Of the many calls that fail or take long at once, one is a warning.
_SECONDS_BETWEEN_WARNINGS = 1.0


class DefaultLogger(TracingLogger):
    """The Python logger `parlant_supabase`, until a server is joined that has one of its own."""

    def __init__(self, tracer: Tracer | None = None) -> None:
        super().__init__(tracer or LocalTracer(), LogLevel.INFO, logger_id="parlant_supabase")


class Observer:
    """Hears of calls and requests, and says so in Parlant's own ways.

    A call is what a store asks for; a request is what travels. One request may carry many calls,
    and a call may take several requests, one after another. What is said of them is the function,
    the table prefix, the collection, times, counts and the class of an error: never a key, a
    document or a filter.

    | | | |
    |---|---|---|
    | histogram | `supabase.call` | ms from call to reply, waiting and repetitions included |
    | histogram | `supabase.request` | ms that one request took |
    | histogram | `supabase.batch` | calls in a request that carries several |
    | counter | `supabase.retry` | attempts that followed a failed one |
    | event | `supabase.call_completed`, `supabase.call_failed` | in the span of the caller |

    The attributes are `function.name` and `table.prefix` of a call; `outcome`, which is `ok` or the
    class of the error; `reason`, the class of the error that an attempt follows; and, of events,
    `duration` in seconds and `attempts`.

    Args:
        logger: Hears of repeated attempts and of calls that took long, in a warning where it has
            not heard the like within a second, and of lost outcomes, in an error for each.
        tracer: Gets the events.
        meter: Makes the histograms and the counter.
        slow_call_seconds: How long a call may take before the logger hears of it.

    Raises:
        ConfigurationError: An argument cannot be right.
    """

    def __init__(
        self,
        logger: Logger,
        tracer: Tracer | None = None,
        meter: Meter | None = None,
        slow_call_seconds: float = 1.0,
    ) -> None:
        check_type("logger", logger, Logger, "Pass one of Parlant's, such as server.logger.")
        if tracer is not None:
            check_type("tracer", tracer, Tracer, "Pass one of Parlant's.")
        if meter is not None:
            check_type("meter", meter, Meter, "Pass one of Parlant's.")
        check_seconds("slow_call_seconds", slow_call_seconds)
        self._given = (None if isinstance(logger, DefaultLogger) else logger, tracer, meter)
        self._slow_call_seconds = slow_call_seconds
        self._warned: dict[str, float] = {}
        self._use(logger, tracer, meter)

    def join(self, logger: Logger, tracer: Tracer, meter: Meter) -> None:
        """Uses a server's logger, tracer and meter, where none was given."""
        own_logger, own_tracer, own_meter = self._given
        self._use(own_logger or logger, own_tracer or tracer, own_meter or meter)

    def _use(self, logger: Logger, tracer: Tracer | None, meter: Meter | None) -> None:
        self.logger = logger
        self._tracer = tracer
        self._instruments = None if meter is None else _Instruments(meter)

    def values_replaced(self, subject: str, places: Sequence[str]) -> None:
        """Says that a call stores other characters or numbers than it was given.

        Args:
            subject: What was being done.
            places: The fields, in the order of the document; at least one.
        """
        more = f" and {len(places) - 1} more places" if len(places) > 1 else ""
        with self.logger.scope(_SCOPE):
            self.logger.warning(
                f"{subject}: replaced in {places[0][:200]}{more} what cannot be stored: U+0000 and "
                "halves of surrogate pairs by U+FFFD, NaN, infinities and integers of thousands of "
                "digits by null."
            )

    async def call_ended(
        self, call: Call, began: float, error: SupabaseAdapterError | None
    ) -> None:
        """Says what became of a call.

        Args:
            call: The call; of its arguments, the prefix is read.
            began: When, by `time.perf_counter`.
            error: What it raised, if anything.
        """
        seconds = time.perf_counter() - began
        try:
            if seconds >= self._slow_call_seconds:
                self._log_slow_call(call, seconds, error)
            if isinstance(error, OutcomeUnknownError):
                with self.logger.scope(_SCOPE):
                    self.logger.error(str(error))
            if self._tracer is None and self._instruments is None:
                return
            attributes = {
                "function.name": call.function.name,
                "table.prefix": call.arguments.get("p_prefix", ""),
                "outcome": _outcome(error),
            }
            if self._tracer is not None:
                self._tracer.add_event(
                    "supabase.call_completed" if error is None else "supabase.call_failed",
                    {**attributes, "duration": seconds, "attempts": call.attempts},
                )
            if self._instruments is not None:
                await self._instruments.call.record(seconds * 1000, attributes)
        except Exception as failure:
            self._give_up(failure)

    async def request_ended(
        self,
        function: Function[Any],
        arguments: Mapping[str, Any],
        began: float,
        error: SupabaseAdapterError | None,
    ) -> None:
        """Says what became of a request.

        Args:
            function: The function that it called.
            arguments: Its arguments, of which the calls of a batch are counted.
            began: When, by `time.perf_counter`.
            error: How it failed, if it did.
        """
        if self._instruments is None:
            return
        try:
            await self._instruments.request.record(
                (time.perf_counter() - began) * 1000,
                {"function.name": function.name, "outcome": _outcome(error)},
            )
            if function is EXECUTE:
                calls = sum(len(each["arguments"]) for each in arguments["p_calls"])
                await self._instruments.batch.record(calls)
        except Exception as failure:
            self._give_up(failure)

    async def attempt_failed(self, call: Call, pause: float, error: SupabaseAdapterError) -> None:
        """Says that a call is going to be tried again.

        Args:
            call: The call; of its arguments, the prefix is read.
            pause: Seconds until the next one.
            error: How it failed.
        """
        try:
            self._log_retry(call, pause, error)
            if self._instruments is not None:
                await self._instruments.retry.increment(
                    1,
                    {
                        "function.name": call.function.name,
                        "table.prefix": call.arguments.get("p_prefix", ""),
                        "reason": type(error).__name__,
                    },
                )
        except Exception as failure:
            self._give_up(failure)

    def _log_slow_call(
        self, call: Call, seconds: float, error: SupabaseAdapterError | None
    ) -> None:
        ended = "" if error is None else f" and ended in {type(error).__name__}"
        tried = "one attempt" if call.attempts == 1 else f"{call.attempts} attempts"
        self._warn(call.subject, f"{call.subject}: took {seconds:.2f} s in {tried}{ended}.")

    def _log_retry(self, call: Call, pause: float, error: SupabaseAdapterError) -> None:
        # Not the error's own words, which advise a caller who is not going to repeat the call.
        reason = type(error).__name__
        code = f", {error.code}" if error.code else ""
        self._warn(
            reason,
            f"{call.subject}: attempt {call.attempts} failed ({reason}{code}); "
            f"the next one follows in {pause:.2f} s.",
        )

    def _warn(self, kind: str, sentence: str) -> None:
        now = time.perf_counter()
        recently = now - self._warned.get(kind, -math.inf) < _SECONDS_BETWEEN_WARNINGS
        if not recently:
            self._warned[kind] = now
        with self.logger.scope(_SCOPE):
            (self.logger.debug if recently else self.logger.warning)(sentence)

    def _give_up(self, failure: Exception) -> None:
        # A write that was carried out must not look as if it had failed, so a meter or tracer that
        # raises is heard of once and not asked again.
        self._tracer = None
        self._instruments = None
        with suppress(Exception), self.logger.scope(_SCOPE):
            self.logger.error(
                f"Calls are no longer measured, because that raised {type(failure).__name__}."
            )


class _Instruments:
    def __init__(self, meter: Meter) -> None:
        self.call: DurationHistogram = meter.create_duration_histogram(
            "supabase.call", "Duration of storage calls in milliseconds"
        )
        self.request: DurationHistogram = meter.create_duration_histogram(
            "supabase.request", "Duration of storage requests in milliseconds"
        )
        self.batch: Histogram = meter.create_custom_histogram(
            "supabase.batch", "Storage calls in a request that carries several", "calls"
        )
        self.retry: Counter = meter.create_counter(
            "supabase.retry", "Attempts at storage calls that followed a failed one"
        )


def _outcome(error: SupabaseAdapterError | None) -> str:
    return "ok" if error is None else type(error).__name__
