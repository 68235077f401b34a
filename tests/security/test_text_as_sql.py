"""No function that anybody may be granted executes SQL that came as its argument."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from psycopg.sql import SQL, Identifier
from psycopg.types.json import Jsonb

# Each does something where it is executed as a condition, a term, a table or the target of a write.
HOSTILE = (
    "public.attack() is not null",
    "public.attack()::text",
    "(select public.attack()::text as id, 0 as seq, '{{}}'::jsonb as data)",
    "{table} (data) select to_jsonb(public.attack()) --",
    "{table} as d where public.attack() is not null --",
)
_PLAUSIBLE: dict[str, Any] = {
    "text": "documents",
    "jsonb": Jsonb({}),
    "integer": 10,
    "bigint": 10,
    "boolean": True,
    "text[]": ["documents"],
    "bigint[]": [1],
    "jsonb[]": [],
    "name": "documents",
    "timestamp with time zone": "2026-01-01",
}


@pytest.fixture
def target(deployed_sql: psycopg.Connection) -> str:
    """A table of ours with a row, in a database where `attack()` leaves a trace that stays."""
    for statement in (
        "create sequence if not exists public.attacked",
        "grant usage on sequence public.attacked to public",
        "create or replace function public.attack() returns bigint language sql"
        " as $$ select pg_catalog.nextval('public.attacked') $$",
        "select public.parlant_create_collection('text_', 'documents')",
        'insert into public.text_documents (data) values (\'{"id": "documents"}\')'
        " on conflict do nothing",
    ):
        deployed_sql.execute(statement.encode())
    return "public.text_documents"


def test_that_no_granted_function_executes_a_text(
    deployed_sql: psycopg.Connection, target: str
) -> None:
    functions = deployed_sql.execute(
        "select p.oid::regproc::text, p.proargnames[1:p.pronargs],"
        " array(select format_type(t.type, null) from unnest(p.proargtypes) with ordinality"
        "   as t (type, position) order by t.position)"
        " from pg_proc as p"
        " where has_function_privilege('service_role', p.oid, 'execute')"
        " and p.prosrc ~ '\\mexecute\\M'"
        " and (p.pronamespace = 'parlant_internal'::regnamespace"
        "   or p.proname like 'parlant\\_%' and p.pronamespace = 'public'::regnamespace)"
    ).fetchall()
    assert len(functions) > 30

    deployed_sql.execute("set role service_role")
    deployed_sql.execute("set statement_timeout = '5s'")
    for function, names, types in functions:
        for attacked, type in zip(names or (), types, strict=True):
            if type not in ("text", "text[]", "regclass", "regclass[]"):
                continue
            for hostile in HOSTILE:
                text = hostile.format(table=target)
                arguments = {
                    name: _plausible(name, other, target)
                    for name, other in zip(names, types, strict=True)
                }
                arguments[attacked] = [text] if type.endswith("[]") else text
                _call(deployed_sql, function, arguments, dict(zip(names, types, strict=True)))

        deployed_sql.execute("reset role")
        row = deployed_sql.execute("select is_called from public.attacked").fetchone()
        deployed_sql.execute("set role service_role")
        assert row == (False,), function


def _plausible(name: str, type: str, target: str) -> Any:
    if name in ("p_table", "p_failed"):
        return target
    if type.startswith("regclass"):
        return [target] if type.endswith("[]") else target
    if name.endswith("prefix"):
        return "text_"
    return _PLAUSIBLE.get(type)


def _call(
    connection: psycopg.Connection, function: str, arguments: dict[str, Any], types: dict[str, str]
) -> None:
    """Calls it, and undoes whatever it did to documents."""
    schema, _, name = function.rpartition(".")
    call = SQL("select {}({})").format(
        Identifier(schema or "public", name),
        SQL(", ").join(
            SQL("{} => %s::{}").format(Identifier(argument), SQL(types[argument]))
            for argument in arguments
        ),
    )
    try:
        with connection.transaction(force_rollback=True):
            connection.execute(call, list(arguments.values()))
    except psycopg.Error:
        pass
