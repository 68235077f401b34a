"""Parlant's logger, tracer and meter hear what becomes of calls, and not what is in them."""

from __future__ import annotations

import asyncio
import json
import logging
import math
from contextlib import suppress
from typing import Any

import pytest
from parlant.core.persistence.document_database import BaseDocument
from parlant_supabase import (
    DuplicateDocumentError,
    InvalidFilterError,
    OutcomeUnknownError,
    SupabaseAdapterError,
)
from parlant_supabase.local import LocalStack
from parlant_supabase.rpc import telemetry

from tests.adapter.notes import EVERYTHING, Notes, ids, note, only, where
from tests.faults.conftest import open_notes
from tests.faults.fault_proxy import FaultProxy, drop_answer, html_instead_of_forwarding
from tests.rpc.conftest import Connect
from tests.rpc.recording import RecordingMeter, RecordingTracer, everything_said

SECRET = "The patient's diagnosis, in confidence"

unavailable = html_instead_of_forwarding(503)


def said(log: pytest.LogCaptureFixture, level: int) -> list[str]:
    return [record.getMessage() for record in log.records if record.levelno == level]


class TestMeter:
    async def test_that_every_call_is_measured(
        self, notes: Notes, meter: RecordingMeter, prefix: str
    ) -> None:
        await notes.insert_one(note("a"))
        with pytest.raises(DuplicateDocumentError):
            await notes.insert_one(note("a", another=True))
        await notes.find(EVERYTHING)

        expected = [
            ("parlant_insert_one", "ok"),
            ("parlant_insert_one", "DuplicateDocumentError"),
            ("parlant_find", "ok"),
        ]
        assert [each.attributes for each in meter.of("supabase.call")] == [
            {"function.name": function, "table.prefix": prefix, "outcome": outcome}
            for function, outcome in expected
        ]
        assert [each.attributes for each in meter.of("supabase.request")] == [
            {"function.name": function, "outcome": outcome} for function, outcome in expected
        ]
        calls, requests = meter.of("supabase.call"), meter.of("supabase.request")
        for call, request in zip(calls, requests, strict=True):
            assert call.value > request.value > 0

    async def test_that_durations_are_milliseconds(
        self, connect: Connect, meter: RecordingMeter, proxy: FaultProxy
    ) -> None:
        async with connect() as database:
            notes = await open_notes(database)
            meter.measurements.clear()
            proxy.faults.append(unavailable)
            began = asyncio.get_running_loop().time()
            await notes.find(EVERYTHING)
            seconds = asyncio.get_running_loop().time() - began

        [call] = meter.of("supabase.call")
        # The pause before the second attempt is at least 50 ms long.
        assert 50 < call.value <= seconds * 1000
        assert meter.units == {
            "supabase.call": "ms",
            "supabase.request": "ms",
            "supabase.batch": "calls",
            "supabase.retry": "",
        }

    async def test_that_the_calls_of_every_batch_are_counted(
        self, notes: Notes, meter: RecordingMeter
    ) -> None:
        await asyncio.gather(*(notes.insert_one(note(f"n{number}")) for number in range(50)))

        assert len(meter.of("supabase.call")) == 50
        batches = [each.value for each in meter.of("supabase.batch")]
        functions = [each.attributes["function.name"] for each in meter.of("supabase.request")]
        assert all(calls > 1 for calls in batches)
        assert len(batches) == functions.count("parlant_execute") > 0
        assert sum(batches) + functions.count("parlant_insert_one") == 50

    async def test_that_repeated_attempts_are_counted_by_their_reason(
        self, notes: Notes, meter: RecordingMeter, proxy: FaultProxy, prefix: str
    ) -> None:
        proxy.faults.extend([unavailable, unavailable])
        await notes.find(EVERYTHING)
        proxy.faults.append(drop_answer)
        await notes.insert_one(note("a"))

        assert [(each.value, each.attributes) for each in meter.of("supabase.retry")] == [
            (1, {"function.name": function, "table.prefix": prefix, "reason": reason})
            for function, reason in (
                ("parlant_find", "UnavailableError"),
                ("parlant_find", "UnavailableError"),
                ("parlant_insert_one", "OutcomeUnknownError"),
            )
        ]
        assert [each.attributes["outcome"] for each in meter.of("supabase.call")] == ["ok", "ok"]
        assert [each.attributes["outcome"] for each in meter.of("supabase.request")] == [
            "UnavailableError",
            "UnavailableError",
            "ok",
            "OutcomeUnknownError",
            "ok",
        ]

    async def test_that_a_meter_that_fails_fails_no_call(
        self, connect: Connect, meter: RecordingMeter, log: pytest.LogCaptureFixture
    ) -> None:
        async with connect() as database:
            notes = await open_notes(database)
            meter.measurements = None  # type: ignore[assignment]

            for number in range(3):
                await notes.insert_one(note(f"n{number}"))

            assert await ids(notes) == ["n0", "n1", "n2"]
        [sentence] = said(log, logging.ERROR)
        assert "Calls are no longer measured, because that raised AttributeError." in sentence


