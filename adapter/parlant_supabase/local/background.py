"""A local stack that goes on after the command that started it has ended."""

import http.client
import json
import os
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from parlant_supabase import remedies
from parlant_supabase.deployment.package_files import find_project
from parlant_supabase.local.data_directory import DataDirectory
from parlant_supabase.local.database import MAIN_DATABASE, StackDatabase
from parlant_supabase.local.errors import LocalStackError
from parlant_supabase.local.ports import LOOPBACK
from parlant_supabase.local.stack import LocalStack
from parlant_supabase.local.supervision import SupervisorLockedError, is_running, read_state

_WAIT_SECONDS = 120.0
_POLL_SECONDS = 0.05


def start(
    data: DataDirectory,
    *,
    locale: str | None,
    schemas: Sequence[str] | None,
    project: Path | None,
    report: Callable[[str], None],
) -> None:
    """Boot the stack, deploy the project or else this package, and leave it running.

    Does nothing but wait when another command is starting it. `report` is told each step.
    """
    project = project or find_project()
    report("Starting Postgres, PostgREST and the gateway")
    try:
        stack = LocalStack.open(data, locale=locale, schemas=schemas)
    except SupervisorLockedError:
        report("Waiting for the command that is starting it")
        attach(data)
        return
    with stack:
        report("Deploying with `supabase db push`")
        stack.deploy(project)
        stack.detach()


def attach(data: DataDirectory) -> StackDatabase:
    """Return the addresses and keys of the stack that runs in the directory."""
    deadline = time.monotonic() + _WAIT_SECONDS
    while is_running(data.path):
        state = read_state(data.path)
        description = data.load_description()
        if state is not None and state["detached"] and description is not None:
            return StackDatabase(
                MAIN_DATABASE, credentials=data.load_credentials(), ports=description.ports
            )
        if time.monotonic() > deadline:
            raise LocalStackError(
                f"The local stack in {data.path} is still being started; try again later, or see "
                f"{data.logs}."
            )
        time.sleep(_POLL_SECONDS)
    raise LocalStackError(
        f"No local stack is running in {data.path}; start it with "
        f"`{remedies.local('start', data.path)}`, or name its folder with --data-dir."
    )


def stop(data: DataDirectory) -> None:
    """End the stack that runs in the directory and wait until nothing of it is left."""
    state = read_state(data.path)
    if state is None:
        raise LocalStackError(
            f"The local stack in {data.path} is just being started or stopped; try again."
        )
    pid = state["pid"]
    try:
        os.kill(pid, signal.SIGTERM)
    except ProcessLookupError:
        pass
    except PermissionError:
        raise LocalStackError(
            f"The local stack in {data.path} was started by another user (process {pid}); stop it "
            "as that user."
        ) from None
    deadline = time.monotonic() + _WAIT_SECONDS
    while is_running(data.path):
        if time.monotonic() > deadline:
            raise LocalStackError(f"The local stack's process {pid} does not end; kill it.")
        time.sleep(_POLL_SECONDS)


def deployed_sql_version(database: StackDatabase) -> str:
    """Say which version of this package's SQL the database holds."""
    connection = http.client.HTTPConnection(LOOPBACK, database.gateway_port, timeout=10)
    try:
        connection.request(
            "POST",
            "/rest/v1/rpc/parlant_get_version",
            body="{}",
            headers={
                "apikey": database.service_role_key,
                "Content-Type": "application/json",
            },
        )
        response = connection.getresponse()
        if response.status == 404:
            return "not deployed"
        if response.status != 200:
            return f"unknown (the API answers {response.status})"
        answer: dict[str, Any] = json.loads(response.read())
        return str(answer["sql_version"])
    except (OSError, http.client.HTTPException) as error:
        return f"unknown (the API does not answer: {error})"
    finally:
        connection.close()
