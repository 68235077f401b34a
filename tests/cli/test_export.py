"""`parlant-supabase export`, and that `import` makes of it what was exported."""

from __future__ import annotations

import asyncio
import hashlib
import json
import stat
from collections.abc import AsyncIterator, Callable
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from parlant.core.persistence.document_database import BaseDocument, identity_loader
from parlant_supabase import SupabaseDocumentDatabase
from parlant_supabase.database import connection_of
from parlant_supabase.local import LocalStack
from parlant_supabase.local.database import SupervisedDatabase
from parlant_supabase.rpc.functions import INSERT_ONE
from parlant_supabase.transfer.project import Project
from parlant_supabase.transfer.records import Part, Record

from tests.adapter.test_equal_seq import SPOIL_SEQ
from tests.cli.conftest import (
    Invoke,
    Run,
    assert_one_sentence,
    variables_for,
)
from tests.cli.moving import contents, copies_made, fill, numbered
from tests.differential import values
from tests.differential.exactness import exact
from tests.tables import on

_examples = count(1)


@pytest.fixture(scope="module")
def other_project(deployed: SupervisedDatabase) -> SupervisedDatabase:
    """A second project, which has nothing in it yet."""
    return deployed


def test_that_a_project_is_in_the_other_as_it_was(
    invoke: Invoke, stack: LocalStack, other_project: SupervisedDatabase, prefix: str
) -> None:
    numbers = [
        "0", "-0.0", "1.10", "12345678901234567890123456789012345678901234567890",
        "0.1000000000000000055511151231257827021181583404541015625001", "10000000000000000.0",
        "1e22", "5e-324",
    ]  # fmt: skip
    fill(
        stack,
        f"{prefix}sessions_",
        {
            "metadata": [{"id": "m", "version": "0.9.0", "creation_utc": "2026-01-01"}],
            "events": [f'{{"id": "n{n}", "x": [{text}]}}' for n, text in enumerate(numbers)],
            "sessions": [
                {"id": "b", "version": "0.9.0", "": {"": []}, "x": "\u2028\n\x85é😀"},
                {"id": "a", "version": "0.1.0", "creation_utc": "2020"},
                {"id": "Z"},
            ],
        },
    )
    fill(stack, f"{prefix}customers_", {"customers": numbered(1201), "empty": []})
    with psycopg.connect(stack.database_url, autocommit=True) as sql:
        sql.execute(
            on(
                "insert into {} (id, data, reason, failed_at) values"
                """ ('f', '{{"id": "f", "x": 1.0}}', 'rejected', '2026-01-01 00:00:00.25+00'),"""
                """ ('f', '{{"id": "f"}}', 'raised: KeyError', '2026-01-02'),"""
                " (null, null, 'unknown', '2026-01-03')",
                f"{prefix}sessions_events_failed_migrations",
            )
        )

    exported = invoke("export", "--prefix", prefix, **variables_for(stack))
    result = invoke("import", "-", stdin=exported.stdout, **variables_for(other_project))

    assert (exported.exit_code, result.exit_code) == (0, 0), result.output
    there = contents(other_project, prefix)
    # The stores' documents lack nearly all fields that Parlant needs, so copies show that.
    assert copies_made(there, contents(stack, prefix)) == {
        name: there[name].documents for name in ("events", "sessions")
    }
    assert [len(documents) for documents, _ in there.values()] == [1201, 0, len(numbers), 1, 3]
    assert len(there["events"].failed) == 3 + len(numbers)
    assert f"read back {1201 + len(numbers) + 4 + 3:,}, all equal" in result.stdout

    again = invoke("import", "-", stdin=exported.stdout, **variables_for(other_project))
    assert again.exit_code == 0
    assert "Imported 0 documents" in again.stdout
    assert contents(other_project, prefix) == there


@pytest.mark.parametrize("spoil", SPOIL_SEQ)
def test_that_rows_with_equal_seq_are_all_exported(
    invoke: Invoke, stack: LocalStack, prefix: str, spoil: str
) -> None:
    fill(stack, f"{prefix}store_", {"things": numbered(1201)})
    with psycopg.connect(stack.database_url, autocommit=True) as sql:
        sql.execute(on(spoil, f"{prefix}store_things"))

    exported = invoke("export", "--prefix", prefix, **variables_for(stack))

    lines = [json.loads(line) for line in exported.stdout.splitlines()]
    ids = [line["document"]["id"] for line in lines if "document" in line]
    assert sorted(ids) == sorted(each["id"] for each in numbered(1201))