class TestTracer:
    async def test_that_a_span_gets_an_event_for_every_call_made_in_it(
        self, notes: Notes, tracer: RecordingTracer, proxy: FaultProxy, prefix: str
    ) -> None:
        proxy.faults.append(unavailable)
        with tracer.span("turn"):
            await notes.find(EVERYTHING)
            with suppress(InvalidFilterError):
                await notes.delete_one(where({"id": "bare"}))

        [completed, failed] = tracer.events
        assert completed[:2] == ("turn", "supabase.call_completed")
        assert failed[:2] == ("turn", "supabase.call_failed")
        assert isinstance(completed[2]["duration"], float)
        assert dict(completed[2]) == {
            "function.name": "parlant_find",
            "table.prefix": prefix,
            "outcome": "ok",
            "attempts": 2,
            "duration": completed[2]["duration"],
        }
        assert (failed[2]["outcome"], failed[2]["attempts"]) == ("InvalidFilterError", 1)

    async def test_that_calls_that_travel_together_are_events_of_their_own_spans(
        self, notes: Notes, tracer: RecordingTracer, proxy: FaultProxy
    ) -> None:
        async def insert(name: str) -> None:
            with tracer.span(name):
                await notes.insert_one(note(name))

        names = [f"turn {number}" for number in range(30)]
        await asyncio.gather(*(insert(name) for name in names))

        assert "parlant_execute" in proxy.seen
        assert sorted(span for span, _, _ in tracer.events) == sorted(names)


