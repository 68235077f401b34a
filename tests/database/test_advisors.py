"""What Supabase's own advisors, on the command line and in the dashboard, say of our objects."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TypedDict

import psycopg
import pytest

from tests.conftest import MakeEmptyDatabase
from tests.database.catalogue import apply_migrations
from tests.database.supabase_cli import run_supabase
from tests.database.test_adoption import SEED_SCHEMA


class Advice(TypedDict):
    name: str
    level: str
    detail: str


def run_advisors(database_url: str, directory: Path, level: str) -> list[Advice]:
    """What `supabase db advisors` finds, from the level on."""
    output = run_supabase(
        database_url,
        directory,
        *("db", "advisors", "--type=all", f"--level={level}", "--output=json"),
    )
    advice: list[Advice] = json.loads(output)
    return advice


@pytest.mark.parametrize("hand_made", [False, True], ids=["new installation", "adopted tables"])
def test_that_the_advisors_have_nothing_against_our_objects(
    make_empty_database: MakeEmptyDatabase, tmp_path: Path, hand_made: bool
) -> None:
    database = make_empty_database()
    with psycopg.connect(database.database_url) as connection:
        if hand_made:
            connection.execute(SEED_SCHEMA)
        apply_migrations(connection)

    advice = run_advisors(database.database_url, tmp_path, level="info")

    # The project's own tables and functions are all that it holds.
    assert not [entry["detail"] for entry in advice if entry["level"] != "INFO"]
    # Nobody has used the indexes yet, and nobody but service_role is to get in.
    assert {entry["name"] for entry in advice if entry["level"] == "INFO"} == {
        "unused_index",
        "rls_enabled_no_policy",
    }
