"""What `supabase gen types` makes of the deployed schema."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import psycopg
import pytest
from parlant_supabase.deployment.package_files import find_project
from parlant_supabase.local import SupervisedDatabase
from psycopg.rows import dict_row

from tests.database.supabase_cli import run_supabase

MODULE = "generated_types"


@pytest.fixture
def generate(deployed: SupervisedDatabase, tmp_path: Path) -> Callable[[str], str]:
    """Generates types in a language, in the user's project folder."""
    (tmp_path / "supabase").mkdir()
    shutil.copy(find_project() / "supabase" / "config.toml", tmp_path / "supabase")
    return lambda language: run_supabase(
        deployed.database_url, tmp_path, "gen", "types", f"--lang={language}"
    )


def relations(sql: psycopg.Connection, *kinds: str) -> dict[str, list[str]]:
    """The relations that the migrations make: {name: columns by name}."""
    query = """
        select c.relname::text, array_agg(a.attname::text order by a.attname)
        from pg_class as c
        join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        where c.relnamespace = 'public'::regnamespace and c.relname like 'parlant\\_%%'
          and c.relkind::text = any (%s)
        group by c.relname
    """
    return dict(sql.execute(query.encode(), [list(kinds)]).fetchall())


def test_that_typescript_has_every_table_view_and_function(
    generate: Callable[[str], str], deployed_sql: psycopg.Connection
) -> None:
    text = generate("typescript")

    # Each {name: what its row or its arguments are}.
    rows = dict(re.findall(r'"(parlant_\w+)": \{\s+Row: \{\s+(.*)\n', text))
    arguments = dict(re.findall(r'"(parlant_\w+)":\s+\{ Args: (.*); Returns: Json\n', text))
    fields = {name: sorted(re.findall(r'"(\w+)": ', row)) for name, row in rows.items()}
    assert fields == relations(deployed_sql, "r", "v")
    functions = deployed_sql.execute(
        "select proname::text, coalesce(proargnames, '{}') from pg_proc"
        " where pronamespace = 'public'::regnamespace and proname like 'parlant\\_%'"
    ).fetchall()
    assert len(functions) > 40
    assert {n: sorted(re.findall(r'"(\w+)"\??: ', a)) for n, a in arguments.items()} == {
        name: sorted(names) for name, names in functions
    }


def test_that_python_models_take_what_the_tables_and_views_hold(
    generate: Callable[[str], str],
    deployed_sql: psycopg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = generate("python")
    module = ModuleType(MODULE)
    # Where pydantic looks for the names in annotations.
    monkeypatch.setitem(sys.modules, MODULE, module)
    exec(compile(text, MODULE, "exec"), module.__dict__)

    classes = re.findall(r"^class (\w+)", text, re.MULTILINE)
    assert len(classes) == len(set(classes))
    models = {
        name: getattr(module, "Public" + "".join(part.capitalize() for part in name.split("_")))
        for name in relations(deployed_sql, "r", "v")
    }
    with (
        deployed_sql.transaction(force_rollback=True),
        deployed_sql.cursor(row_factory=dict_row) as cursor,
    ):
        cursor.execute("""
            insert into parlant_sessions_ (data) values ('{"id": "s", "creation_utc": ""}');
            insert into parlant_sessions_events (data) values
              ('{"id": "e", "session_id": "s", "kind": "message", "data": {"message": "Hello"},
                 "creation_utc": "2026-01-02T03:04:05.6+00:00"}');
        """)
        for name in ("parlant_sessions_events", "parlant_messages", "parlant_session_overview"):
            query = f"select * from {name} where session_id = 's'"  # noqa: S608
            (row,) = cursor.execute(query.encode()).fetchall()
            assert models[name].model_validate(row).model_dump() == row
