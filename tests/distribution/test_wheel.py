"""What `pip install` of the wheel gives."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
ADAPTER = CHECKOUT / "adapter"


@pytest.fixture(scope="module")
def unpacked_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("wheel")
    build = subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", directory, "."],
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert build.returncode == 0, build.stdout
    (wheel,) = directory.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(directory / "unpacked")
    return directory / "unpacked"


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
            Path("supabase/migrations") / path.name: path
            for path in (project / "migrations").glob("*.sql")
        },
        **{Path("local/npm") / name: CHECKOUT / name for name in npm},
    }
    assert len(expected) > 4, "there is at least one migration"
    for path, source in expected.items():
        assert (unpacked_wheel / "parlant_supabase" / path).read_bytes() == source.read_bytes()


def test_that_it_shares_the_package_of_parlants_databases(
    unpacked_wheel: Path, tmp_path: Path
) -> None:
    script = (
        "from parlant.adapters.db import supabase_db, transient\n"
        "from parlant.adapters.db.supabase_db import SupabaseDocumentDatabase\n"
        "from parlant_supabase.local.project import find_project\n"
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
