"""Measures everything and writes results.json, results.md and the charts.

python -m benchmarks [--quick] [--only SUBJECT ...] [--output DIRECTORY]
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path

import psycopg

from benchmarks.machine import describe_machine
from benchmarks.results import Results, Subject
from benchmarks.scale import FULL, QUICK, Scale
from benchmarks.setting import Setting
from benchmarks.stack import environment
from benchmarks.subjects.burst import measure_burst
from benchmarks.subjects.customer_erasure import measure_customer_erasure
from benchmarks.subjects.customer_listing import measure_customer_listing
from benchmarks.subjects.distant_operations import measure_distant_operations
from benchmarks.subjects.growth import measure_growth
from benchmarks.subjects.long_lists import measure_long_lists
from benchmarks.subjects.memory import measure_memory
from benchmarks.subjects.point_operations import measure_point_operations
from benchmarks.subjects.server_start import measure_server_start
from benchmarks.subjects.session_deletion import measure_session_deletion
from benchmarks.subjects.store_opening import measure_store_opening
from benchmarks.subjects.total_count import measure_total_count
from benchmarks.subjects.traffic import measure_traffic
from benchmarks.subjects.turn_kinds import measure_turn_kinds
from benchmarks.subjects.whole_turn import measure_whole_turn
from benchmarks.writing import write_results

# The last ones share the large tables.
SUBJECTS: dict[str, Callable[[Setting], Awaitable[Subject]]] = {
    "point_operations": measure_point_operations,
    "distant_operations": measure_distant_operations,
    "burst": measure_burst,
    "traffic": measure_traffic,
    "whole_turn": measure_whole_turn,
    "server_start": measure_server_start,
    "turn_kinds": measure_turn_kinds,
    "customer_listing": measure_customer_listing,
    "session_deletion": measure_session_deletion,
    "customer_erasure": measure_customer_erasure,
    "long_lists": measure_long_lists,
    "store_opening": measure_store_opening,
    "growth": measure_growth,
    "total_count": measure_total_count,
    "memory": measure_memory,
}


def run(scale: Scale, names: list[str]) -> Results:
    """Measures the subjects of those names on a stack of its own."""
    started, begin = datetime.now(timezone.utc), time.monotonic()
    subjects = []
    with (
        tempfile.TemporaryDirectory(prefix="parlant-supabase-benchmarks-") as directory,
        environment(Path(directory)) as stack,
        psycopg.connect(stack.stack.admin_url, autocommit=True) as connection,
    ):
        machine = describe_machine(connection)
        setting = Setting(stack, connection, scale)
        for name in names:
            print(f"{time.monotonic() - begin:4.0f} s  {name} ...", flush=True)
            subjects.append(asyncio.run(_measure(name, setting)))
    return Results(
        machine,
        asdict(scale),
        started.strftime("%Y-%m-%d %H:%M UTC"),
        time.monotonic() - begin,
        subjects,
    )


async def _measure(name: str, setting: Setting) -> Subject:
    return await SUBJECTS[name](setting)


def main() -> None:
    """Runs the benchmarks."""
    parser = argparse.ArgumentParser(description="Measures parlant-supabase against the rest.")
    parser.add_argument("--quick", action="store_true", help="fewer calls, two minutes")
    parser.add_argument(
        "--only", nargs="+", choices=SUBJECTS, default=list(SUBJECTS), metavar="SUBJECT"
    )
    parser.add_argument("--output", type=Path, help="where the results go")
    arguments = parser.parse_args()
    here = Path(__file__).parent
    output = arguments.output or (here / "quick" if arguments.quick else here)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    results = run(QUICK if arguments.quick else FULL, arguments.only)
    write_results(results, output)
    for bar in results.bars:
        verdict = "reached" if bar.met else "MISSED "
        print(f"{verdict}  {bar.figure.median:8.2f}{bar.unit:1}  {bar.what}")
    print(f"{results.seconds:4.0f} s; the results are in {output}/results.md.")


if __name__ == "__main__":
    main()
