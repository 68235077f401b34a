"""examples/own_database.py does what it says, as often as it is run."""

from __future__ import annotations

import os
import subprocess
import sys

import psycopg
from parlant_supabase.local import StackDatabase

from tests.checkout import CHECKOUT
from tests.waiting import LIMIT_SECONDS


def test_that_its_documents_are_stored_changed_and_found(deployed: StackDatabase) -> None:
    for runs in (1, 2):
        example = subprocess.run(
            [sys.executable, CHECKOUT / "examples" / "own_database.py"],
            env={
                **os.environ,
                "SUPABASE_URL": deployed.url,
                "SUPABASE_KEY": deployed.service_role_key,
            },
            capture_output=True,
            text=True,
            timeout=LIMIT_SECONDS,
            check=False,
        )
        assert example.returncode == 0, example.stderr
        assert len(example.stdout.splitlines()) == runs
        assert all(line.endswith(" Ann: 2 stars") for line in example.stdout.splitlines())

    with psycopg.connect(deployed.database_url) as connection:
        stored = connection.execute(
            "select data ->> 'customer', (data ->> 'stars')::int from public.feedback_entries"
        ).fetchall()
    assert stored == [("Ann", 2), ("Ann", 2)]
