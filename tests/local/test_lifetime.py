"""That a stack lives as long as it should, and nothing of it any longer."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import psycopg
import pytest
from parlant_supabase.local import LocalStack, LocalStackError
from parlant_supabase.local.data_directory import DataDirectory
from parlant_supabase.local.service_user import ServiceUser, closed_ancestor
from parlant_supabase.local.supervision import is_running, read_state

from .processes import is_alive, wait_for

_BOOT_AND_WAIT = """
import time
from parlant_supabase.local import LocalStack
stack = LocalStack.temporary()
print("ready", flush=True)
time.sleep(600)
"""

_BOOT_AND_REPORT = """
import os, sys
from parlant_supabase.local import LocalStack
with LocalStack.temporary() as stack:
    print(stack.url, os.geteuid(), flush=True)
    sys.stdin.read()
"""


class BootedProcess:
    """A Python process that has booted a temporary stack."""

    def __init__(self, process: subprocess.Popen[str], temporary: Path) -> None:
        self.process = process
        [self.directory] = temporary.glob("parlant-supabase-*")
        state = read_state(self.directory)
        assert state is not None
        self.services = {
            name: psutil.Process(service["pid"]) for name, service in state["services"].items()
        }
        self.supervisor = psutil.Process(state["pid"])
        self.children = self.supervisor.children(recursive=True)

    def has_left_no_process(self) -> bool:
        return not any(is_alive(child.pid) for child in (self.supervisor, *self.children))


@pytest.fixture
def booted(open_directory: Path, python_environment: dict[str, str]) -> Iterator[BootedProcess]:
    process = subprocess.Popen(
        [sys.executable, "-c", _BOOT_AND_WAIT],
        env={**python_environment, "TMPDIR": str(open_directory)},
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        booted = BootedProcess(process, open_directory)
        yield booted
        process.kill()
    wait_for(booted.has_left_no_process)


def test_that_everything_listens_on_the_loopback_address_only(booted: BootedProcess) -> None:
    listening = {
        connection.laddr.ip
        for service in booted.services.values()
        for connection in service.net_connections()
        if connection.status == psutil.CONN_LISTEN
    }

    assert set(booted.services) == {"postgres", "postgrest", "gateway"}
    assert listening == {"127.0.0.1"}


def test_that_nothing_runs_as_root(booted: BootedProcess) -> None:
    assert all(service.uids().real != 0 for service in booted.services.values())


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_that_nothing_outlives_the_process_that_booted_it(
    booted: BootedProcess, number: signal.Signals
) -> None:
    booted.process.send_signal(number)

    wait_for(booted.has_left_no_process)
    assert not booted.directory.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends children with their parent")
def test_that_no_service_outlives_a_killed_supervisor(booted: BootedProcess) -> None:
    booted.supervisor.kill()

    wait_for(booted.has_left_no_process)


def test_that_a_boot_that_is_interrupted_leaves_nothing(
    open_directory: Path, python_environment: dict[str, str]
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", _BOOT_AND_WAIT],
        env={**python_environment, "TMPDIR": str(open_directory)},
        stderr=subprocess.DEVNULL,
    )
    with process:
        wait_for(lambda: any(open_directory.glob("parlant-supabase-*/postgres/base")))
        process.kill()

    wait_for(lambda: not any(open_directory.iterdir()))


def test_that_a_service_that_dies_is_restarted_and_noted(scratch_stack: LocalStack) -> None:
    directory = scratch_stack.directory
    state = read_state(directory)
    assert state is not None
    before = state["services"]["postgrest"]

    os.kill(before["pid"], signal.SIGKILL)

    def restarted() -> bool:
        state = read_state(directory)
        assert state is not None
        now = state["services"]["postgrest"]
        return bool(now["restarts"] > before["restarts"] and now["pid"])

    wait_for(restarted)
    state = read_state(directory)
    assert state is not None
    assert state["services"]["postgrest"]["last_exit"] == -signal.SIGKILL
    wait_for(lambda: _answers(scratch_stack))


@pytest.mark.parametrize("service", ["postgrest", "gateway", "postgres"])
@pytest.mark.parametrize("kill", [False, True])
def test_that_a_restarted_service_answers_again(
    scratch_stack: LocalStack, service: Any, kill: bool
) -> None:
    scratch_stack.restart(service, kill=kill)

    assert _answers(scratch_stack)


def test_that_the_schema_is_followed_after_postgres_was_killed(scratch_stack: LocalStack) -> None:
    scratch_stack.restart("postgres", kill=True)
    scratch_stack.reload_schema()

    with psycopg.connect(scratch_stack.database_url, autocommit=True) as connection:
        connection.execute("create function public.risen() returns int language sql as 'select 1'")
    scratch_stack.reload_schema()

    url = f"{scratch_stack.url}/rest/v1/rpc/risen"
    response = httpx.post(url, headers={"apikey": scratch_stack.anon_key}, json={}, timeout=60)
    assert response.json() == 1


def test_that_a_closed_stack_cannot_be_used_any_more() -> None:
    with LocalStack.temporary() as stack:
        pass

    with pytest.raises(LocalStackError, match="no longer running"):
        stack.restart("postgres")


def test_that_a_broken_service_is_given_up_with_its_own_words(open_directory: Path) -> None:
    data = DataDirectory(open_directory / "data")
    with LocalStack.open(data):
        pass
    (data.postgres / "postgresql.conf").write_text("no_such_setting = on\n")

    with pytest.raises(LocalStackError, match=r"postgres ends .*configuration file"):
        LocalStack.open(data)

    assert not is_running(data.path)


def test_that_two_stacks_run_side_by_side(scratch_stack: LocalStack) -> None:
    with LocalStack.temporary() as other:
        assert other.url != scratch_stack.url
        assert _answers(other)
        assert _answers(scratch_stack)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_that_an_ordinary_user_can_boot_a_stack(
    open_directory: Path, python_environment: dict[str, str]
) -> None:
    python = _python_for_everybody()
    nobody = pwd.getpwnam("nobody")
    user = ServiceUser("nobody", nobody.pw_uid, nobody.pw_gid)
    search_path = [
        python_environment["PYTHONPATH"],
        *(path for path in sys.path if "site-packages" in path),
    ]
    for path in search_path:
        if (closed := closed_ancestor(Path(path), user)) is not None:
            pytest.skip(f"{closed} is closed to other users")
    os.chown(open_directory, nobody.pw_uid, nobody.pw_gid)

    result = subprocess.run(
        [python, "-c", _BOOT_AND_REPORT],
        cwd="/",
        env={
            "PATH": os.environ["PATH"],
            "TMPDIR": str(open_directory),
            "PYTHONPATH": os.pathsep.join(search_path),
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        user=nobody.pw_uid,
        group=nobody.pw_gid,
        extra_groups=[],
        check=False,
    )

    assert result.stderr == ""
    assert result.stdout.endswith(f" {nobody.pw_uid}\n")


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user's own directory is never closed")
def test_that_a_directory_closed_to_postgres_is_named(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    tmp_path.chmod(0o755)

    with pytest.raises(LocalStackError, match="may not enter"):
        LocalStack.open(DataDirectory(closed / "data"))


def _python_for_everybody() -> str:
    for candidate in (sys.executable, shutil.which("python3", path="/usr/bin:/usr/local/bin")):
        if candidate is None:
            continue
        try:
            version = subprocess.run(
                [candidate, "-c", "import sys; print(sys.version_info[:2])"],
                user="nobody",
                capture_output=True,
                text=True,
                check=False,
            )
        except PermissionError:
            continue
        if version.stdout.strip() == str(sys.version_info[:2]):
            return candidate
    pytest.skip("no Python of this version can be run by other users")


def _answers(stack: LocalStack) -> bool:
    headers = {"apikey": stack.anon_key}
    response = httpx.get(f"{stack.url}/rest/v1/", headers=headers, timeout=60)
    return response.status_code == 200
