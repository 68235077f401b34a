"""The results as Markdown: ratios first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from benchmarks.results import Bar, Measurement, Results, Subject


def to_markdown(results: Results) -> str:
    """The whole run as a Markdown page."""
    machine = ", ".join(f"{name} {value}" for name, value in results.machine.items())
    parts = [
        "# Benchmarks",
        f"Made by `make bench` on {results.started} in {results.seconds / 60:.0f} minutes; "
        f"{machine}. Medians, quartiles in brackets; the calls of all contenders were interleaved.",
        "## What is to be reached",
        _bars(results.bars),
        *(part for subject in results.subjects for part in _subject(subject)),
    ]
    return "\n\n".join(parts) + "\n"


def _bars(bars: Iterable[Bar]) -> str:
    return _table(
        ["", "measured", "quartiles", "bar", "reached"],
        [
            [
                bar.what,
                f"**{_number(bar.figure.median)}{bar.unit}**",
                f"{_number(bar.figure.lower_quartile)}–{_number(bar.figure.upper_quartile)}",
                f"≤ {bar.most:g}" if bar.most is not None else f"≥ {bar.least:g}",
                "yes" if bar.met else "no",
            ]
            for bar in bars
        ],
    )


def _subject(subject: Subject) -> list[str]:
    contenders = list(dict.fromkeys(one.contender for one in subject.measurements))
    operations = dict.fromkeys((one.operation, one.unit) for one in subject.measurements)
    by_name = {(one.operation, one.unit, one.contender): one for one in subject.measurements}
    rows = [
        [
            f"{operation} ({unit})",
            *(_cell(by_name.get((operation, unit, contender))) for contender in contenders),
        ]
        for operation, unit in operations
    ]
    notes = list(subject.notes)
    if subject.yardstick is not None:
        notes.insert(0, f"× is a multiple of: {subject.yardstick}.")
    return [
        f"## {subject.title}",
        *([" ".join(notes)] if notes else []),
        _table(["", *contenders], rows),
    ]


def _cell(measurement: Measurement | None) -> str:
    if measurement is None:
        return ""
    value = measurement.value
    figure = _number(value.median)
    if value.samples > 1 and value.lower_quartile != value.upper_quartile:
        figure += f" [{_number(value.lower_quartile)}–{_number(value.upper_quartile)}]"
    if measurement.ratio is None:
        return figure
    return f"**{_number(measurement.ratio.median)}×** {figure}"


def _number(value: float) -> str:
    if value == round(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
