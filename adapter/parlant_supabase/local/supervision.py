"""The stack's side of the supervisor: starting it and giving it commands."""

import json
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from parlant_supabase.local.errors import LocalStackError
from parlant_supabase.local.service_user import ServiceUser
from parlant_supabase.local.supervisor import LOCK_FILE, STATE_FILE

_SCRIPT = Path(__file__).with_name("supervisor.py")


class SupervisorLockedError(Exception):
    """Another supervisor owns the directory."""


class SupervisorConnection:
    """Commands to one supervisor; it ends everything it owns when this connection is lost."""

    def __init__(self, directory: Path, *, remove_directory: bool) -> None:
        self._directory = directory
        self._lock = threading.Lock()
        with (directory / "logs" / "supervisor.log").open("ab") as log:
            self._process = subprocess.Popen(
                # Isolated: neither the caller's environment nor its site-packages matter.
                [
                    *(sys.executable, "-I", "-S", str(_SCRIPT), str(directory)),
                    *(["--remove-directory"] if remove_directory else []),
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                # Ctrl-C in the terminal is the caller's to handle.
                start_new_session=True,
                cwd="/",
            )
        if self._receive().get("error") == "locked":
            self.end()
            raise SupervisorLockedError

    def start(
        self,
        name: str,
        command: list[str],
        *,
        directory: Path,
        log: Path,
        user: ServiceUser | None,
        stop_signal: str = "SIGTERM",
    ) -> None:
        """Start a service, which is restarted should it end by itself."""
        self._request(
            action="start",
            service={
                **_specification(name, command, directory, log, user),
                "stop_signal": stop_signal,
            },
        )

    def run(
        self,
        name: str,
        command: list[str],
        *,
        directory: Path,
        log: Path,
        user: ServiceUser | None,
    ) -> int:
        """Run a program to its end and return its exit code."""
        specification = _specification(name, command, directory, log, user)
        answer = self._request(action="start", service={**specification, "once": True})
        return int(answer["exit"])

    def restart(self, name: str, *, kill: bool) -> None:
        """End a service, with SIGKILL if asked to, and start it again."""
        self._request(action="restart", name=name, kill=kill)

    def stop(self, name: str) -> None:
        """End a service for good."""
        self._request(action="stop", name=name)

    def state_of(self, name: str) -> str:
        """Return `running`, `restarting` or `failed`."""
        return str(self._request(action="describe")["services"][name]["state"])

    def detach(self) -> None:
        """Leave the supervisor running on its own."""
        self._request(action="detach")
        self._close_pipes()
        # It is nobody's child from here on; without this, Popen would warn that it still runs.
        self._process.returncode = 0

    def end(self) -> None:
        """End everything and wait until nothing is left."""
        self._close_pipes()
        # Returns at once if detached.
        self._process.wait()

    def _close_pipes(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(BrokenPipeError):
                    pipe.close()

    def _request(self, **command: Any) -> dict[str, Any]:
        with self._lock:
            assert self._process.stdin is not None
            try:
                self._process.stdin.write(json.dumps(command).encode() + b"\n")
                self._process.stdin.flush()
            except (BrokenPipeError, ValueError):
                raise self._gone() from None
            answer = self._receive()
        if "error" in answer:
            raise LocalStackError(f"A program of the local stack did not start: {answer['error']}.")
        return answer

    def _receive(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise self._gone()
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _gone(self) -> LocalStackError:
        return LocalStackError(
            f"The local stack in {self._directory} is no longer running; start it again."
        )


def is_running(directory: Path) -> bool:
    """Say whether a supervisor owns the directory, whatever files a crash left there."""
    import fcntl

    try:
        with (directory / LOCK_FILE).open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def read_state(directory: Path) -> Mapping[str, Any] | None:
    """Return what the supervisor that owns the directory last wrote about its services."""
    try:
        state: dict[str, Any] = json.loads((directory / STATE_FILE).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return state


def _specification(
    name: str, command: list[str], directory: Path, log: Path, user: ServiceUser | None
) -> dict[str, Any]:
    return {
        "name": name,
        "command": command,
        "directory": str(directory),
        "log": str(log),
        # The caller's PG* and PGRST_* variables would override what the stack sets.
        "environment": {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"},
        **({} if user is None else {"uid": user.uid, "gid": user.gid}),
    }
