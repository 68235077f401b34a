"""What the comments at the top of the files below sql/ say, taken apart."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

SQL = Path(__file__).resolve().parent

VIEW_SECTIONS = ("purpose", "privileges", "example")
"""Fields of a view's header that are not columns."""

_FIELD = re.compile(r"-- (?P<name>\w+): +(?P<text>.*)")


@dataclass(frozen=True)
class Header:
    """The comment at the top of a file of a function or a view.

    Attributes:
        fields: {name: text}, such as purpose, the parameters or columns, and returns. A text has
            the lines of the file, indented as far as they are beyond where the text begins.
        notes: What follows after an empty comment line: paragraphs for who reads the SQL.
    """

    fields: Mapping[str, str]
    notes: str

    def line(self, name: str) -> str:
        """The text of a field as one line."""
        return " ".join(self.fields[name].split())


def read_header(path: Path) -> Header:
    """The header of a file below sql/functions/ or sql/views/."""
    fields: dict[str, str] = {}
    notes: list[str] = []
    column = 0
    for line in _comment(path):
        if notes or line == "--":
            notes.append(line.removeprefix("--").strip())
        elif match := _FIELD.fullmatch(line):
            name, column = match["name"], match.start("text")
            fields[name] = match["text"]
        elif fields:
            indentation = len(line) - len(line.removeprefix("--").lstrip())
            fields[name] += "\n" + " " * (indentation - column) + line[indentation:]
    return Header(fields, " ".join(notes).strip())


def read_comment(path: Path) -> str:
    """The comment at the top of any other file below sql/, lines as they are."""
    return "\n".join(line.removeprefix("--").removeprefix(" ") for line in _comment(path))


def _comment(path: Path) -> list[str]:
    lines = path.read_text("utf-8").splitlines()
    end = next(i for i, line in enumerate(lines) if not line.startswith("--"))
    return lines[:end]
