"""`parlant-supabase export --customer`: all that is stored of a customer, for an access request."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path

import psycopg
import pytest
from parlant_supabase.cli.errors import CommandError

from tests.cli.conftest import Invoke
from tests.cli.people import MARKER, People, rows_with


class _Page(HTMLParser):
    """Collects the text, the tags and the attributes of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = ""
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.text += data


def test_that_it_is_the_set_that_an_erasure_deletes(
    people: People, invoke: Invoke, connection: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "ann.jsonl"

    invoke("export", "--customer", people.ann, "-o", str(file), *people.options, **connection)
    erased = invoke(
        "erase", "customer", people.ann, "--yes", "--json", *people.options, **connection
    )

    lines = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    documents = [line for line in lines if "document" in line or "failed" in line]
    assert len(documents[1:]) + 1 == sum(json.loads(erased.stdout)["tables"].values())
    assert lines[-1]["end"]["failed"] == 5


def test_that_an_erased_customer_can_be_imported_again(
    people: People,
    invoke: Invoke,
    connection: dict[str, str],
    sql: psycopg.Connection,
    tmp_path: Path,
) -> None:
    hers = (MARKER, people.ann, people.ann_session)
    before = rows_with(sql, people.prefix, *hers)
    file = tmp_path / "ann.jsonl"
    invoke("export", "--customer", people.ann, "-o", str(file), *people.options, **connection)
    invoke("erase", "customer", people.ann, "--yes", *people.options, **connection)

    result = invoke("import", str(file), **connection)

    assert result.exit_code == 0
    assert rows_with(sql, people.prefix, *hers) == before


def test_that_the_page_shows_everything_and_loads_nothing(
    people: People, invoke: Invoke, connection: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "ann.html"

    result = invoke(
        "export",
        "--customer",
        people.ann,
        "--format",
        "html",
        "-o",
        str(file),
        *people.options,
        **connection,
    )

    assert result.exit_code == 0
    page = _Page(file.read_text("utf-8"))
    for text in (
        f"I am <b>{MARKER}</b>",
        f"Hello {MARKER}",
        f"Ann {MARKER}",
        f"{MARKER}@example.com",
        f"{MARKER} calls",
        "gold",
        "(deleted)",
        "shop:find",
    ):
        assert text in page.text
    assert "biscuit" not in page.text
    assert not page.tags & {"script", "img", "link", "iframe", "b", "a"}
    assert not page.attributes & {"src", "href", "onload", "onerror"}
    assert file.stat().st_mode & 0o077 == 0, "only its owner may read it"


def test_that_a_customer_who_is_unknown_is_said(
    people: People, invoke: Invoke, connection: dict[str, str], tmp_path: Path
) -> None:
    result = invoke(
        "export", "--customer", "x", "-o", str(tmp_path / "x"), *people.options, **connection
    )

    assert "Nothing is stored of customer x." in result.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--format", "html"), "name one with --customer"),
        (("--customer", "c", "--prefix", "p"), "--prefix does not go with --customer"),
    ],
)
def test_that_options_that_do_not_go_together_are_refused(
    invoke: Invoke, connection: dict[str, str], arguments: tuple[str, ...], words: str
) -> None:
    with pytest.raises(CommandError, match=words):
        invoke("export", *arguments, **connection)
