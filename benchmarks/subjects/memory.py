"""How much memory the application's process and the stack take."""

from __future__ import annotations

import json
from contextlib import AsyncExitStack
from dataclasses import asdict
from pathlib import Path

import psutil

from benchmarks.contenders import CONTENDERS
from benchmarks.contenders.json_file import JSON_FILE
from benchmarks.line_process import LineProcess
from benchmarks.results import Measurement, Subject
from benchmarks.rounds import summarize
from benchmarks.setting import Setting

_MEGABYTE = 1e6
_STACK = {"postgres": "Postgres", "postgrest": "PostgREST", "nginx": "gateway"}


async def measure_memory(setting: Setting) -> Subject:
    """Measures processes of their own, one for each contender, and the stack's."""
    scale = setting.scale
    growing = await setting.growing()
    dataset = next(one for one in growing if one.events == scale.file_documents)
    dataset.copy_to_table_api()
    dataset.copy_to_files()
    sessions = min(scale.burst, dataset.sessions)
    before = _stack_memory(setting.environment.stack.directory)

    measurements = []
    async with AsyncExitStack() as stack:
        for name in CONTENDERS:
            process = await stack.enter_async_context(
                LineProcess(
                    "benchmarks.memory_probe",
                    name,
                    json.dumps(asdict(dataset.place)),
                    str(sessions),
                    log=setting.environment.directory / "memory_probe.log",
                )
            )
            empty = int(await process.read_line())
            for what, command in (
                (f"stores of {dataset.events:,} events opened", "open"),
                (f"then the events of {sessions:,} sessions read at once", "read"),
            ):
                memory = int(await process.ask(command)) - empty
                measurements.append(Measurement(what, name, "MB", summarize([memory / _MEGABYTE])))
        after = _stack_memory(setting.environment.stack.directory)
    measurements += [
        Measurement(f"stack {when}", _STACK[program], "MB", summarize([memory / _MEGABYTE]))
        for when, memories in (("before", before), ("after", after))
        for program, memory in memories.items()
    ]
    return Subject(
        "memory",
        "Memory",
        None,
        measurements,
        notes=[
            "Memory that no other process shares. The application's is what is added to a process "
            "that has imported everything.",
            f"{JSON_FILE.name} holds all documents in the application's memory.",
        ],
    )


def _stack_memory(directory: Path) -> dict[str, int]:
    """The bytes that the processes of the stack in that directory share with no other."""
    memory = dict.fromkeys(_STACK, 0)
    for process in psutil.process_iter():
        try:
            name = process.name()
            if name in _STACK and _is_of(process, directory):
                memory[name] += process.memory_full_info().uss
        except psutil.NoSuchProcess:
            continue
    return memory


def _is_of(process: psutil.Process, directory: Path) -> bool:
    # Postgres's servers for connections do not name it, their parent does.
    parent = process.parent()
    ancestry = [process, *([parent] if parent is not None else [])]
    return any(str(directory) in argument for one in ancestry for argument in one.cmdline())