class TestLogger:
    async def test_that_what_goes_well_is_not_mentioned(
        self, notes: Notes, log: pytest.LogCaptureFixture
    ) -> None:
        await notes.insert_one(note("a"))
        await notes.find(EVERYTHING)

        assert log.records == []

    async def test_that_a_repeated_attempt_is_mentioned(
        self, notes: Notes, proxy: FaultProxy, log: pytest.LogCaptureFixture, prefix: str
    ) -> None:
        proxy.faults.extend([unavailable, unavailable])

        await notes.find(EVERYTHING)

        [warning] = said(log, logging.WARNING)
        where = f"[supabase] find on collection 'notes' (prefix '{prefix}')"
        assert f"{where}: attempt 1 failed (UnavailableError, 503); the next one follows" in warning
        [debug] = said(log, logging.DEBUG)
        assert f"{where}: attempt 2 failed" in debug

    async def test_that_of_many_calls_that_fail_at_once_one_is_a_warning(
        self,
        notes: Notes,
        proxy: FaultProxy,
        log: pytest.LogCaptureFixture,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(telemetry, "_SECONDS_BETWEEN_WARNINGS", math.inf)
        proxy.faults.extend([unavailable] * 5)

        await asyncio.gather(*(notes.find(EVERYTHING) for _ in range(30)))

        assert len(said(log, logging.WARNING)) == 1
        assert len(said(log, logging.DEBUG)) >= 4

    async def test_that_a_slow_call_is_mentioned_once(
        self, connect: Connect, proxy: FaultProxy, log: pytest.LogCaptureFixture, prefix: str
    ) -> None:
        async with connect() as database:
            notes = await open_notes(database)
        # Shorter than the pause before the second attempt.
        async with connect(slow_call_seconds=0.04) as database:
            notes = await open_notes(database)
            log.clear()
            proxy.faults.append(unavailable)
            await notes.find(EVERYTHING)

        slow = [sentence for sentence in said(log, logging.WARNING) if "took" in sentence]
        assert len(slow) == 1
        assert f"find on collection 'notes' (prefix '{prefix}'): took 0." in slow[0]
        assert "s in 2 attempts." in slow[0]

    async def test_that_of_many_slow_calls_at_once_one_is_a_warning(
        self,
        connect: Connect,
        log: pytest.LogCaptureFixture,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(telemetry, "_SECONDS_BETWEEN_WARNINGS", math.inf)
        async with connect(slow_call_seconds=1e-9) as database:
            notes = await open_notes(database)
            log.clear()
            await asyncio.gather(*(notes.find(EVERYTHING) for _ in range(10)))
            await notes.find_one(EVERYTHING)

        assert len(said(log, logging.WARNING)) == 2, "one of each kind"
        assert len(said(log, logging.DEBUG)) == 9

    async def test_that_a_slow_call_that_fails_says_in_what(
        self, connect: Connect, log: pytest.LogCaptureFixture
    ) -> None:
        async with connect(slow_call_seconds=1e-9) as database:
            notes = await open_notes(database)
            log.clear()
            with suppress(InvalidFilterError):
                await notes.find(where({"id": "bare"}))

        [sentence] = said(log, logging.WARNING)
        assert "in one attempt and ended in InvalidFilterError." in sentence

    async def test_that_a_lost_outcome_is_an_error(
        self, notes: Notes, proxy: FaultProxy, log: pytest.LogCaptureFixture
    ) -> None:
        proxy.faults.append(drop_answer)

        with pytest.raises(OutcomeUnknownError) as caught:
            await notes.update_one(only("a"), note("a", text="new"))

        [sentence] = said(log, logging.ERROR)
        assert f"[supabase] {caught.value}" in sentence


async def test_that_nothing_that_is_kept_is_repeated(
    connect: Connect,
    stack: LocalStack,
    proxy: FaultProxy,
    log: pytest.LogCaptureFixture,
    meter: RecordingMeter,
    tracer: RecordingTracer,
) -> None:
    """Every call is slow here, half of them are repeated, and many fail."""
    confidential = where({"diagnosis": {"$eq": SECRET}})
    wrong = where({"diagnosis": {SECRET: SECRET}})
    failing = note(SECRET, diagnosis=SECRET)

    async def load(document: BaseDocument) -> BaseDocument:
        raise LookupError(SECRET)

    async with connect(slow_call_seconds=1e-9) as database:
        notes = await open_notes(database)
        for fault in (None, unavailable, drop_answer):
            for call in (
                lambda: notes.insert_one(note(SECRET, diagnosis=SECRET)),
                lambda: notes.insert_one(note(SECRET, diagnosis=f"Not {SECRET}")),
                lambda: notes.find(confidential),
                lambda: notes.find(wrong),
                lambda: notes.find_one(confidential),
                lambda: notes.update_one(confidential, failing),
                lambda: notes.update_one(only(SECRET * 2), note("b", diagnosis=SECRET), True),
                lambda: notes.delete_one(only(SECRET * 3)),
                lambda: database.get_collection("notes", BaseDocument, load),
                lambda: asyncio.gather(*(notes.find(confidential) for _ in range(20))),
            ):
                if fault is not None:
                    proxy.faults.append(fault)
                await _whatever_comes(call)

    # A document that cannot be read is named by its id, so that somebody can correct its row.
    named = f"document {json.dumps(SECRET)} cannot be read and is left out"
    said_of_it = everything_said(log, meter, tracer).replace(named, "")
    assert {"supabase.call", "supabase.request", "supabase.batch", "supabase.retry"} == {
        each.name for each in meter.measurements
    }
    assert said(log, logging.ERROR), "a lost outcome and a failed document were mentioned"
    for secret in (SECRET, stack.service_role_key, stack.url):
        assert secret not in said_of_it


async def _whatever_comes(call: Any) -> None:
    with suppress(SupabaseAdapterError):
        await call()
