"""The wheel in an environment of its own, outside the checkout, used as README says."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from parlant_supabase.deployment.package_files import checkout_root
from parlant_supabase.local.packages import find_programs
from parlant_supabase.local.service_user import choose_service_user

from . import round_trip
from .conftest import Distributions

Run = Callable[..., "subprocess.CompletedProcess[str]"]


# Installing the wheel with all that it needs may take minutes.
pytestmark = pytest.mark.timeout(1200)


@pytest.fixture(scope="module")
def is_complete(request: pytest.FixtureRequest) -> bool:
    """Whether everything is installed from package indexes, which takes minutes."""
    return request.config.getoption("--install-with", default=None) is not None


@pytest.fixture(scope="module")
def installed(
    distributions: Distributions,
    is_complete: bool,
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> Path:
    """A virtual environment with the wheel; where its executables are.

    Unless the installation is to be complete, the packages that it needs are those of this
    Python: their folder alone is put on the path, so that our editable installation stays out.
    """
    environment = tmp_path_factory.mktemp("environment")
    executables = environment / "bin"
    if is_complete:
        python = request.config.getoption("--install-with")
        # The pip that comes with Python 3.10 finds no set of versions in 25 minutes.
        subprocess.run([python, "-m", "venv", "--upgrade-deps", environment], check=True)
        pip = [str(executables / "python"), "-m", "pip"]
        subprocess.run([*pip, "install", f"{distributions.wheel}[local]"], check=True)
        subprocess.run([*pip, "check"], check=True)
    else:
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
        [packages] = environment.glob("lib/python*/site-packages")
        (packages / "needed.pth").write_text(sysconfig.get_path("purelib") + "\n")
        pip = [sys.executable, "-m", "pip", f"--python={executables / 'python'}"]
        subprocess.run([*pip, "install", "--no-deps", distributions.wheel], check=True)
    return executables


@pytest.fixture(scope="module")
def run(installed: Path, is_complete: bool, open_directory: Path) -> Iterator[Run]:
    """Runs a command of the installation in a folder of its own, and expects it to succeed."""
    path = [str(installed), os.environ["PATH"]]
    if not is_complete:
        # In place of `npm ci`: what this checkout has of it.
        find_programs(choose_service_user(open_directory / "postgres"))
        programs = open_directory / "bin"
        programs.mkdir()
        npm = programs / "npm"
        npm.write_text(f"#!/bin/sh\nln -s '{checkout_root()}/node_modules' node_modules\n")
        npm.chmod(0o755)
        path.insert(0, str(programs))
    variables = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("SUPABASE_", "PYTHON"))
    }
    variables |= {
        "PATH": os.pathsep.join(path),
        "XDG_CACHE_HOME": str(open_directory / "cache"),
        "DO_NOT_TRACK": "1",
    }
    project = open_directory / "project"
    project.mkdir()

    def run_command(*command: str | Path, **more: str) -> subprocess.CompletedProcess[str]:
        result = subprocess.run(
            command,
            cwd=project,
            env=variables | more,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,
            check=False,
        )
        assert result.returncode == 0, f"{command}: {result.stdout}"
        return result

    yield run_command
    if (project / ".parlant-supabase").exists():
        run_command("parlant-supabase", "local", "stop", "--delete-data")


def test_that_everything_works_from_init_to_stop(
    installed: Path, run: Run, open_directory: Path
) -> None:
    added = run("parlant-supabase", "init")
    assert "install_parlant_supabase.sql" in added.stdout
    project = open_directory / "project"
    run("parlant-supabase", "local", "start", "--project", ".")
    [cached] = (open_directory / "cache" / "parlant-supabase").iterdir()
    assert (cached / "node_modules").exists()
    settings = dict(
        line.split("=", 1) for line in run("parlant-supabase", "local", "env").stdout.splitlines()
    )

    (project / "supabase" / "migrations" / "99990101000000_orders.sql").write_text(
        "create table public.orders (id bigint primary key);\n"
    )
    pushed = run(
        *find_programs().supabase,
        *("db", "push", "--db-url", settings["DATABASE_URL"], "--yes"),
        HOME=str(open_directory),
    )
    assert "orders.sql" in pushed.stdout
    assert "install_parlant_supabase.sql" not in pushed.stdout
    with psycopg.connect(settings["DATABASE_URL"]) as connection:
        assert connection.execute("select count(*) from public.orders").fetchone() == (0,)

    shutil.copy(round_trip.__file__, project)
    answer = run(installed / "python", "round_trip.py", **settings)
    module = Path(answer.stdout.splitlines()[-1])
    assert module.is_relative_to(installed.parent), "it was our checkout that ran"

    run("parlant-supabase", "doctor", **settings)

    stopped = run("parlant-supabase", "local", "stop", "--delete-data")
    assert "deleted" in stopped.stdout
    assert not (project / ".parlant-supabase").exists()
