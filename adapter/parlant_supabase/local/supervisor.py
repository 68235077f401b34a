"""The process that owns a local stack's processes.

Run by its path, with the standard library only, so that it starts in milliseconds and needs
nothing of the environment that started it. It reads one JSON command a line from its standard
input and answers each with one line. When its input ends before `detach`, or the process that
started it is gone, it ends everything: that is how nothing survives a killed test run.
"""

import argparse
import ctypes
import json
import os
import selectors
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

LOCK_FILE = "supervisor.lock"
STATE_FILE = "supervisor.json"

_LOCK_ATTEMPTS = 10
_LOCK_PAUSE_SECONDS = 0.05
_STOP_SECONDS = 30.0
# A program that dies this often within that time is broken, and restarting it would only hide it.
_RESTART_LIMIT = 5
_RESTART_WINDOW_SECONDS = 60.0
_FIRST_RESTART_DELAY_SECONDS = 0.1
_PR_SET_PDEATHSIG = 1

Command = dict[str, Any]


class Service:
    """One child process and what is known about it."""

    def __init__(self, specification: Command) -> None:
        self.name: str = specification["name"]
        self.log: str = specification["log"]
        # A one-shot program is not restarted: its end answers the command that started it.
        self.once: bool = specification.get("once", False)
        self.stop_signal = signal.Signals[specification.get("stop_signal", "SIGTERM")]
        self.state = "stopped"
        self.restarts = 0
        self.last_exit: int | None = None
        self.restart_at: float | None = None
        self._specification = specification
        self._recent_restarts: list[float] = []
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The process id, while there is a process."""
        return None if self._process is None else self._process.pid

    def start(self, die_with_supervisor: Callable[[signal.Signals], None]) -> None:
        """Start the process; the callback runs in it, before the program does."""
        user = self._specification.get("uid")
        identity: dict[str, Any] = {}
        if user is not None:
            identity = {"user": user, "group": self._specification["gid"], "extra_groups": []}
        with Path(self.log).open("ab") as log:
            self._process = subprocess.Popen(
                self._specification["command"],
                cwd=self._specification["directory"],
                env=self._specification["environment"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                umask=0o077,
                preexec_fn=lambda: die_with_supervisor(self.stop_signal),
                **identity,
            )
        self.restart_at = None
        self.state = "running"

    def reap(self) -> bool:
        """Note the process's end; say whether it has just ended."""
        if self._process is None or self._process.poll() is None:
            return False
        self.last_exit = self._process.returncode
        self._process = None
        return True

    def stop(self, number: signal.Signals) -> None:
        """End the process and wait until it is gone."""
        if self._process is not None:
            self._process.send_signal(number)
            try:
                self._process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self.reap()
        self.restart_at = None
        self.state = "stopped"

    def schedule_restart(self) -> None:
        """Plan the next start, ever later, or give up."""
        now = time.monotonic()
        recent = [at for at in self._recent_restarts if now - at < _RESTART_WINDOW_SECONDS]
        if len(recent) >= _RESTART_LIMIT:
            self.state = "failed"
            return
        self.restart_at = now + _FIRST_RESTART_DELAY_SECONDS * 2 ** len(recent)
        self._recent_restarts = [*recent, now]
        self.restarts += 1
        self.state = "restarting"

    def forget_restarts(self) -> None:
        """Give the service a full number of attempts again."""
        self._recent_restarts.clear()

    def describe(self) -> dict[str, Any]:
        """Return what a reader of the state file is told."""
        return {
            "state": self.state,
            "pid": self.pid,
            "restarts": self.restarts,
            "last_exit": self.last_exit,
            "log": self.log,
        }


