"""The code in the documents runs as it stands, and what was said is there after a restart."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from parlant_supabase.deployment.package_files import find_project
from parlant_supabase.local import StackDatabase
from parlant_supabase.local.ports import find_free_ports

from tests.checkout import CHECKOUT
from tests.conftest import MakeEmptyDatabase
from tests.docs.pages import applications
from tests.tables import on
from tests.waiting import LIMIT_SECONDS, wait_until

EARLIER_QUICK_START = Path(__file__).with_name("earlier_quick_start.py")

# What Parlant writes whatever its stores are.
ALWAYS_IN_PARLANT_HOME = {"parlant.log", "cache_embeddings.json", "evaluation_cache.json"}


@pytest.fixture
def project(make_empty_database: MakeEmptyDatabase) -> StackDatabase:
    """A project of the test's own, to which nothing but the migrations were deployed."""
    database = make_empty_database()
    database.deploy(find_project())
    return database


@contextmanager
def running(application: Path, project: StackDatabase, home: Path) -> Iterator[httpx.Client]:
    """A client of the application's HTTP API, while a process of its own runs it."""
    port, tool_service_port = find_free_ports(2)
    output = home.with_suffix(".log")
    with output.open("ab") as log:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "tests.programs.offline_server"),
                *(str(port), str(tool_service_port), str(application)),
            ],
            cwd=CHECKOUT,
            env={
                **os.environ,
                "PARLANT_HOME": str(home),
                "SUPABASE_URL": project.url,
                "SUPABASE_KEY": project.service_role_key,
            },
            stdout=log,
            stderr=log,
        )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=LIMIT_SECONDS) as client:

            def answers() -> bool:
                assert process.poll() is None, output.read_text()
                try:
                    return client.get("/healthz").is_success
                except httpx.TransportError:
                    return False

            wait_until(answers, "the server to answer")
            yield client
        process.send_signal(signal.SIGINT)
        assert process.wait(LIMIT_SECONDS) == 0, output.read_text()
    finally:
        process.kill()
        process.wait()


def get(client: httpx.Client, path: str, **query: Any) -> Any:
    return client.get(path, params=query).raise_for_status().json()


def post(client: httpx.Client, path: str, **body: Any) -> Any:
    return client.post(path, json=body).raise_for_status().json()


def converse(client: httpx.Client) -> str:
    """Has a conversation, about a customer with a value; returns the session's id."""
    (agent,) = get(client, "/agents")
    customer = post(client, "/customers", name="Ann", metadata={"plan": "pro"})
    variable = post(client, "/context-variables", name="plan", description="What Ann pays for")
    client.put(
        f"/context-variables/{variable['id']}/{customer['id']}", json={"data": {"seats": 3}}
    ).raise_for_status()
    session = post(client, "/sessions", agent_id=agent["id"], customer_id=customer["id"])
    path = f"/sessions/{session['id']}/events"
    post(client, path, kind="message", source="customer", message="Where is my order? 📦")
    get(client, path, kinds="message", source="ai_agent", min_offset=1, wait_for_data=LIMIT_SECONDS)
    # Until the engine has said that it is done, further events arrive.
    wait_until(lambda: is_completed(get(client, path)), "the turn to be completed")
    return str(session["id"])


def is_completed(events: list[Any]) -> bool:
    statuses = [event["data"]["data"] for event in events if event["kind"] == "status"]
    return any(data and data.get("stage") == "completed" for data in statuses)


def everything(client: httpx.Client, session: str) -> dict[str, Any]:
    variables = get(client, "/context-variables")
    return {
        "session": get(client, f"/sessions/{session}"),
        "events": get(client, f"/sessions/{session}/events", wait_for_data=0),
        # The guest is nowhere stored: it is made each time.
        "customers": [each for each in get(client, "/customers") if each["id"] != "guest"],
        "variables": [
            get(client, f"/context-variables/{variable['id']}", include_values=True)
            for variable in variables
        ],
    }


# The first program of the first page, README.
QUICK_START = next(iter(applications().values()))

APPLICATIONS = {
    "the earlier adapter's quick start": Path(__file__)
    .with_name("earlier_quick_start.py")
    .read_text(),
    "examples/my_agent.py": (CHECKOUT / "examples" / "my_agent.py").read_text("utf-8"),
    # The quick start is that example.
    **{page: code for page, code in applications().items() if code != QUICK_START},
}


def count(project: StackDatabase, table: str) -> int:
    """How many documents a table of the default stores holds."""
    with psycopg.connect(project.database_url) as connection:
        row = connection.execute(on("select count(*) from {}", f"parlant_{table}")).fetchone()
    assert row is not None
    return int(row[0])


def test_that_the_quick_start_is_the_example() -> None:
    docstring, _, code = APPLICATIONS["examples/my_agent.py"].rpartition('"""')

    assert docstring
    assert code.lstrip("\n") == QUICK_START


def test_that_the_documents_show_each_wiring() -> None:
    code = "".join(applications().values())

    for wiring in (
        "p.Server(**stores)",
        "session_store=sessions",
        "configure_container=configure_container",
    ):
        assert wiring in code


@pytest.mark.parametrize("name", APPLICATIONS)
def test_that_a_conversation_survives_a_restart(
    project: StackDatabase, tmp_path: Path, name: str
) -> None:
    application = tmp_path / "application.py"
    application.write_text(APPLICATIONS[name])
    home = tmp_path / "parlant-data"

    with running(application, project, home) as client:
        session = converse(client)
        before = everything(client, session)
    with running(application, project, home) as client:
        after = everything(client, session)

    assert after == before
    messages = [
        event["data"]["message"] for event in before["events"] if event["kind"] == "message"
    ]
    assert messages[0] == "Where is my order? 📦"
    assert len(messages) == 2
    assert {path.name for path in home.iterdir()} <= ALWAYS_IN_PARLANT_HOME
    assert count(project, "sessions_") == count(project, "customers_") == 1
    assert count(project, "sessions_events") >= len(before["events"])
    assert count(project, "context_variables_") == count(project, "context_variables_values") == 1


def test_that_the_quick_start_is_told_what_is_missing(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if "SUPABASE" not in name}

    process = subprocess.run(
        [
            *(sys.executable, "-m", "tests.programs.offline_server", "1", "2"),
            str(EARLIER_QUICK_START),
        ],
        cwd=CHECKOUT,
        env={**environment, "PARLANT_HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )

    assert process.returncode != 0
    assert "Set SUPABASE_URL" in process.stdout + process.stderr
