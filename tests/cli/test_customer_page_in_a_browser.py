"""The page of a customer's data, as headless Chromium shows it on a phone, a desktop and paper."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from parlant_supabase.customer_data.page import page_of
from parlant_supabase.transfer.records import Part, Record

_CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

pytestmark = pytest.mark.skipif(
    _CHROMIUM is None, reason="Chromium is not installed: apt install chromium"
)

_LONG_WORD = "x" * 400

# Says in the title whether anything is wider than the window; it is the test's, not the page's.
_MEASURE = (
    "<script>addEventListener('load', () => { document.title = "
    "document.documentElement.scrollWidth <= innerWidth ? 'fits' : 'too wide' })</script>"
)


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """A page with a long word and a table, in a file."""
    records = [
        Record(
            Part("p_", "customers"),
            {"id": "c1", "name": "Ann", "extra": {"note": _LONG_WORD}},
        ),
        Record(Part("p_", "sessions"), {"id": "s1", "creation_utc": "2026-01-01"}),
        Record(
            Part("p_", "events"),
            {
                "id": "e1",
                "session_id": "s1",
                "source": "customer",
                "kind": "message",
                "creation_utc": "2026-01-01T10:00:00+00:00",
                "data": {"message": f"Where is my order? {_LONG_WORD}"},
            },
        ),
    ]
    file = tmp_path / "page.html"
    file.write_bytes(page_of("c1", records))
    return file


def chromium(tmp_path: Path, *arguments: str) -> str:
    """What Chromium prints; it may reach nothing but files."""
    assert _CHROMIUM is not None
    return subprocess.run(
        [
            _CHROMIUM,
            *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"),
            *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
            *("--disable-quic", f"--user-data-dir={tmp_path / 'profile'}"),
            *("--host-resolver-rules=MAP * ~NOTFOUND", *arguments),
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    ).stdout


@pytest.mark.parametrize("size", ["390,844", "1280,900"])
def test_that_nothing_is_wider_than_the_window(page: Path, tmp_path: Path, size: str) -> None:
    text = page.read_text("utf-8")
    # The policy of the page would keep the script of this test from running.
    start, end = text.index("<meta http-equiv"), text.index("<meta name")
    page.write_text(text[:start] + _MEASURE + text[end:], "utf-8")

    shown = chromium(tmp_path, f"--window-size={size}", "--dump-dom", page.as_uri())

    assert "<title>fits</title>" in shown


def test_that_it_can_be_printed(page: Path, tmp_path: Path) -> None:
    paper = tmp_path / "page.pdf"

    chromium(tmp_path, f"--print-to-pdf={paper}", page.as_uri())

    assert paper.read_bytes().startswith(b"%PDF-")