def test_that_an_export_whose_counts_differ_fails_and_says_where(
    invoke: Invoke,
    stack: LocalStack,
    connection: dict[str, str],
    prefix: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fill(stack, prefix, {"things": numbered(501)})
    pages = Project.pages

    async def meddled_with(project: Project, part: Part) -> AsyncIterator[list[Record]]:
        """The pages, between which somebody writes again what has been read already."""
        async for page in pages(project, part):
            yield page
            with psycopg.connect(stack.database_url, autocommit=True) as sql:
                sql.execute(on("delete from {} where id = 'd1'", f"{prefix}things"))
                sql.execute(
                    on("insert into {} (data) values (%s)", f"{prefix}things"),
                    (json.dumps(numbered(1)[0]),),
                )

    monkeypatch.setattr(Project, "pages", meddled_with)
    exported = invoke("export", "--prefix", prefix, "-o", "backup.jsonl", **connection)

    assert exported.exit_code == 1
    assert (
        f"{prefix} things: exported 502 documents; the table had 501 before and 501 after. Export "
        "again while nothing writes." in exported.output
    )
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    assert invoke("export", "--prefix", prefix, "-o", "backup.jsonl", **connection).exit_code == 0


@settings(
    max_examples=4,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(
    documents=st.lists(
        values.documents(st.one_of(values.VALUES, values.deep_values())),
        min_size=20,
        max_size=20,
        unique_by=lambda document: document["id"],
    )
)
def test_that_any_document_survives_the_way(
    invoke: Invoke,
    stack: LocalStack,
    other_project: SupervisedDatabase,
    make_database: Callable[..., SupabaseDocumentDatabase],
    documents: list[dict[str, Any]],
) -> None:
    prefix = f"way{next(_examples)}_"

    async def insert() -> None:
        async with make_database(prefix) as database:
            await database.create_collection("things", BaseDocument)
            for document in documents:
                await connection_of(database).call_collection(
                    INSERT_ONE, "things", p_document=document
                )

    async def found() -> list[BaseDocument]:
        connection = {"url": other_project.url, "key": other_project.service_role_key}
        async with make_database(prefix, **connection) as database:
            things = await database.get_collection("things", BaseDocument, identity_loader)
            return list((await things.find({})).items)

    asyncio.run(insert())
    exported = invoke("export", "--prefix", prefix, **variables_for(stack))
    result = invoke("import", "-", stdin=exported.stdout, **variables_for(other_project))

    assert result.exit_code == 0, result.output
    assert contents(other_project, prefix) == contents(stack, prefix)
    assert {document["id"]: exact(document) for document in asyncio.run(found())} == {
        document["id"]: exact(document) for document in documents
    }


def test_that_an_export_can_be_read_by_others(
    invoke: Invoke, stack: LocalStack, connection: dict[str, str], prefix: str
) -> None:
    fill(
        stack,
        prefix,
        {
            "sessions": numbered(1),
            "metadata": [{"id": "m"}],
            "events": [{"id": "e", "text": "line\nseparator \u2028"}],
        },
    )

    output = invoke("export", "--prefix", prefix, **connection).stdout

    lines = output.splitlines(keepends=True) if "\u2028" not in output else output.split("\n")
    header, *entries, end = [json.loads(line) for line in lines if line.strip()]
    assert header["parlant_supabase_export"] == 1
    assert header["collections"] == [[prefix, name] for name in ("metadata", "events", "sessions")]
    assert [entry["document"]["id"] for entry in entries] == ["m", "e", "d1"]
    before, _, _ = output.rstrip("\n").rpartition("\n")
    digest = hashlib.sha256(f"{before}\n".encode()).hexdigest()
    assert end == {"end": {"documents": 3, "failed": 0, "sha256": digest}}


def test_that_a_summary_never_gets_among_the_documents(
    run: Run, stack: LocalStack, connection: dict[str, str], prefix: str, tmp_path: Path
) -> None:
    fill(stack, prefix, {"things": numbered(2)})

    piped = run("export", "--prefix", prefix, "--json", **connection)
    written = run("export", "--prefix", prefix, "--json", "-o", "backup.jsonl", **connection)

    assert [json.loads(line) for line in piped.stdout.splitlines()][-1]["end"]["documents"] == 2
    assert json.loads(piped.stderr)["documents"] == 2
    summary = json.loads(written.stdout)
    assert summary["collections"][0] == {
        "prefix": prefix,
        "collection": "things",
        "failed": False,
        "documents": 2,
    }
    # Conversations are nobody else's business.
    assert stat.S_IMODE((tmp_path / "backup.jsonl").stat().st_mode) == 0o600


def test_that_a_backup_is_not_lost_to_an_export_that_fails(
    run: Run, stack: LocalStack, connection: dict[str, str], prefix: str, tmp_path: Path
) -> None:
    fill(stack, prefix, {"things": numbered(2)})
    backup = tmp_path / "backup.jsonl"
    run("export", "--prefix", prefix, "-o", str(backup), **connection)
    before = backup.read_bytes()
    variables = {**connection, "SUPABASE_KEY": stack.anon_key}

    assert_one_sentence(run("export", "-o", str(backup), **variables), "service_role key")

    assert backup.read_bytes() == before
    assert list(tmp_path.iterdir()) == [backup]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--prefix", "nobodys_"], "no such collection"),
        (["-o", "nowhere/backup.jsonl"], "No such file or directory"),
        (["-o", "."], "is no file"),
    ],
)
def test_that_what_cannot_be_exported_is_one_sentence(
    run: Run, connection: dict[str, str], arguments: list[str], words: str
) -> None:
    assert_one_sentence(run("export", *arguments, **connection), words)


def test_that_a_table_that_is_missing_is_one_sentence(
    run: Run, stack: LocalStack, sql: psycopg.Connection, connection: dict[str, str], prefix: str
) -> None:
    fill(stack, prefix, {"things": numbered(1), "others": []})
    sql.execute(on("drop table {}", f"{prefix}others"))

    assert_one_sentence(
        run("export", "--prefix", prefix, **connection), f"The table {prefix}others is missing"
    )

    sql.execute(
        "delete from parlant_internal.collections where prefix = %s and collection = 'others'",
        (prefix,),
    )
