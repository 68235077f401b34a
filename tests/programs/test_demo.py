"""The demo, run as a newcomer runs it, and with what it is there to notice."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import psutil
import psycopg
import pytest
from parlant_supabase.local import StackDatabase
from rich.console import Console

from demo.run import run_demo
from tests.checkout import CHECKOUT

END_SECONDS = 60

SHORT_CONVERSATIONS = {
    "variables": [{"name": "plan", "description": "What the customer pays for"}],
    "tags": ["member"],
    "customers": [{"name": "Juniper", "metadata": {}, "tags": ["member"]}],
    "values": [{"variable": "plan", "customer": "Juniper", "data": {"level": 1}}],
    "sessions": [
        {
            "customer": "Juniper",
            "title": "Opening hours",
            "metadata": {},
            "labels": [],
            "messages": [
                {"from": "customer", "text": "Are you open?"},
                {"from": "agent", "text": "Until six."},
                {"from": "human_agent", "name": "Counter", "text": "Seven, today."},
            ],
            "afterwards": {"labels": {"upsert": ["solved"]}},
        }
    ],
    "interrupted": {
        "customer": "Juniper",
        "title": "Bells",
        "text": "Do you sell bells?",
        "answer": "We do.",
    },
}


@pytest.fixture
def short_conversations(tmp_path: Path) -> Path:
    file = tmp_path / "conversations.json"
    file.write_text(json.dumps(SHORT_CONVERSATIONS), "utf-8")
    return file


@pytest.fixture
def started_demo() -> Iterator[subprocess.Popen[str]]:
    """A demo whose first server has just begun to answer."""
    with subprocess.Popen(
        [sys.executable, "-m", "demo"],
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as demo:
        assert demo.stdout is not None
        printed = ""
        for line in demo.stdout:
            printed += line
            if "first Parlant server" in line:
                break
        else:
            pytest.fail(f"no server was started:\n{printed}")
        yield demo
        demo.kill()


def test_that_everything_survives() -> None:
    demo = subprocess.run(
        [sys.executable, "-m", "demo"],
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert demo.returncode == 0, demo.stdout
    assert "survived the restart unchanged" in demo.stdout
    assert "killed while it types" in demo.stdout
    assert "The second has answered it" in demo.stdout
    assert re.search(r"asked the language model [1-9]\d* times, the second 0 times", demo.stdout)
    for table in ("parlant_sessions_events", "parlant_customers_", "parlant_context_variables_"):
        assert table in demo.stdout


def test_that_what_changes_between_the_processes_is_found(short_conversations: Path) -> None:
    def tamper(database: StackDatabase) -> None:
        with psycopg.connect(database.database_url) as connection:
            for statement in (
                "update public.parlant_sessions_events "
                "set data = jsonb_set(data, '{data,message}', '\"Until five.\"') "
                "where data #>> '{data,message}' = 'Until six.'",
                "delete from public.parlant_customers_customer_tag_associations",
                "update public.parlant_context_variables_values "
                "set data = jsonb_set(data, '{data,level}', 'true')",
            ):
                assert connection.execute(statement).rowcount == 1

    output = StringIO()
    survived = run_demo(Console(file=output, width=200), short_conversations, between=tamper)
    printed = output.getvalue()
    assert not survived, printed
    assert "data.message was 'Until six.' and is 'Until five.'" in printed
    assert "tags of customers" in printed
    assert "is gone" in printed
    assert "data.level was 1 and is True" in printed
    assert "3 records differ" in printed


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_that_nothing_is_left_running(
    started_demo: subprocess.Popen[str], how: signal.Signals
) -> None:
    processes = psutil.Process(started_demo.pid).children(recursive=True)
    assert len(processes) > 3, "the server, the stack's supervisor and what that looks after"
    started_demo.send_signal(how)
    output, _ = started_demo.communicate(timeout=END_SECONDS)
    assert started_demo.returncode == (130 if how != signal.SIGKILL else -signal.SIGKILL), output
    _, alive = psutil.wait_procs(processes, timeout=END_SECONDS)
    assert not alive
