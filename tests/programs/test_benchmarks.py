"""Every benchmark runs, and what it finds can be read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.__main__ import SUBJECTS, run
from benchmarks.results import Results
from benchmarks.scale import TINY
from benchmarks.writing import write_results

# The first test measures every subject.
pytestmark = pytest.mark.timeout(1200)


@pytest.fixture(scope="module")
def results() -> Results:
    """A run of every subject, too short for its figures to mean anything."""
    return run(TINY, list(SUBJECTS))


def test_that_every_subject_measures_something(results: Results) -> None:
    assert [subject.name for subject in results.subjects] == list(SUBJECTS)
    for subject in results.subjects:
        assert subject.measurements
        for measurement in subject.measurements:
            assert measurement.value.samples >= 1
            assert measurement.value.median >= 0


def test_that_the_results_are_written_as_data_tables_and_charts(
    results: Results, tmp_path: Path
) -> None:
    write_results(results, tmp_path)

    data = json.loads((tmp_path / "results.json").read_text("utf-8"))
    page = (tmp_path / "results.md").read_text("utf-8")
    assert [subject["name"] for subject in data["subjects"]] == list(SUBJECTS)
    for bar in results.bars:
        assert bar.what in page
    charts = sorted(path.stem for path in tmp_path.glob("*.svg"))
    assert charts == [
        "burst",
        "customer_listing",
        "growth",
        "point_operations",
        "session_deletion",
        "whole_turn",
    ]
