"""Parlant's meter and tracer, remembering what they are told."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from parlant.core.meter import Counter, DurationHistogram, Meter
from parlant.core.tracer import AttributeValue, LocalTracer
from typing_extensions import override


@dataclass(frozen=True)
class Measurement:
    """One value that an instrument was given."""

    name: str
    value: float
    attributes: Mapping[str, str]


@dataclass
class RecordingMeter(Meter):
    """Keeps every measurement, in order."""

    measurements: list[Measurement] = field(default_factory=list)
    units: dict[str, str] = field(default_factory=dict)

    def of(self, name: str) -> list[Measurement]:
        """What one instrument measured."""
        return [each for each in self.measurements if each.name == name]

    @override
    def create_counter(self, name: str, description: str) -> Counter:
        return _Instrument(self, name, description, "")

    @override
    def create_custom_histogram(self, name: str, description: str, unit: str) -> DurationHistogram:
        return _Instrument(self, name, description, unit)

    @override
    def create_duration_histogram(self, name: str, description: str) -> DurationHistogram:
        return _Instrument(self, name, description, "ms")


class _Instrument(Counter, DurationHistogram):
    def __init__(self, meter: RecordingMeter, name: str, description: str, unit: str) -> None:
        assert description
        self._meter = meter
        self._name = name
        meter.units[name] = unit

    @override
    async def record(self, value: float, attributes: Mapping[str, str] | None = None) -> None:
        self._meter.measurements.append(Measurement(self._name, value, attributes or {}))

    @override
    async def increment(self, value: int, attributes: Mapping[str, str] | None = None) -> None:
        await self.record(value, attributes)

    @override
    @asynccontextmanager
    async def measure(
        self, attributes: Mapping[str, str] | None = None
    ) -> AsyncGenerator[None, None]:
        began = time.perf_counter()
        try:
            yield
        finally:
            await self.record((time.perf_counter() - began) * 1000, attributes)


class RecordingTracer(LocalTracer):
    """Keeps every event, with the span that it was added to."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[tuple[str, str, Mapping[str, AttributeValue]]] = []

    @override
    def add_event(self, name: str, attributes: Mapping[str, AttributeValue] = {}) -> None:
        self.events.append((self.span_id, name, attributes))


def everything_said(
    log: pytest.LogCaptureFixture, meter: RecordingMeter, tracer: RecordingTracer
) -> str:
    """All that a logger, a meter and a tracer have heard, as text to search in.

    Without backslashes, so that a text with quotation marks is found in what has been quoted.
    """
    records = [f"{record.getMessage()} {record.__dict__}" for record in log.records]
    said = [*records, *map(repr, meter.measurements), *map(repr, tracer.events)]
    return "\n".join(said).replace("\\", "")
