"""`parlant-supabase import --from-tables`: what is under another prefix in the same project."""

from __future__ import annotations

import json

import psycopg
import pytest
from parlant_supabase.local import LocalStack

from tests.cli.conftest import Invoke, Run, assert_one_sentence
from tests.cli.moving import contents, copies_made, fill, numbered
from tests.database.test_adoption import DOCUMENTS, seed
from tests.tables import on


@pytest.fixture
def chat(sql: psycopg.Connection, prefix: str) -> str:
    """The beginning of the prefixes of tables that were made by hand for the earlier adapter."""
    seed(sql, f"{prefix}chat_")
    return f"{prefix}chat_"


def test_that_a_store_of_the_earlier_adapter_is_copied(
    invoke: Invoke, stack: LocalStack, connection: dict[str, str], prefix: str, chat: str
) -> None:
    arguments = (
        "import", "--from-tables", f"{chat}sessions_", "--rename", f"parlant_={prefix}new_"
    )  # fmt: skip

    result = invoke(*arguments, **connection)

    assert result.exit_code == 0, result.output
    there = contents(stack, f"{prefix}new_")
    # They lack fields of today's version.
    assert copies_made(there, contents(stack, f"{chat}sessions_")) == {
        name: there[name].documents for name in ("events", "sessions")
    }
    for collection in ("metadata", "sessions", "events"):
        assert [json.loads(text) for text in there[collection].documents] == DOCUMENTS[
            "parlant_sessions_", collection
        ]

    assert "Imported 0 documents" in invoke(*arguments, **connection).stdout


def test_that_stores_that_shared_a_prefix_are_told_apart(
    invoke: Invoke, stack: LocalStack, connection: dict[str, str], prefix: str
) -> None:
    fill(
        stack,
        f"{prefix}chat_",
        {
            "metadata": [{"id": "m", "version": "0.1.0"}],
            "sessions": numbered(2),
            "events": [{"id": "e"}],
            "customers": [{"id": "c"}],
            "notes": [{"id": "n"}],
        },
    )

    result = invoke(
        "import",
        "--from-tables",
        f"{prefix}chat_",
        "--rename",
        f"parlant_={prefix}new_",
        **connection,
    )

    assert result.exit_code == 0, result.output
    assert "several stores' at once" in result.stdout
    assert contents(stack, f"{prefix}new_sessions_").keys() == {"sessions", "events"}
    assert contents(stack, f"{prefix}new_customers_").keys() == {"customers"}
    assert contents(stack, f"{prefix}chat_")["notes"].documents == ['{"id": "n"}']


def test_that_a_dry_run_adopts_nothing(
    run: Run, stack: LocalStack, connection: dict[str, str], chat: str
) -> None:
    arguments = ("import", "--from-tables", f"{chat}sessions_", "--dry-run")

    assert_one_sentence(run(*arguments, **connection), "not adopted in a dry run")
    assert contents(stack, chat) == {}


def test_that_tables_of_somebody_elses_are_left_alone(
    run: Run, connection: dict[str, str], sql: psycopg.Connection, prefix: str
) -> None:
    sql.execute(on("create table {} (id bigint primary key)", f"{prefix}events"))

    assert_one_sentence(
        run("import", "--from-tables", prefix, **connection), "is not a table of parlant-supabase"
    )


def test_that_a_store_is_not_copied_to_itself(run: Run, connection: dict[str, str]) -> None:
    assert_one_sentence(
        run("import", "--from-tables", "parlant_sessions_", **connection), "already those"
    )
