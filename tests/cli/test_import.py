"""`parlant-supabase import`: nothing half-done is reported as done, and nothing is overwritten."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from parlant_supabase.local import LocalStack

from tests.cli.conftest import Invoke, Run, assert_one_sentence
from tests.cli.moving import contents, fill, numbered, tallies
from tests.tables import on
from tests.waiting import wait_until


class Backup:
    """An export of a prefix, and the prefix that it is imported to."""

    def __init__(self, path: Path, old: str, new: str) -> None:
        self.path = path
        self.new = new
        self.arguments = ("--rename", f"{old}={new}")

    @property
    def lines(self) -> list[bytes]:
        return self.path.read_bytes().splitlines(keepends=True)

    def write(self, *lines: bytes) -> None:
        self.path.write_bytes(b"".join(lines))


@pytest.fixture
def make_backup(
    invoke: Invoke, stack: LocalStack, connection: dict[str, str], prefix: str, tmp_path: Path
) -> Callable[..., Backup]:
    """Exports collections with these documents."""

    def make(**collections: list[dict[str, Any]]) -> Backup:
        fill(stack, f"{prefix}old_", collections)
        path = tmp_path / "backup.jsonl"
        result = invoke("export", "--prefix", f"{prefix}old_", "-o", str(path), **connection)
        assert result.exit_code == 0
        return Backup(path, f"{prefix}old_", f"{prefix}new_")

    return make


def documents(stack: LocalStack, backup: Backup, collection: str = "things") -> list[str]:
    """The ids of what has been imported."""
    there = contents(stack, backup.new).get(collection)
    return [json.loads(text)["id"] for text in there.documents] if there else []


# What is no export, or not a whole one.


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b'{"id": "a"}\n', "was not written by `parlant-supabase export`"),
        (b"PK\x03\x04\xff\n", "Line 1 of backup.jsonl is damaged"),
        (b'{"parlant_supabase_export": 2}\n', "written by a newer parlant-supabase"),
        (b'{"parlant_supabase_export": 1}\n', "Line 1 of backup.jsonl is damaged"),
        (b'{"parlant_supabase_export": 1, "collections": []}\n', "ends early"),
    ],
)
def test_that_what_is_no_export_is_one_sentence(
    run: Run, connection: dict[str, str], tmp_path: Path, content: bytes, words: str
) -> None:
    (tmp_path / "backup.jsonl").write_bytes(content)

    assert_one_sentence(run("import", "backup.jsonl", **connection), words)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere.jsonl"], "No such file or directory"),
        ([], "Name what to import"),
        (["x.jsonl", "--from-tables", "chat_"], "Name what to import"),
        ([".", "--rename", "acme_"], "such as parlant_=acme_"),
        (["."], "holds none of sessions.json"),
        (["--from-tables", "nobodys_"], "no tables of Parlant's stores"),
    ],
)
def test_that_what_cannot_be_imported_is_one_sentence(
    run: Run, connection: dict[str, str], arguments: list[str], words: str
) -> None:
    assert_one_sentence(run("import", *arguments, **connection), words)


@pytest.mark.parametrize("cut", ["in a line", "after a line"])
def test_that_a_file_that_was_cut_off_is_refused_and_what_it_holds_can_be_had(
    invoke: Invoke,
    run: Run,
    stack: LocalStack,
    connection: dict[str, str],
    make_backup: Callable[..., Backup],
    cut: str,
) -> None:
    backup = make_backup(things=numbered(10))
    whole = backup.path.read_bytes()
    backup.write(*backup.lines[:5], backup.lines[5][:20] if cut == "in a line" else b"")

    assert_one_sentence(
        run("import", str(backup.path), *backup.arguments, **connection), "ends early"
    )
    assert contents(stack, backup.new) == {}

    piped = invoke("import", "-", *backup.arguments, stdin=backup.path.read_text(), **connection)
    assert piped.exit_code == 1
    assert "standard input ends early" in piped.stdout
    assert documents(stack, backup) == ["d1", "d2", "d3", "d4"]

    backup.path.write_bytes(whole)
    assert invoke("import", str(backup.path), *backup.arguments, **connection).exit_code == 0
    assert documents(stack, backup) == [f"d{number}" for number in range(1, 11)]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b'{"prefix": "x", "collection"\n', "is damaged: Expecting ':' delimiter"),
        (b"[]\n", "is damaged: it is no JSON object"),
        (b'{"prefix": "x", "collection": "y"}\n', "is damaged: there is no document in it"),
        (b'{"collection": "y", "document": {}}\n', "is damaged: it names no prefix"),
        (b'{"end": {"documents": 2}}\n', "is damaged: it does not say how"),
        (b'{"end": {"documents": 9, "failed": 0, "sha256": ""}}\n', "should hold 9 documents"),
        (b'{"end": {"documents": 2, "failed": 0, "sha256": ""}}\n', "digest is another"),
    ],
)
def test_that_a_damaged_line_is_named(
    invoke: Invoke,
    stack: LocalStack,
    connection: dict[str, str],
    make_backup: Callable[..., Backup],
    line: bytes,
    words: str,
) -> None:
    backup = make_backup(things=numbered(3))
    backup.write(*backup.lines[:3], line, *backup.lines[3:])

    result = invoke(
        "import", "-", *backup.arguments, "--json", stdin=backup.path.read_text(), **connection
    )

    assert result.exit_code == 1
    summary = json.loads(result.stdout)
    assert not summary["complete"]
    assert words in summary["stopped"]
    assert "Line 4 of standard input" in summary["stopped"] or "end" in line.decode()
    assert documents(stack, backup) == ["d1", "d2"]


def test_that_a_file_that_was_changed_is_refused(
    run: Run, stack: LocalStack, connection: dict[str, str], make_backup: Callable[..., Backup]
) -> None:
    backup = make_backup(things=numbered(3, name="Ann"))
    backup.write(*(line.replace(b"Ann", b"Bob") for line in backup.lines))

    assert_one_sentence(
        run("import", str(backup.path), *backup.arguments, **connection), "digest is another"
    )
    assert contents(stack, backup.new) == {}


def test_that_a_document_that_cannot_be_stored_holds_up_no_other(
    invoke: Invoke,
    stack: LocalStack,
    connection: dict[str, str],
    make_backup: Callable[..., Backup],
) -> None:
    backup = make_backup(things=numbered(7))
    # Not to be compressed below the limit of an index.
    long = "".join(chr(0x4E00 + number) for number in range(5000))
    lines = [line.replace(b'"d3"', json.dumps(long).encode()) for line in backup.lines]
    lines = [line.replace(b'"d5"', b"5") for line in lines]
    lines = [line.replace(b'"id": "d6"', b'"id": "d6", "x": NaN') for line in lines]

    result = invoke(
        "import", "-", *backup.arguments, "--json", stdin=b"".join(lines).decode(), **connection
    )

    assert result.exit_code == 1
    assert documents(stack, backup) == ["d1", "d2", "d4", "d7"]
    tally = tallies(result.stdout)["things", False]
    assert (tally["imported"], tally["verified"]) == (4, 4)
    reasons = {refusal["id"]: refusal["reason"] for refusal in tally["refused"]}
    assert reasons.keys() == {long, None, "d6"}
    assert "under 2,000 bytes" in reasons[long]
    assert "no id that is a string" in reasons[None]
    assert "document['x'] is nan" in reasons["d6"]


# What is there already.


@pytest.mark.parametrize(
    ("policy", "exit_code", "name"),
    [("fail", 1, "changed"), ("skip", 0, "changed"), ("replace", 0, "as exported")],
)
def test_that_a_different_document_of_the_same_id_is_not_overwritten_unasked(
    invoke: Invoke,
    stack: LocalStack,
    connection: dict[str, str],
    make_backup: Callable[..., Backup],
    policy: str,
    exit_code: int,
    name: str,
) -> None:
    backup = make_backup(things=numbered(3, name="as exported"))
    fill(stack, backup.new, {"things": [*numbered(2, name="changed")[1:], {"id": "own"}]})
    arguments = ("import", str(backup.path), *backup.arguments, "--on-conflict", policy)

    foreseen = invoke(*arguments, "--dry-run", "--json", **connection)
    assert documents(stack, backup) == ["d2", "own"]
    result = invoke(*arguments, "--json", **connection)

    assert foreseen.exit_code == result.exit_code == exit_code
    assert documents(stack, backup) == ["d2", "own", "d1", "d3"]
    stored = [json.loads(text) for text in contents(stack, backup.new)["things"].documents]
    assert [document.get("name") for document in stored] == [name, None] + ["as exported"] * 2
    tally = tallies(result.stdout)["things", False]
    assert tally["different"] == ([] if policy == "replace" else ["d2"])
    assert tally["others"] == (1 if policy == "replace" else 2)
    for counter in ("imported", "unchanged", "replaced", "different"):
        assert tallies(foreseen.stdout)["things", False][counter] == tally[counter], counter

    shown = invoke(*arguments, **connection)
    assert ("the project has a different one of the id d2" in shown.stdout) == (policy != "replace")
    assert ("--on-conflict replace" in shown.stdout) == (policy != "replace")


def test_that_a_dry_run_changes_nothing(
    invoke: Invoke,
    stack: LocalStack,
    connection: dict[str, str],
    make_backup: Callable[..., Backup],
) -> None:
    backup = make_backup(things=numbered(3))

    result = invoke("import", str(backup.path), *backup.arguments, "--dry-run", **connection)

    assert result.exit_code == 0
    assert "3 documents would be imported; nothing was changed" in result.stdout
    assert contents(stack, backup.new) == {}


def test_that_a_store_keeps_the_metadata_that_it_has(
    invoke: Invoke,
    stack: LocalStack,
    connection: dict[str, str],
    make_backup: Callable[..., Backup],
) -> None:
    backup = make_backup(metadata=[{"id": "m1", "version": "0.8.0"}], things=numbered(1))
    fill(stack, backup.new, {"metadata": [{"id": "m2", "version": "0.9.0"}]})

    result = invoke("import", str(backup.path), *backup.arguments, **connection)

    assert result.exit_code == 0
    assert "keeps the version that it has" in result.stdout
    assert documents(stack, backup, "metadata") == ["m2"]
    assert documents(stack, backup) == ["d1"]


def test_that_documents_of_a_newer_version_than_the_store_are_refused(
    invoke: Invoke,
    stack: LocalStack,
    connection: dict[str, str],
    make_backup: Callable[..., Backup],
) -> None:
    backup = make_backup(metadata=[{"id": "m1", "version": "0.10.0"}], things=numbered(1))
    fill(stack, backup.new, {"metadata": [{"id": "m2", "version": "0.9.0"}]})

    result = invoke("import", str(backup.path), *backup.arguments, **connection)

    assert result.exit_code == 1
    assert "of version 0.10.0" in result.stdout
    assert documents(stack, backup) == []


def test_that_one_store_can_be_picked(
    invoke: Invoke, stack: LocalStack, connection: dict[str, str], prefix: str, tmp_path: Path
) -> None:
    for store in ("sessions", "customers"):
        fill(stack, f"{prefix}{store}_", {store: numbered(1)})
    invoke("export", "--prefix", prefix, "-o", "backup.jsonl", **connection)

    result = invoke(
        "import", "backup.jsonl", "--prefix", f"{prefix}customers_", "--rename",
        f"{prefix}=only_{prefix}", **connection,
    )  # fmt: skip

    assert result.exit_code == 0
    assert contents(stack, f"only_{prefix}").keys() == {"customers"}


# What is read back.


@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        (
            "create trigger spoil before insert on {} for each row"
            " when (new.data ->> 'id' = 'd2') execute function public.spoil_document()",
            "changed",
        ),
        (
            "create trigger spoil after insert on {} for each row"
            " when (new.data ->> 'id' = 'd2') execute function public.delete_document()",
            "missing",
        ),
    ],
)
def test_that_what_is_not_there_as_it_should_be_is_noticed(
    invoke: Invoke,
    stack: LocalStack,
    sql: psycopg.Connection,
    connection: dict[str, str],
    make_backup: Callable[..., Backup],
    statement: str,
    kind: str,
) -> None:
    backup = make_backup(things=numbered(3))
    fill(stack, backup.new, {"things": []})
    sql.execute(
        "create or replace function public.spoil_document() returns trigger language plpgsql as"
        """ $$ begin new.data := new.data || '{"x": 1}'; return new; end $$"""
    )
    sql.execute(
        "create or replace function public.delete_document() returns trigger language plpgsql as"
        " $$ begin execute format('delete from %I.%I where id = $1', tg_table_schema,"
        " tg_table_name) using new.id; return null; end $$"
    )
    sql.execute(on(statement, f"{backup.new}things"))

    result = invoke("import", str(backup.path), *backup.arguments, "--json", **connection)

    assert result.exit_code == 1
    tally = tallies(result.stdout)["things", False]
    assert tally[kind] == ["d2"]
    assert tally["verified"] == 2
    shown = invoke(
        "import", str(backup.path), *backup.arguments, "--on-conflict=skip", **connection
    )
    assert (shown.exit_code, "d2" in shown.stdout) == (0 if kind == "changed" else 1, True)


# What is cut off.


@contextmanager
def _started(
    stack: LocalStack, connection: dict[str, str], backup: Backup
) -> Iterator[subprocess.Popen[str]]:
    """An import that waits for a lock on its second collection, its first being done."""
    fill(stack, backup.new, {"things": []})
    with psycopg.connect(stack.database_url) as locked:
        # It may be read and not written to.
        locked.execute(on("lock table {} in share row exclusive mode", f"{backup.new}things"))
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "parlant_supabase.cli",
                "import",
                backup.path,
                *backup.arguments,
            ],
            env={**os.environ, **connection},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        with psycopg.connect(stack.database_url, autocommit=True) as sql:
            query = "select 1 from pg_locks where not granted and relation = %s::regclass"

            def waits_for_the_lock() -> bool:
                assert process.poll() is None, process.communicate()
                return bool(sql.execute(query, (f"public.{backup.new}things",)).fetchone())

            wait_until(waits_for_the_lock, "the import to wait for the lock")
        yield process


def test_that_an_import_that_was_killed_can_be_run_again(
    invoke: Invoke,
    stack: LocalStack,
    connection: dict[str, str],
    make_backup: Callable[..., Backup],
) -> None:
    backup = make_backup(events=numbered(700), things=numbered(600))
    with _started(stack, connection, backup) as process:
        process.kill()
        process.communicate()
    assert len(documents(stack, backup, "events")) == 700

    result = invoke("import", str(backup.path), *backup.arguments, "--json", **connection)

    assert result.exit_code == 0
    counts = tallies(result.stdout)
    assert counts["events", False]["unchanged"] == counts["events", False]["verified"] == 700
    assert counts["things", False]["verified"] == 600
    old = contents(stack, backup.arguments[1].partition("=")[0])
    assert contents(stack, backup.new) == old


def test_that_ctrl_c_says_what_is_done(
    stack: LocalStack, connection: dict[str, str], make_backup: Callable[..., Backup]
) -> None:
    backup = make_backup(events=numbered(3), things=numbered(2))
    with _started(stack, connection, backup) as process:
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=30)

    assert process.returncode == 130
    assert output == ""
    assert errors.startswith("Interrupted: 3 documents of it are in the project; run it again")
    assert "Traceback" not in errors


def test_that_an_import_stops_with_the_project(
    run: Run,
    stack: LocalStack,
    sql: psycopg.Connection,
    connection: dict[str, str],
    make_backup: Callable[..., Backup],
) -> None:
    backup = make_backup(events=numbered(2), things=numbered(2))
    fill(stack, backup.new, {"things": []})
    sql.execute(on("revoke insert on {} from service_role", f"{backup.new}things"))

    result = run("import", str(backup.path), *backup.arguments, **connection)

    assert result.returncode == 1
    assert result.stdout == ""
    assert "Interrupted: 2 documents of it are in the project" in result.stderr
    assert "Error: import_documents of collection 'things'" in result.stderr


def test_that_memory_does_not_grow_with_the_file(
    stack: LocalStack,
    sql: psycopg.Connection,
    connection: dict[str, str],
    prefix: str,
    tmp_path: Path,
) -> None:
    fill(stack, f"{prefix}old_", {"things": []})
    sql.execute(
        on(
            "insert into {} (data)"
            " select jsonb_build_object('id', n::text, 'text', repeat('x', 10000))"
            " from generate_series(1, 1500) as n",
            f"{prefix}old_things",
        )
    )
    script = (
        "import sys, tracemalloc; from parlant_supabase.cli.app import app;"
        # Commands are imported when they are asked for, and what is imported takes memory, too.
        "import parlant_supabase.cli.export, parlant_supabase.cli.import_; tracemalloc.start();"
        "app(sys.argv[1:], standalone_mode=False);"
        "print(tracemalloc.get_traced_memory()[1], file=sys.stderr)"
    )

    def peak_bytes(*arguments: str) -> int:
        result = subprocess.run(
            [sys.executable, "-c", script, *arguments],
            cwd=tmp_path,
            env={**os.environ, **connection},
            capture_output=True,
            text=True,
            check=True,
        )
        return int(result.stderr.split()[-1])

    exporting = peak_bytes("export", "--prefix", f"{prefix}old_", "-o", "large.jsonl")
    importing = peak_bytes("import", "large.jsonl", "--rename", f"{prefix}old_={prefix}new_")

    assert (tmp_path / "large.jsonl").stat().st_size > 15_000_000
    assert len(contents(stack, f"{prefix}new_")["things"].documents) == 1500
    # A page of 4 MB in the forms that it takes on its way, and nothing that stays.
    assert max(exporting, importing) < 28_000_000
