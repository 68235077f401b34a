"""What the subjects found, in the form in which results.json holds it."""

from __future__ import annotations

from dataclasses import dataclass, field

from benchmarks.rounds import Summary


@dataclass(frozen=True)
class Measurement:
    """One figure.

    Attributes:
        operation: What was done, with its circumstances.
        contender: Who did it.
        unit: `ms`, `calls/s`, `requests`, `MB`, `bytes` …
        value: The figure.
        ratio: The figure as a multiple of that of the subject's yardstick; None if there is none.
    """

    operation: str
    contender: str
    unit: str
    value: Summary
    ratio: Summary | None = None


@dataclass(frozen=True)
class Bar:
    """A figure that the project promises to reach.

    Attributes:
        what: What is compared.
        figure: What was measured.
        least: The least that it must be, or None.
        most: The most that it may be, or None.
        unit: `×` for a ratio.
    """

    what: str
    figure: Summary
    least: float | None = None
    most: float | None = None
    unit: str = "×"

    @property
    def met(self) -> bool:
        """Whether the median is within the bar."""
        return (self.least is None or self.figure.median >= self.least) and (
            self.most is None or self.figure.median <= self.most
        )


@dataclass(frozen=True)
class Subject:
    """What one file of subjects/ found.

    Attributes:
        name: The file's name.
        title: What was measured.
        yardstick: What the ratios are multiples of, or None.
        notes: What a reader has to know to read the figures.
    """

    name: str
    title: str
    yardstick: str | None
    measurements: list[Measurement]
    bars: list[Bar] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Results:
    """A whole run.

    Attributes:
        machine: What it ran on and with which versions.
        scale: The counts.
        started: When, in UTC.
        seconds: How long it took.
    """

    machine: dict[str, str]
    scale: dict[str, object]
    started: str
    seconds: float
    subjects: list[Subject]

    @property
    def bars(self) -> list[Bar]:
        """The bars of all subjects."""
        return [bar for subject in self.subjects for bar in subject.bars]
