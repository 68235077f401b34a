"""How long a second server of an agent takes to start on an empty disk, cold and warm."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from parlant_supabase.local.ports import find_free_ports

from benchmarks.line_process import LineProcess
from benchmarks.results import Bar, Measurement, Subject
from benchmarks.rounds import summarize
from benchmarks.setting import Setting
from benchmarks.stack import Place

OPERATION = "start of the second server"
COLD = "without warm_start"
WARM = "with warm_start"


@dataclass(frozen=True)
class _Start:
    seconds: float
    calls: int
    embeddings: int


async def measure_server_start(setting: Setting) -> Subject:
    """Measures from the opening of the stores until the server is ready."""
    cold: list[_Start] = []
    warm: list[_Start] = []
    for number in range(setting.scale.slow_rounds):
        place = setting.environment.place(f"start_{number}_")
        # The first server of the agent, which the second one learns from.
        await _start(setting, place, f"first {number}", is_warm=True)
        cold.append(await _start(setting, place, f"cold {number}", is_warm=False))
        warm.append(await _start(setting, place, f"warm {number}", is_warm=True))
    ratios = summarize([mine.seconds / its.seconds for mine, its in zip(warm, cold, strict=True)])
    return Subject(
        "server_start",
        "Start of a second server on an empty disk",
        COLD,
        [
            measurement
            for name, starts, ratio in ((COLD, cold, None), (WARM, warm, ratios))
            for measurement in (
                Measurement(
                    OPERATION, name, "s", summarize([each.seconds for each in starts]), ratio
                ),
                Measurement(
                    f"{OPERATION}: questions to the language model",
                    name,
                    "calls",
                    summarize([each.calls for each in starts]),
                ),
                Measurement(
                    f"{OPERATION}: texts embedded",
                    name,
                    "texts",
                    summarize([each.embeddings for each in starts]),
                ),
            )
        ],
        [
            Bar(
                "questions to the language model before a second server serves, with warm_start",
                summarize([each.calls + each.embeddings for each in warm]),
                most=0,
                unit="",
            )
        ],
        [
            "An agent with 8 guidelines and a journey of 5 steps. The language model takes "
            f"{setting.scale.model_seconds:g} s for an answer, and a tenth of that for an "
            "embedding. The time to import Parlant is not part of it.",
        ],
    )


async def _start(setting: Setting, place: Place, name: str, *, is_warm: bool) -> _Start:
    directory = setting.environment.directory
    async with LineProcess(
        "benchmarks.start_server",
        json.dumps(asdict(place)),
        str(setting.scale.model_seconds),
        *(str(port) for port in find_free_ports(2)),
        *(["warm"] if is_warm else []),
        log=directory / f"{name}.log",
        # Parlant makes it.
        environment={"PARLANT_HOME": str(directory / f"home of {name}")},
    ) as process:
        # Parlant prints its progress before the report.
        while not (line := await process.read_line()).startswith('{"seconds"'):
            pass
        return _Start(**json.loads(line))
