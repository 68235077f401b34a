"""The reader's shell: commands one after another, in a folder of their own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.checkout import CHECKOUT
from tests.docs.pages import Block

_SECONDS = 120

# Runs a command where the one before it ended, and notes where it ended itself.
_SCRIPT = """
cd "$(cat "$STATE/directory")" && . "$STATE/variables"
eval "$1"
code=$?
export -p > "$STATE/variables"
pwd > "$STATE/directory"
exit $code
"""


@dataclass(frozen=True)
class Command:
    """A command of a block in a page, and what the page shows of its output ("" for nothing)."""

    text: str
    shown: str


@dataclass(frozen=True)
class Outcome:
    """What a command printed, on both streams, and how it ended."""

    printed: str
    exit_code: int


class Shell:
    """Runs commands; what they change in the environment and the directory stays.

    Args:
        folder: An empty folder that every user of the machine may enter.
        variables: Environment variables that are set at the beginning.
    """

    def __init__(self, folder: Path, variables: Mapping[str, str]) -> None:
        self._state = folder / "shell"
        self.directory = folder / "reader"
        home = folder / "home"
        for made in (self._state, self.directory, home):
            made.mkdir()
        (self._state / "directory").write_text(f"{self.directory}\n")
        (self._state / "variables").touch()
        inherited = {
            name: os.environ[name] for name in ("LANG", "XDG_CACHE_HOME") if name in os.environ
        }
        self._environment = {
            **inherited,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(home),
            "STATE": str(self._state),
            "CHECKOUT": str(CHECKOUT),
            "PYTHONPATH": str(CHECKOUT),
            "PYTHONUTF8": "1",
            "COLUMNS": "100",
            "NO_COLOR": "1",
            "DO_NOT_TRACK": "1",
            # npx runs what is installed, or nothing.
            "NPM_CONFIG_OFFLINE": "true",
            "NPM_CONFIG_UPDATE_NOTIFIER": "false",
            "PGSSLMODE": "disable",
            **variables,
        }

    def run(self, command: str) -> Outcome:
        """Runs a command and waits for its end, though not for what it leaves running."""
        output = self._state / "output"
        with output.open("wb") as file:
            process = subprocess.run(
                ["bash", "-c", _SCRIPT, "bash", command],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                timeout=_SECONDS,
                check=False,
            )
        printed = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", output.read_text("utf-8"))
        return Outcome(printed, process.returncode)


def commands_of(block: Block) -> list[Command]:
    """The commands of a console block: each after `$ `, its output on the lines below."""
    assert block.content.startswith("$ "), f"{block}: it does not begin with `$ `"
    commands = []
    for part in re.split(r"^\$ ", block.content, flags=re.MULTILINE)[1:]:
        lines = part.splitlines()
        length = next(n for n, line in enumerate(lines, start=1) if not line.endswith("\\"))
        commands.append(Command("\n".join(lines[:length]), "\n".join(lines[length:])))
    return commands
