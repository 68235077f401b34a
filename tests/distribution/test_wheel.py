"""What `pip install` of the wheel gives."""

from __future__ import annotations

import email
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.checkout import CHECKOUT

from .conftest import Distributions

ADAPTER = CHECKOUT / "adapter"


@pytest.fixture(scope="module")
def unpacked_wheel(distributions: Distributions, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("unpacked")
    with zipfile.ZipFile(distributions.wheel) as archive:
        archive.extractall(directory)
    return directory


def test_that_it_has_the_packages_whole(unpacked_wheel: Path) -> None:
    sources = [
        path.relative_to(ADAPTER)
        for package in ("parlant", "parlant_supabase")
        for path in (ADAPTER / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    ]
    assert Path("parlant_supabase/py.typed") in sources
    assert [path for path in sources if not (unpacked_wheel / path).is_file()] == []


def test_that_it_has_what_deploys_the_sql_and_what_the_local_stack_installs(
    unpacked_wheel: Path,
) -> None:
    project = CHECKOUT / "supabase"
    npm = ("package.json", "package-lock.json", ".npmrc")
    expected = {
        Path("supabase/config.toml"): project / "config.toml",
        **{
            Path("supabase") / path.relative_to(project): path
            for folder in ("migrations", "opt-in")
            for path in (project / folder).glob("*.sql")
        },
        **{Path("local/npm") / name: CHECKOUT / name for name in npm},
    }
    assert len(expected) > 6, "there is at least one migration, and the opt-ins"
    for path, source in expected.items():
        assert (unpacked_wheel / "parlant_supabase" / path).read_bytes() == source.read_bytes()


def test_that_it_has_nothing_else(unpacked_wheel: Path) -> None:
    top = {path.name for path in unpacked_wheel.iterdir()}
    [metadata] = unpacked_wheel.glob("*.dist-info")
    assert top == {"parlant", "parlant_supabase", metadata.name}

    files = [path for path in (unpacked_wheel / "parlant").rglob("*") if path.is_file()]
    assert files == [unpacked_wheel / "parlant" / "adapters" / "db" / "supabase_db.py"]


def test_that_only_the_local_stacks_extra_brings_a_driver(unpacked_wheel: Path) -> None:
    [metadata] = unpacked_wheel.glob("*.dist-info")
    message = email.message_from_string((metadata / "METADATA").read_text("utf-8"))
    needed = [str(line) for line in message.get_all("Requires-Dist", [])]

    assert [line for line in needed if line.startswith("psycopg")] == [
        "psycopg[binary]<4,>=3.2; extra == 'local'"
    ]
    names = {re.split(r"[^\w.-]", line)[0] for line in needed if "extra ==" not in line}
    assert {"parlant", "supabase"} <= names


def test_that_it_shares_the_package_of_parlants_databases(
    unpacked_wheel: Path, tmp_path: Path
) -> None:
    script = (
        "from parlant.adapters.db import supabase_db, transient\n"
        "from parlant.adapters.db.supabase_db import SupabaseDocumentDatabase\n"
        "from parlant_supabase.deployment.package_files import find_project\n"
        "import parlant_supabase\n"
        "assert SupabaseDocumentDatabase is parlant_supabase.SupabaseDocumentDatabase\n"
        "print(supabase_db.__file__, find_project(), sep='\\n')\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(unpacked_wheel)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    assert result.stdout.splitlines() == [
        str(unpacked_wheel / "parlant" / "adapters" / "db" / "supabase_db.py"),
        str(unpacked_wheel / "parlant_supabase"),
    ]
