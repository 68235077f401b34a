"""Every UPDATE and DELETE says which rows it means.

Hosted projects load the extension safeupdate for the API, which refuses those that do not.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

SQL = Path(__file__).parents[3] / "sql"

_STATEMENT = re.compile(r"\b(?:delete\s+from\s|update\s+[^\s;']+(?:\s+as\s+\w+)?\s+set\s)[^;]*")


def _writes(text: str) -> list[str]:
    """The statements that update or delete, up to their end."""
    code = re.sub(r"--[^\n]*", "", text)
    # A literal that goes on in the next line is one statement.
    code = re.sub(r"'\s*\n\s*'", "", code)
    return _STATEMENT.findall(code)


@pytest.mark.parametrize("path", sorted(SQL.rglob("*.sql")), ids=lambda path: path.stem)
def test_that_no_write_is_without_a_condition(path: Path) -> None:
    assert [w for w in _writes(path.read_text()) if not re.search(r"\bwhere\b", w)] == []


@pytest.mark.parametrize(
    "text",
    [
        "delete from public.notes as n;",
        "update public.notes as n\nset data = '{}';",
        "execute format('delete from %s as d'\n  ' returning d.id', v_table);",
    ],
)
def test_that_one_without_would_be_found(text: str) -> None:
    (found,) = _writes(text)

    assert "where" not in found
