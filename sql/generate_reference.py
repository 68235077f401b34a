"""Write docs/sql-reference.md from the headers of the files in sql/.

python sql/generate_reference.py
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from pathlib import Path

# Run as a script, this folder is on the path and the one above is not.
ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from sql.headers import (  # noqa: E402
    SQL,
    VIEW_SECTIONS,
    Header,
    read_comment,
    read_header,
)

REFERENCE = ROOT / "docs" / "sql-reference.md"

PREFACE = """\
# SQL reference

Made by `make reference` from the files below `sql/`; edit those. The functions and views are in the
schema of the installation, `public` unless you chose another, and open to `service_role` alone.

- [Functions](#functions) are what the adapter calls: over HTTP as `POST /rest/v1/rpc/<name>` with
  the parameters as a JSON object, in SQL as the examples show. Each answers with one JSON value.
- [Views](#views) are for people, in Studio or a BI tool, and stable: their columns keep their
  names, types and meaning, and new ones come at the end.
- [Tables](#tables) and [internal functions](#internal-functions) are in `parlant_internal`, for who
  changes the package. Nothing outside should use them.

The codes in *Raises* are SQLSTATEs; the
[README](../README.md#troubleshooting) says what to do about each.
"""

VIEWS = """\
For other stores than the default ones, `parlant-supabase init --prefix acme_` or
[`parlant_create_views`](#parlant_create_views) makes the same views under names that begin with
`acme_`. They are `security_invoker`: to let a role other than `service_role` read one, grant it
`select` on the view and on the tables that the view reads, and give it a policy on each of them.
To be rid of views, delete their row from `parlant_internal.view_sets` and drop them.
"""

TABLES = """\
Besides these there are the tables of the collections, all of the shape `document_shape`, and for
each of them one of failed documents, of the shape `failed_document_shape`.
"""

_LINES = re.MULTILINE | re.DOTALL

_DEFINITION = re.compile(
    r"^create or replace function [\w.]+\.(?P<signature>\w+\(.*?\))\s*\nreturns (?P<returned>\w+)\n"
    r"language \w+\n(?P<volatility>\w+)\n",
    _LINES,
)


def reference() -> str:
    """The text of the page."""
    functions = sorted((SQL / "functions" / "api").glob("*.sql"))
    views = sorted((SQL / "views").glob("*.sql"))
    tables = sorted((SQL / "tables").glob("*.sql"))
    internal = sorted((SQL / "functions" / "internal").glob("*/*.sql"))
    parts = [
        PREFACE,
        "## Functions\n",
        *_table(("Function", ""), ((_link(path.stem), _comment_on(path)) for path in functions)),
        *map(_function, functions),
        "## Views\n",
        VIEWS,
        *map(_view, views),
        "## Tables\n",
        TABLES,
        *map(_registry, tables),
        "## Internal functions\n",
        *_table(
            ("Function", "Topic", "Purpose"),
            (
                (f"`{path.stem}`", path.parent.name, read_header(path).line("purpose"))
                for path in internal
            ),
        ),
    ]
    return "\n".join(parts)


def _function(path: Path) -> str:
    header = read_header(path)
    definition = _DEFINITION.search(path.read_text("utf-8"))
    assert definition, f"{path} defines no function in the usual form."
    parameters = [name for name in header.fields if name.startswith("p_")]
    writes = "may write" if definition["volatility"] == "volatile" else "only reads"
    lines = [
        f"### `{path.stem}`\n",
        _prose(header.line("purpose")) + "\n",
        *_code("sql", f"{definition['signature']} returns {definition['returned']}  -- {writes}"),
        *(f"- `{name}`: {_prose(header.line(name))}" for name in parameters),
        *([""] if parameters else []),
        "*Returns*\n",
        *_code("text", header.fields["returns"]),
        f"*Raises* {_prose(header.line('raises'))}\n",
        *_code("sql", header.fields["example"]),
    ]
    return "\n".join([*lines, *_notes(header)])


def _view(path: Path) -> str:
    header = read_header(path)
    columns = [name for name in header.fields if name not in VIEW_SECTIONS]
    described = (header.line(name).partition("; ") for name in columns)
    lines = [
        f"### `parlant_{path.stem}`\n",
        _prose(header.line("purpose")) + "\n",
        *_table(
            ("Column", "Type", ""),
            (
                (f"`{name}`", f"`{kind}`", text)
                for name, (kind, _, text) in zip(columns, described, strict=True)
            ),
        ),
        f"*Privileges* {_prose(header.line('privileges'))}\n",
        *_code("sql", header.fields["example"]),
    ]
    return "\n".join([*lines, *_notes(header)])


def _registry(path: Path) -> str:
    return "\n".join([f"### `{path.stem}`\n", *_code("text", read_comment(path))])


def _notes(header: Header) -> list[str]:
    return [_prose(header.notes) + "\n"] if header.notes else []


def _comment_on(path: Path) -> str:
    match = re.search(r"^comment on function\b.*?\bis\s+'(.*?)';$", path.read_text("utf-8"), _LINES)
    assert match, f"{path} has no comment."
    return match[1].replace("''", "'")


def _link(name: str) -> str:
    return f"[`{name}`](#{name})"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    lines = [head, tuple("---" for _ in head)]
    lines += [tuple(_prose(cell).replace("|", "\\|") for cell in row) for row in rows]
    return [*(f"| {' | '.join(line)} |" for line in lines), ""]


def _code(language: str, text: str) -> list[str]:
    return [f"```{language}", text, "```", ""]


def _prose(text: str) -> str:
    # Outside of code, Markdown would take it for the tag of an element.
    return "".join(
        part if part.startswith("`") else part.replace("<", "\\<")
        for part in re.split(r"(`[^`]*`)", text)
    )


if __name__ == "__main__":
    REFERENCE.parent.mkdir(exist_ok=True)
    REFERENCE.write_text(reference(), "utf-8")
    print(REFERENCE.relative_to(ROOT))