class Supervisor:
    """The services of one directory, and the loop that looks after them."""

    def __init__(self, directory: Path, *, remove_directory: bool) -> None:
        self._directory = directory
        self._remove_directory = remove_directory
        self._services: dict[str, Service] = {}
        self._detached = False
        self._ending = False
        self._input = b""
        self._parent = os.getppid()
        self._selector = selectors.DefaultSelector()
        self._libc = ctypes.CDLL(None) if sys.platform == "linux" else None

    def run(self) -> None:
        """Obey and watch until told to end, then end everything."""
        wake_up, notify = os.pipe()
        for end in (wake_up, notify):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(notify, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._end())
        self._selector.register(wake_up, selectors.EVENT_READ, lambda: _drain(wake_up))
        self._selector.register(sys.stdin.fileno(), selectors.EVENT_READ, self._read_commands)
        try:
            while not self._ending:
                for key, _ in self._selector.select(self._pause()):
                    key.data()
                self._notice_deaths()
                if not self._detached and os.getppid() != self._parent:
                    self._end()
        finally:
            self._stop_everything()

    def _end(self) -> None:
        self._ending = True

    def _pause(self) -> float:
        due = [s.restart_at for s in self._services.values() if s.restart_at is not None]
        # Once a second, to see whether the parent is still there: a child that it forked may hold
        # the other end of the input open.
        return max(0.0, min([1.0, *(at - time.monotonic() for at in due)]))

    def _read_commands(self) -> None:
        received = os.read(sys.stdin.fileno(), 65536)
        if not received:
            self._selector.unregister(sys.stdin.fileno())
            if not self._detached:
                self._end()
            return
        self._input += received
        *lines, self._input = self._input.split(b"\n")
        for line in lines:
            answer = self._obey(json.loads(line))
            if answer is not None:
                _reply(answer)

    def _obey(self, command: Command) -> Command | None:
        action = command["action"]
        if action == "start":
            service = Service(command["service"])
            try:
                service.start(self._die_with_supervisor)
            except (OSError, subprocess.SubprocessError) as error:
                return {"error": str(error)}
            self._services[service.name] = service
            self._save_state()
            return None if service.once else {}
        if action == "restart":
            service = self._services[command["name"]]
            service.stop(signal.SIGKILL if command["kill"] else service.stop_signal)
            service.forget_restarts()
            service.start(self._die_with_supervisor)
        elif action == "stop":
            service = self._services.pop(command["name"])
            service.stop(service.stop_signal)
        elif action == "detach":
            self._detached = True
        self._save_state()
        return self._describe()

    def _die_with_supervisor(self, number: signal.Signals) -> None:
        """Have the kernel end the child, which runs this, should the supervisor be killed."""
        if self._libc is not None:
            self._libc.prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)

    def _notice_deaths(self) -> None:
        changed = False
        for service in list(self._services.values()):
            if service.reap():
                changed = True
                if service.once:
                    del self._services[service.name]
                    _reply({"exit": service.last_exit})
                else:
                    service.schedule_restart()
            elif service.restart_at is not None and service.restart_at <= time.monotonic():
                changed = True
                try:
                    service.start(self._die_with_supervisor)
                except (OSError, subprocess.SubprocessError):
                    service.schedule_restart()
        if changed:
            self._save_state()

    def _describe(self) -> Command:
        return {
            "pid": os.getpid(),
            "detached": self._detached,
            "services": {name: service.describe() for name, service in self._services.items()},
        }

    def _save_state(self) -> None:
        target = self._directory / STATE_FILE
        draft = target.with_suffix(".new")
        draft.write_text(json.dumps(self._describe(), indent=2), "utf-8")
        draft.replace(target)

    def _stop_everything(self) -> None:
        # Latest first: what uses a service ends before the service does.
        for service in reversed(self._services.values()):
            service.stop(service.stop_signal)
        (self._directory / STATE_FILE).unlink(missing_ok=True)
        if self._remove_directory:
            _remove(self._directory)


def _remove(directory: Path) -> None:
    # What a child of a child is still writing may make a first attempt fail.
    deadline = time.monotonic() + _STOP_SECONDS
    while directory.exists() and time.monotonic() < deadline:
        shutil.rmtree(directory, ignore_errors=True)
        if directory.exists():
            time.sleep(0.05)


def _drain(descriptor: int) -> None:
    with suppress(BlockingIOError):
        os.read(descriptor, 4096)


def _reply(answer: Command) -> None:
    # Whoever asked may be gone; the end of the input says so next.
    with suppress(BrokenPipeError):
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def main() -> None:
    """Lock the directory named on the command line and supervise it."""
    # Not at the top: the names of the files above are wanted where there is no fcntl, too.
    import fcntl

    parser = argparse.ArgumentParser()
    parser.add_argument("directory", type=Path)
    parser.add_argument("--remove-directory", action="store_true")
    arguments = parser.parse_args()
    # Held until this process ends, however it ends: that is what tells a running stack from a
    # state file that a crash left behind.
    with (arguments.directory / LOCK_FILE).open("w") as lock:
        # More than once, as whoever only asks whether the directory is locked locks it briefly.
        for attempt in range(_LOCK_ATTEMPTS):
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if attempt == _LOCK_ATTEMPTS - 1:
                    _reply({"error": "locked"})
                    return
                time.sleep(_LOCK_PAUSE_SECONDS)
        _reply({})
        Supervisor(arguments.directory, remove_directory=arguments.remove_directory).run()


if __name__ == "__main__":
    main()
