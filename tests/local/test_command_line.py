"""`parlant-supabase local`, as its user meets it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
from pathlib import Path

import httpx
import psycopg
import pytest
from parlant_supabase.local.supervision import is_running, read_state

from .conftest import CommandLine, KeptStack, Project
from .processes import is_alive, wait_for


def test_that_start_prints_what_env_prints_once_and_again(running: KeptStack) -> None:
    running.command_line("stop")

    started = running.command_line("start")
    settings = _settings(running.command_line("env"))

    assert started.returncode == 0, started.stderr
    assert list(settings) == ["SUPABASE_URL", "SUPABASE_KEY", "SUPABASE_ANON_KEY", "DATABASE_URL"]
    for value in settings.values():
        assert value in started.stdout
    response = httpx.post(
        f"{settings['SUPABASE_URL']}/rest/v1/rpc/parlant_get_version",
        headers={"apikey": settings["SUPABASE_KEY"]},
        json={},
        timeout=60,
    )
    assert response.status_code == 200

    again = running.command_line("start")
    assert again.returncode == 0
    assert "already running" in again.stdout
    assert settings["SUPABASE_URL"] in again.stdout
    assert settings["SUPABASE_KEY"] in again.stdout


def test_that_a_project_of_the_users_own_is_deployed(
    command_line: CommandLine, write_project: Project
) -> None:
    project = write_project(orders="create table public.orders (id int primary key);")

    result = command_line("start", "--project", str(project))

    assert result.returncode == 0, result.stderr
    with psycopg.connect(_settings(command_line("env"))["DATABASE_URL"]) as connection:
        assert connection.execute("select count(*) from public.orders").fetchone() == (0,)
        assert connection.execute("select to_regnamespace('parlant_internal')").fetchone() == (
            None,
        )


def test_that_a_folder_that_is_no_project_is_one_sentence_and_nothing_is_started(
    command_line: CommandLine, open_directory: Path
) -> None:
    result = command_line("start", "--project", str(open_directory / "nowhere"))

    _assert_one_sentence(result, "There is no folder `supabase` in")
    assert not (open_directory / ".parlant-supabase").exists()


def test_that_data_keys_and_ports_survive_a_restart(running: KeptStack) -> None:
    before = _settings(running.command_line("env"))
    with psycopg.connect(before["DATABASE_URL"]) as connection:
        connection.execute("create table public.kept_by_stop as select 42 as answer")

    assert running.command_line("stop").returncode == 0
    assert running.command_line("start").returncode == 0

    assert _settings(running.command_line("env")) == before
    with psycopg.connect(before["DATABASE_URL"]) as connection:
        assert connection.execute("select answer from public.kept_by_stop").fetchone() == (42,)


def test_that_data_survives_a_crash_of_everything(running: KeptStack) -> None:
    with psycopg.connect(running.database.database_url) as connection:
        connection.execute("create table public.kept_by_crash as select 42 as answer")
    state = read_state(running.data)
    assert state is not None
    os.kill(state["pid"], signal.SIGKILL)
    wait_for(lambda: not is_running(running.data))

    # The state file that the crash left behind does not pass for a running stack.
    assert running.command_line("env").returncode == 1
    assert running.command_line("start").returncode == 0
    with psycopg.connect(running.database.database_url) as connection:
        assert connection.execute("select answer from public.kept_by_crash").fetchone() == (42,)


def test_that_status_shows_services_and_the_deployed_version(running: KeptStack) -> None:
    status = running.command_line("status")
    assert status.returncode == 0
    for service in ("postgres", "postgrest", "gateway"):
        assert service in status.stdout
    assert status.stdout.count("running") == 3
    assert "SQL version: 1" in status.stdout

    facts = json.loads(running.command_line("status", "--json").stdout)
    assert {name: service["state"] for name, service in facts["services"].items()} == {
        "postgres": "running",
        "postgrest": "running",
        "gateway": "running",
    }
    assert facts["services"]["gateway"]["address"] == running.database.url
    assert facts["sql_version"] == 1
    assert Path(facts["logs"]).is_dir()


def test_that_status_says_that_nothing_is_deployed(running: KeptStack) -> None:
    with psycopg.connect(running.database.database_url, autocommit=True) as connection:
        connection.execute("alter function public.parlant_get_version rename to away")
        try:
            # The API may not have noticed yet.
            wait_for(lambda: "SQL version: not deployed" in running.command_line("status").stdout)
            facts = json.loads(running.command_line("status", "--json").stdout)
        finally:
            connection.execute("alter function public.away rename to parlant_get_version")
    assert facts["sql_version"] is None


def test_that_stop_ends_every_process_and_deletes_when_told_to(
    command_line: CommandLine, open_directory: Path
) -> None:
    command_line("start")
    data = open_directory / ".parlant-supabase"
    state = read_state(data)
    assert state is not None
    processes = [state["pid"], *(service["pid"] for service in state["services"].values())]

    stopped = command_line("stop")

    assert stopped.returncode == 0
    wait_for(lambda: not any(is_alive(pid) for pid in processes))
    assert (data / "postgres").is_dir()
    assert command_line("stop", "--delete-data").returncode == 0
    assert not any(open_directory.iterdir())


def test_that_delete_data_deletes_the_stacks_data_only(
    command_line: CommandLine, open_directory: Path, write_project: Project
) -> None:
    data = open_directory / "data"
    project = write_project(orders="create table public.orders (id int primary key);")
    command_line("start", "--data-dir", "data", "--project", str(project))
    (data / "mine.txt").write_text("not the stack's")

    assert command_line("stop", "--delete-data", "--data-dir", "data").returncode == 0

    assert [entry.name for entry in data.iterdir()] == ["mine.txt"]


def test_that_a_directory_of_something_else_is_not_taken(
    command_line: CommandLine, open_directory: Path
) -> None:
    (open_directory / "mine").mkdir()
    (open_directory / "mine" / "thesis.txt").touch()

    _assert_one_sentence(
        command_line("start", "--data-dir", "mine"), "already contains thesis.txt; choose"
    )


def test_that_a_file_is_no_directory(command_line: CommandLine, open_directory: Path) -> None:
    (open_directory / "mine").touch()

    _assert_one_sentence(command_line("start", "--data-dir", "mine"), "Cannot write to")


@pytest.mark.parametrize("schema", ['a"b', "public, mine", ""])
def test_that_what_is_no_schema_is_not_remembered(command_line: CommandLine, schema: str) -> None:
    _assert_one_sentence(command_line("start", "--schema", schema), "cannot be a schema of the API")
    _assert_one_sentence(command_line("status"), "No local stack is running")


@pytest.mark.parametrize("command", ["env", "status", "stop"])
def test_that_a_stack_that_does_not_run_is_one_sentence(
    command_line: CommandLine, command: str
) -> None:
    _assert_one_sentence(command_line(command), "--data-dir")


def test_that_a_taken_port_is_replaced(running: KeptStack) -> None:
    url = httpx.URL(running.database.url)
    running.command_line("stop")

    with socket.socket() as taker:
        taker.bind((url.host, url.port or 0))
        taker.listen()
        started = running.command_line("start")

    assert started.returncode == 0, started.stderr
    database = running.database
    assert database.url != str(url)
    headers = {"apikey": database.anon_key}
    response = httpx.get(f"{database.url}/rest/v1/", headers=headers, timeout=60)
    assert response.status_code == 200


def test_that_the_locale_of_existing_data_cannot_be_changed(
    command_line: CommandLine, write_project: Project
) -> None:
    project = write_project(orders="create table public.orders (id int primary key);")
    command_line("start", "--locale", "en-US", "--project", str(project))
    command_line("stop")

    _assert_one_sentence(command_line("start", "--locale", "de-DE"), "made with the locale en-US")


def _settings(result: subprocess.CompletedProcess[str]) -> dict[str, str]:
    assert result.returncode == 0, result.stderr
    pairs = (line.partition("=") for line in result.stdout.splitlines())
    return {name: value for name, _, value in pairs}


def _assert_one_sentence(result: subprocess.CompletedProcess[str], words: str) -> None:
    assert result.returncode == 1
    assert words in result.stderr
    assert result.stderr.startswith("Error: ")
    assert len(result.stderr.splitlines()) == 1
