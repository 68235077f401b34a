"""plpgsql_check, a linter of PL/pgSQL, finds nothing in any function beyond what was reviewed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import psycopg
import pytest
from parlant_supabase.deployment.package_files import find_project
from parlant_supabase.local import LocalStack
from psycopg.sql import SQL


class Finding(NamedTuple):
    function: str
    level: str
    code: str
    message: str
    detail: str | None


# What the linter cannot know, by the beginning of the message.
REVIEWED = {
    "cannot determinate a result of dynamic SQL": "the tables' names are known at run time only",
    'record "': "is assigned by dynamic SQL",
    "text type variable is not sanitized": "the text is a table's name from the registry, or a"
    " predicate that the function compiled; tests/security/test_text_as_sql.py attacks each",
    "target type is different type than source type": "the constant of a declaration",
    "routine is marked as VOLATILE, should be STABLE": "it writes, by dynamic SQL",
    "control reached end of function without RETURN": "it ends in a loop that only RETURN leaves",
}
# Said of variables and parameters whose reading it does not see after such a record.
_FOLLOWING_A_RECORD = ("never read variable", "unused parameter", "unused variable")
_OURS = SQL("""
    (p.pronamespace = 'parlant_internal'::regnamespace
      or p.pronamespace = 'public'::regnamespace and p.proname like 'parlant\\_%')
""")


def _servers() -> list[Path]:
    found = Path("/usr/lib/postgresql").glob("*/lib/plpgsql_check.so")
    return [path.parent.parent / "bin" for path in found if int(path.parts[4]) >= 15]


@pytest.fixture(scope="module")
def linter() -> Iterator[psycopg.Connection]:
    """A superuser's connection to a server that has the extension and our migrations."""
    servers = _servers()
    if not servers:
        pytest.skip(
            "plpgsql_check is not installed; on Debian: apt-get install postgresql-15-plpgsql-check"
        )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PARLANT_SUPABASE_POSTGRES", str(max(servers)))
        with (
            LocalStack.temporary_deployed(find_project()) as stack,
            psycopg.connect(stack.admin_url, autocommit=True) as connection,
        ):
            connection.execute("set search_path = pg_catalog, extensions")
            connection.execute("create extension plpgsql_check with schema extensions")
            yield connection


def test_that_nothing_is_found_in_any_function(linter: psycopg.Connection) -> None:
    findings = _findings(linter, _OURS)
    after_a_record = {f.function for f in findings if f.message.startswith('record "')}

    assert [f for f in findings if not _is_reviewed(f, after_a_record)] == []
    assert {text for text in REVIEWED if any(f.message.startswith(text) for f in findings)} == set(
        REVIEWED
    )


def test_that_a_mistake_would_be_found(linter: psycopg.Connection) -> None:
    with linter.transaction(force_rollback=True):
        linter.execute(
            "create function public.mistaken() returns integer language plpgsql"
            " as $$ begin return (select missing from pg_catalog.pg_class); end $$"
        )

        findings = _findings(linter, SQL("p.oid = 'public.mistaken'::regproc"))

    assert 'column "missing" does not exist' in {
        f.message for f in findings if not _is_reviewed(f, set())
    }


def test_that_every_function_was_looked_at(linter: psycopg.Connection) -> None:
    unused = linter.execute(
        SQL(
            "select p.oid::regproc::text from pg_proc as p"
            " where p.prorettype = 'trigger'::regtype and {}"
            " and not exists (select from pg_trigger as t where t.tgfoid = p.oid)"
        ).format(_OURS)
    ).fetchall()

    # Without a table a trigger's function cannot be checked.
    assert unused == []


def _is_reviewed(finding: Finding, after_a_record: set[str]) -> bool:
    # A function of constant arguments is called, and what it raises is reported.
    if finding.code.startswith("PD"):
        return True
    if finding.message.startswith(_FOLLOWING_A_RECORD):
        return finding.function in after_a_record
    return finding.message.startswith(tuple(REVIEWED))


def _findings(linter: psycopg.Connection, condition: SQL) -> list[Finding]:
    rows = linter.execute(
        SQL(
            "select p.oid::regprocedure::text, f.level, f.sqlstate, f.message, f.detail"
            " from pg_proc as p"
            " join pg_language as l on l.oid = p.prolang and l.lanname = 'plpgsql'"
            " left join lateral ("
            "   select t.tgrelid from pg_trigger as t where t.tgfoid = p.oid limit 1"
            " ) as t on true"
            " cross join lateral extensions.plpgsql_check_function_tb("
            "   p.oid, coalesce(t.tgrelid, 0), fatal_errors => false, other_warnings => true,"
            "   performance_warnings => true, extra_warnings => true, security_warnings => true"
            " ) as f"
            " where (p.prorettype <> 'trigger'::regtype or t.tgrelid is not null) and {}"
            " order by 1, 4"
        ).format(condition)
    ).fetchall()
    return [Finding(*row) for row in rows]
