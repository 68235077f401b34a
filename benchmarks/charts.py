"""The results as SVG charts that can be read on light and on dark pages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from benchmarks.contenders.direct_sql import DIRECT_SQL
from benchmarks.contenders.document_database import DOCUMENT_DATABASE
from benchmarks.contenders.empty_rpc import EMPTY_COMMIT, EMPTY_RPC
from benchmarks.contenders.hand_written_rpc import HAND_WRITTEN_RPC
from benchmarks.contenders.json_file import JSON_FILE
from benchmarks.contenders.one_request_stores import JOINED_SERVER, ONE_REQUEST_STORES
from benchmarks.contenders.table_api import TABLE_API
from benchmarks.results import Measurement, Results, Subject
from benchmarks.subjects.growth import DIRECTLY

# Each has a contrast of at least 3:1 on white and on GitHub's dark page.
_INK = "#7d858f"
_COLORS = {
    ONE_REQUEST_STORES.name: "#0f9d7a",
    JOINED_SERVER.name: "#4f9d2f",
    DOCUMENT_DATABASE.name: "#3f86d6",
    TABLE_API.name: "#d46a12",
    JSON_FILE.name: "#9b72d0",
    DIRECT_SQL: "#7d858f",
    HAND_WRITTEN_RPC: "#d0517f",
    EMPTY_RPC: "#b98300",
    EMPTY_COMMIT: "#b98300",
}
_LINE_COLORS = (
    "#0f9d7a",
    "#3f86d6",
    "#d46a12",
    "#9b72d0",
    "#b98300",
    "#d0517f",
    "#7d858f",
    "#4f9d2f",
    "#c04a3a",
)
_MARKERS = "osD^vPX*<"

_STYLE: dict[Any, object] = {
    "svg.fonttype": "none",
    # Else the same results give other files.
    "svg.hashsalt": "parlant-supabase",
    "font.family": "sans-serif",
    "font.size": 10,
    "text.color": _INK,
    "axes.labelcolor": _INK,
    "axes.edgecolor": _INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "grid.color": _INK,
    "grid.alpha": 0.25,
    "legend.frameon": False,
}


def draw_charts(results: Results, directory: Path) -> None:
    """Writes a chart for every subject that has one, named after it."""
    with mpl.rc_context(_STYLE):
        for subject in results.subjects:
            draw = _CHARTS.get(subject.name)
            if draw is not None:
                figure = draw(subject)
                figure.savefig(
                    directory / f"{subject.name}.svg",
                    transparent=True,
                    bbox_inches="tight",
                    metadata={"Date": None},
                )


def _draw_point_operations(subject: Subject) -> Figure:
    """A row for each operation, a dot for each contender."""
    ending = ", one at a time"
    alone = [one for one in subject.measurements if one.operation.endswith(ending)]
    floors = (EMPTY_RPC, EMPTY_COMMIT)
    operations = list(dict.fromkeys(o.operation for o in alone if o.contender not in floors))
    contenders = list(dict.fromkeys(o.contender for o in alone if o.contender not in floors))
    figure, axes = _canvas(0.42 * len(operations) + 1.2)
    for position, contender in enumerate(contenders):
        mine = [one for one in alone if one.contender == contender]
        rows = [operations.index(one.operation) for one in mine]
        medians = [one.value.median for one in mine]
        axes.errorbar(
            medians,
            [row + 0.12 * (position - (len(contenders) - 1) / 2) for row in rows],
            xerr=[
                [one.value.median - one.value.lower_quartile for one in mine],
                [one.value.upper_quartile - one.value.median for one in mine],
            ],
            fmt=_MARKERS[position],
            markersize=5,
            linewidth=1,
            color=_COLORS[contender],
            label=contender,
        )
    for floor, dashes in zip(floors, ("--", ":"), strict=True):
        median = next(one.value.median for one in alone if one.contender == floor)
        axes.axvline(median, color=_COLORS[floor], linestyle=dashes, linewidth=1.2, label=floor)
    axes.set_xscale("log")
    axes.set_yticks(range(len(operations)), [one.removesuffix(ending) for one in operations])
    axes.invert_yaxis()
    _finish(axes, "milliseconds for one call, median and quartiles", "x")
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1))
    return figure


def _draw_bars(subject: Subject) -> Figure:
    """A group of bars for each operation, a bar for each contender."""
    operations = list(dict.fromkeys(one.operation for one in subject.measurements))
    figure, axes = _canvas(0.27 * (len(subject.measurements) + len(operations)) + 0.9)
    ticks, names, row = [], [], 0.0
    for operation in operations:
        mine = [one for one in subject.measurements if one.operation == operation]
        for one in mine:
            axes.barh(row, one.value.median, height=0.8, color=_COLORS[one.contender])
            axes.annotate(
                f"{one.value.median:,.3g}"
                if one.value.median < 100
                else f"{one.value.median:,.0f}",
                (one.value.median, row),
                xytext=(4, 0),
                textcoords="offset points",
                va="center",
            )
            ticks.append(row)
            names.append(f"{operation}: {one.contender}" if len(operations) > 1 else one.contender)
            row += 1
        row += 0.8
    axes.set_xscale("log")
    axes.set_yticks(ticks, names)
    axes.invert_yaxis()
    unit = {"ms": "milliseconds", "calls/s": "calls per second"}[subject.measurements[0].unit]
    _finish(axes, f"{subject.title}: {unit}", "x")
    return figure


def _draw_whole_turn(subject: Subject) -> Figure:
    """A line for each contender over the delay."""
    figure, axes = _canvas(3.4)
    timed = [one for one in subject.measurements if one.unit == "ms"]
    for position, contender in enumerate(dict.fromkeys(one.contender for one in timed)):
        mine = [one for one in timed if one.contender == contender]
        delays = [float(one.operation.split()[2]) for one in mine]
        _line(axes, delays, mine, contender, _COLORS[contender], _MARKERS[position], 1e-3)
    axes.set_ylim(bottom=0)
    _finish(axes, "milliseconds of delay that the network adds to each request", "y")
    axes.set_ylabel("seconds for one turn")
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1))
    return figure


def _draw_growth(subject: Subject) -> Figure:
    """A line for each operation over the number of events."""
    figure, axes = _canvas(4.2)
    timed = [one for one in subject.measurements if one.contender == DIRECTLY]

    def operation(one: Measurement) -> str:
        return one.operation.rpartition(", ")[0]

    for position, name in enumerate(dict.fromkeys(map(operation, timed))):
        mine = [one for one in timed if operation(one) == name]
        events = [
            float(one.operation.rpartition(", ")[2].split()[0].replace(",", "")) for one in mine
        ]
        _line(axes, events, mine, name, _LINE_COLORS[position], _MARKERS[position], 1)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    for of_axis in (axes.yaxis.set_major_formatter, axes.yaxis.set_minor_formatter):
        of_axis(FuncFormatter(lambda value, _: f"{value:g}"))
    _finish(axes, "events in the store", "y")
    axes.set_ylabel("milliseconds for one call,\non a direct connection")
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1))
    return figure


def _line(
    axes: Axes,
    x: Sequence[float],
    measurements: Sequence[Measurement],
    name: str,
    color: str,
    marker: str,
    factor: float,
) -> None:
    values = [one.value.scaled(factor) for one in measurements]
    axes.plot(x, [v.median for v in values], marker=marker, markersize=5, color=color, label=name)
    axes.fill_between(
        x,
        [v.lower_quartile for v in values],
        [v.upper_quartile for v in values],
        color=color,
        alpha=0.15,
        linewidth=0,
    )


def _canvas(height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(6.4, height))
    return figure, figure.add_subplot()


def _finish(axes: Axes, label: str, grid: str) -> None:
    axes.set_xlabel(label)
    axes.grid(axis="x" if grid == "x" else "y")
    axes.set_axisbelow(True)


_CHARTS: dict[str, Callable[[Subject], Figure]] = {
    "point_operations": _draw_point_operations,
    "burst": _draw_bars,
    "customer_listing": _draw_bars,
    "session_deletion": _draw_bars,
    "whole_turn": _draw_whole_turn,
    "growth": _draw_growth,
}
