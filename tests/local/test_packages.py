"""Fetching the stack's programs, and what is said where that cannot be done."""

from __future__ import annotations

import json
import os
import platform
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import parlant_supabase
import pytest
from parlant_supabase.deployment.package_files import checkout_root
from parlant_supabase.local import LocalStackError, ports
from parlant_supabase.local.packages import (
    POSTGRES_VARIABLE,
    find_programs,
    require_supported_platform,
)
from parlant_supabase.local.service_user import USER_VARIABLE, choose_service_user

from .conftest import CommandLine

_ROOT = checkout_root()

pytestmark = pytest.mark.skipif(_ROOT is None, reason="looks at the files of a checkout")


@pytest.fixture
def installed_copy(open_directory: Path) -> Path:
    """The package as a wheel installs it: with its npm manifests, and no checkout around."""
    assert _ROOT is not None
    site = open_directory / "site"
    package = Path(parlant_supabase.__file__).parent
    shutil.copytree(
        package, site / "parlant_supabase", ignore=shutil.ignore_patterns("__pycache__")
    )
    manifests = site / "parlant_supabase" / "local" / "npm"
    manifests.mkdir()
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copyfile(_ROOT / name, manifests / name)
    shutil.copytree(
        _ROOT / "supabase",
        site / "parlant_supabase" / "supabase",
        ignore=shutil.ignore_patterns(".temp", "tests"),
    )
    return site


@pytest.fixture
def programs_on_path(open_directory: Path) -> Callable[..., Path]:
    """Makes a directory of shell scripts by name, to be the whole PATH."""

    def make(**scripts: str) -> Path:
        directory = open_directory / "bin"
        directory.mkdir()
        for name, script in scripts.items():
            (directory / name).write_text(f"#!/bin/sh\n{script}\n")
            (directory / name).chmod(0o755)
        return directory

    return make


def test_that_a_missing_npm_is_one_sentence(
    command_line: CommandLine, installed_copy: Path, programs_on_path: Callable[..., Path]
) -> None:
    result = command_line(
        "start",
        PYTHONPATH=str(installed_copy),
        XDG_CACHE_HOME=str(installed_copy / "cache"),
        PATH=str(programs_on_path()),
    )

    assert result.returncode == 1
    assert "install Node.js" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_that_a_failing_npm_is_quoted(
    command_line: CommandLine, installed_copy: Path, programs_on_path: Callable[..., Path]
) -> None:
    path = programs_on_path(
        node="exit 0",
        npm="echo 'npm error code ENOTFOUND' >&2; echo 'npm error no network' >&2; exit 1",
    )

    result = command_line(
        "start",
        PYTHONPATH=str(installed_copy),
        XDG_CACHE_HOME=str(installed_copy / "cache"),
        PATH=str(path),
    )

    assert result.returncode == 1
    assert "failed (no network); check the network" in result.stderr
    assert "Traceback" not in result.stderr


def test_that_an_installed_package_uses_a_cache(
    command_line: CommandLine, installed_copy: Path, programs_on_path: Callable[..., Path]
) -> None:
    assert _ROOT is not None
    find_programs()
    path = programs_on_path(
        node="exit 0", npm=f"/bin/ln -s '{_ROOT / 'node_modules'}' node_modules"
    )
    environment = {
        "PYTHONPATH": str(installed_copy),
        "XDG_CACHE_HOME": str(installed_copy / "cache"),
    }

    result = command_line("start", **environment, PATH=str(path))
    status = command_line("status", **environment)

    assert result.returncode == 0, result.stderr
    assert "SQL version: 1" in status.stdout
    [cached] = (installed_copy / "cache" / "parlant-supabase").iterdir()
    assert (cached / "package-lock.json").is_file()


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("", "postgres does not run (No such file"),
        ("#!/bin/sh\nexit 3\n", "postgres does not run (it says nothing of its version)"),
        ("#!/bin/sh\necho 'postgres (PostgreSQL) 14.2'\n", "is Postgres 14, and 15 or later"),
    ],
)
def test_that_a_folder_without_a_usable_postgres_is_one_sentence(
    command_line: CommandLine, open_directory: Path, script: str, words: str
) -> None:
    if script:
        (open_directory / "postgres").write_text(script)
        (open_directory / "postgres").chmod(0o755)

    result = command_line("start", **{POSTGRES_VARIABLE: str(open_directory)})

    assert result.returncode == 1
    assert words in result.stderr
    assert f"set {POSTGRES_VARIABLE}" in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("lock", ["package-lock.json", "requirements/postgres15/package-lock.json"])
def test_that_the_lock_file_names_every_platforms_packages_and_no_registry(lock: str) -> None:
    assert _ROOT is not None
    packages = json.loads((_ROOT / lock).read_text("utf-8"))["packages"]

    for name in list(packages):
        if not name:
            continue
        for dependency, wanted in packages[name].get("optionalDependencies", {}).items():
            entry = packages.get(f"node_modules/{dependency}")
            assert entry is not None, f"{dependency} is missing: npm ci would refuse the lock"
            assert entry["version"] in wanted
    assert not any("resolved" in entry for entry in packages.values())


@pytest.mark.parametrize(
    ("system", "machine", "remedy"),
    [("win32", "AMD64", "WSL 2"), ("linux", "riscv64", "supabase start")],
)
def test_that_an_unsupported_platform_is_named(
    monkeypatch: pytest.MonkeyPatch, system: str, machine: str, remedy: str
) -> None:
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(platform, "machine", lambda: machine)

    with pytest.raises(LocalStackError, match=f"not on {system} {machine}.*{remedy}"):
        require_supported_platform()


def test_that_a_machine_without_free_ports_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "is_free", lambda port: False)

    with pytest.raises(LocalStackError, match=r"No port .* is free on 127\.0\.0\.1"):
        ports.find_free_ports(1)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to choose another user")
@pytest.mark.parametrize(("user", "words"), [("no_such_user", "does not exist"), ("root", "set")])
def test_that_a_wrong_service_user_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, user: str, words: str
) -> None:
    monkeypatch.setenv(USER_VARIABLE, user)

    with pytest.raises(LocalStackError, match=f"refuses to run as root.*{words}.*{USER_VARIABLE}"):
        choose_service_user(tmp_path / "postgres")
