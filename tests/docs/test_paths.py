"""Every path that the pages in docs/ name is there."""

from __future__ import annotations

import re
from pathlib import Path

from parlant_supabase.deployment.package_files import find_project

ROOT = find_project()
PAGES = sorted((ROOT / "docs").rglob("*.md"))

# Of a path in code, such as sql/views/: folders of the checkout, and what is below them.
_PATH = re.compile(r"(?:adapter|demo|docs|examples|sql|supabase|tests)/[\w./-]*")


def test_that_every_path_in_code_is_there() -> None:
    codes = [code for page in PAGES for code in re.findall(r"`([^`\n]+)`", page.read_text("utf-8"))]
    paths = [code for code in codes if _PATH.fullmatch(code)]

    assert paths
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_that_the_page_on_how_it_works_names_every_folder_of_tests() -> None:
    text = (ROOT / "docs" / "how-it-works.md").read_text("utf-8")
    folders = {path.parent.name for path in (ROOT / "tests").glob("*/__init__.py")}

    assert {name for name in folders if f"(../tests/{name})" not in text} == set()


def test_that_a_link_is_named_as_the_file_that_it_leads_to() -> None:
    text = (ROOT / "docs" / "how-it-works.md").read_text("utf-8")
    links = re.findall(r"\[`([^`]+)`\]\(([^)]+)\)", text)

    assert len(links) > 40
    for name, target in links:
        assert name.rstrip("/").split("/")[-1] in (Path(target).name, Path(target).stem), name
