"""Writing a run's results to a directory."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.charts import draw_charts
from benchmarks.results import Bar, Results
from benchmarks.tables import to_markdown


def write_results(results: Results, directory: Path) -> None:
    """Writes results.json, results.md and a chart for every subject that has one."""
    directory.mkdir(parents=True, exist_ok=True)
    content = {"bars": [_bar(bar) for bar in results.bars], **asdict(results)}
    (directory / "results.json").write_text(
        json.dumps(_rounded(content), indent=1, ensure_ascii=False) + "\n", "utf-8"
    )
    (directory / "results.md").write_text(to_markdown(results), "utf-8")
    draw_charts(results, directory)


def _bar(bar: Bar) -> dict[str, Any]:
    return {**asdict(bar), "met": bar.met}


def _rounded(value: Any) -> Any:
    """The value with floats of five digits: more would be noise."""
    if isinstance(value, float):
        return float(f"{value:.5g}")
    if isinstance(value, dict):
        return {name: _rounded(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_rounded(item) for item in value]
    return value
