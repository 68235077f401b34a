"""`parlant-supabase doctor`: each mistake is found, and its remedy puts it right."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from parlant_supabase import remedies
from parlant_supabase.deployment.package_files import find_project
from parlant_supabase.diagnosis.database_checks import check_clock
from parlant_supabase.diagnosis.diagnose import needed_functions
from parlant_supabase.diagnosis.findings import CHECKS
from parlant_supabase.local import StackDatabase
from parlant_supabase.local.database import SupervisedDatabase
from parlant_supabase.local.ports import find_free_ports
from parlant_supabase.rpc.replies import DiagnosisReply
from parlant_supabase.versions import SQL_VERSION

from tests.cli.conftest import Invoke, Run, execute, variables_for
from tests.conftest import MakeEmptyDatabase
from tests.deployed_version import deployed_version, set_deployed_version

_SQL_EDITOR = "Run in the dashboard's SQL editor"


@pytest.fixture(scope="module")
def database(deployed: SupervisedDatabase) -> SupervisedDatabase:
    """A database in order, which a test may spoil as long as it repairs it."""
    return deployed


@dataclass(frozen=True)
class Examined:
    """What `doctor --json` said."""

    exit_code: int
    report: dict[str, Any]

    def statuses(self) -> dict[str, str]:
        """The worst status of each check that is not ok."""
        order = ["skipped", "notice", "warning", "error"]
        found: dict[str, str] = {}
        for finding in self.report["findings"]:
            if finding["status"] != "ok":
                before = found.get(finding["check"], "skipped")
                found[finding["check"]] = max(before, finding["status"], key=order.index)
        return found

    def wrong(self) -> dict[str, str]:
        """The same without the checks that were not made."""
        return {check: each for check, each in self.statuses().items() if each != "skipped"}

    def remedies(self, check: str) -> list[str]:
        """What to do about a check that is not ok."""
        return [
            remedy
            for finding in self.report["findings"]
            if finding["check"] == check and finding["status"] != "ok"
            for remedy in finding["remedies"]
        ]

    def statements(self, check: str) -> list[str]:
        """Those of the remedies that are SQL."""
        remedies = self.remedies(check)
        (header,) = [each for each in remedies if each.startswith(_SQL_EDITOR)]
        return remedies[remedies.index(header) + 1 :]


def examine(invoke: Invoke, variables: dict[str, str]) -> Examined:
    result = invoke("doctor", "--json", **variables)
    assert result.stderr == ""
    return Examined(result.exit_code, json.loads(result.stdout))


@contextmanager
def spoilt(database: StackDatabase, *statements: str, undo: str = "select 1") -> Iterator[None]:
    """A database with a mistake planted in it; the statement undoes it whatever happens."""
    execute(database, *statements)
    try:
        yield
    finally:
        execute(database, undo)


@contextmanager
def another_version(
    database: StackDatabase, sql_version: int, compatible_since: int
) -> Iterator[None]:
    """A database that says that SQL of another version is deployed, until the block ends."""
    with psycopg.connect(database.database_url, autocommit=True) as connection:
        right = deployed_version(connection)
        set_deployed_version(connection, sql_version, compatible_since)
        try:
            yield
        finally:
            set_deployed_version(connection, *right)


def test_that_everything_in_order_is_ready(invoke: Invoke, database: SupervisedDatabase) -> None:
    examined = examine(invoke, variables_for(database))

    assert examined.exit_code == 0
    assert examined.report["ready"] is True
    assert [finding["check"] for finding in examined.report["findings"]] == list(CHECKS)
    assert examined.statuses() == {}
    assert len(examined.report["collections"]) == 10
    assert {each["documents"]["count"] for each in examined.report["collections"]} == {0}


def test_that_the_new_kind_of_key_is_as_good(invoke: Invoke, database: SupervisedDatabase) -> None:
    examined = examine(invoke, {**variables_for(database), "SUPABASE_KEY": database.secret_key})

    assert examined.statuses() == {}


def test_that_a_person_gets_one_screen(run: Run, database: SupervisedDatabase) -> None:
    result = run("doctor", **variables_for(database))

    assert result.returncode == 0
    assert result.stderr == ""
    assert len(result.stdout.splitlines()) <= 40
    for check in CHECKS:
        assert check in result.stdout
    assert "parlant_sessions_events" in result.stdout
    assert result.stdout.rstrip().endswith("Ready.")


# Settings.


def test_that_a_missing_url_is_found(invoke: Invoke, database: SupervisedDatabase) -> None:
    examined = examine(invoke, {"SUPABASE_KEY": database.service_role_key})

    assert examined.exit_code == 1
    assert examined.wrong() == {"environment": "error"}
    assert "Set SUPABASE_URL" in examined.remedies("environment")[0]


def test_that_a_url_without_scheme_is_found(invoke: Invoke, database: SupervisedDatabase) -> None:
    host = database.url.removeprefix("http://")
    variables = variables_for(database)

    examined = examine(invoke, {**variables, "SUPABASE_URL": host})
    assert examined.exit_code == 1
    assert examined.wrong() == {"URL": "error"}

    name, _, value = examined.remedies("URL")[0].removeprefix("Set ").partition("=")
    assert examine(invoke, {**variables, name: value}).report["ready"] is True


def test_that_a_closed_port_is_found(invoke: Invoke, database: SupervisedDatabase) -> None:
    (port,) = find_free_ports(1)

    examined = examine(
        invoke, {**variables_for(database), "SUPABASE_URL": f"http://127.0.0.1:{port}"}
    )

    assert examined.exit_code == 1
    assert examined.wrong() == {"reachability": "error"}
    assert "Correct SUPABASE_URL" in examined.remedies("reachability")[0]
    assert any("paused" in remedy for remedy in examined.remedies("reachability"))


def test_that_a_host_that_does_not_exist_is_found(
    invoke: Invoke, database: SupervisedDatabase
) -> None:
    examined = examine(
        invoke, {**variables_for(database), "SUPABASE_URL": "https://no-such-project.invalid"}
    )

    assert examined.wrong() == {"reachability": "error"}


@pytest.mark.parametrize("kind", ["anon_key", "publishable_key"])
def test_that_the_public_key_is_found(
    invoke: Invoke, database: SupervisedDatabase, kind: str
) -> None:
    examined = examine(invoke, {**variables_for(database), "SUPABASE_KEY": getattr(database, kind)})

    assert examined.exit_code == 1
    assert examined.wrong() == {"key": "error"}
    assert "secret or service_role key" in examined.remedies("key")[0]


def test_that_an_expired_key_is_found(invoke: Invoke, database: SupervisedDatabase) -> None:
    key = database.sign({"role": "service_role", "exp": int(time.time()) - 3600})

    examined = examine(invoke, {**variables_for(database), "SUPABASE_KEY": key})

    assert examined.exit_code == 1
    assert examined.wrong() == {"key": "error"}


def test_that_a_key_of_another_project_is_found(
    invoke: Invoke, database: SupervisedDatabase
) -> None:
    key = database.service_role_key[:-8] + "AAAAAAAA"

    examined = examine(invoke, {**variables_for(database), "SUPABASE_KEY": key})

    assert examined.exit_code == 1
    assert examined.wrong() == {"key": "error"}
    assert "of this very project" in examined.remedies("key")[0]


# Deployment.


def test_that_a_project_without_the_sql_is_found_and_init_and_push_put_it_right(
    invoke: Invoke, make_empty_database: MakeEmptyDatabase, tmp_path: Path
) -> None:
    bare = make_empty_database()
    variables = variables_for(bare)

    examined = examine(invoke, variables)
    assert examined.exit_code == 1
    assert examined.wrong() == {"SQL version": "error"}
    deploy = "parlant-supabase init && npx supabase db push --remote"
    assert deploy in examined.remedies("SQL version")[0]

    assert invoke("init", **variables).exit_code == 0
    bare.deploy(tmp_path)
    assert examine(invoke, variables).report["ready"] is True


def test_that_sql_that_is_too_old_is_found(invoke: Invoke, database: SupervisedDatabase) -> None:
    with another_version(database, SQL_VERSION - 1, SQL_VERSION - 1):
        examined = examine(invoke, variables_for(database))

    assert examined.exit_code == 1
    assert examined.wrong() == {"SQL version": "error"}
    assert "supabase db push" in examined.remedies("SQL version")[0]


def test_that_an_adapter_that_is_too_old_is_found(
    invoke: Invoke, database: SupervisedDatabase
) -> None:
    with another_version(database, 1_000_000, 1_000_000):
        examined = examine(invoke, variables_for(database))

    assert examined.exit_code == 1
    assert examined.remedies("SQL version") == [remedies.upgrade()]


def test_that_a_schema_that_is_not_exposed_is_found(
    invoke: Invoke, database: SupervisedDatabase
) -> None:
    examined = examine(invoke, {**variables_for(database), "SUPABASE_SCHEMA": "nonsense"})

    assert examined.exit_code == 1
    assert examined.wrong() == {"SQL version": "error"}
    assert "Exposed schemas" in examined.remedies("SQL version")[0]
    assert "unset SUPABASE_SCHEMA" in examined.remedies("SQL version")[1]


def test_that_the_wrong_one_of_two_schemas_is_found(
    invoke: Invoke, make_empty_database: MakeEmptyDatabase, tmp_path: Path
) -> None:
    database = make_empty_database("public", "sales")
    assert invoke("init", "--schema", "sales").exit_code == 0
    database.deploy(tmp_path)
    variables = variables_for(database)

    examined = examine(invoke, variables)
    assert examined.wrong() == {"SQL version": "error"}
    assert "set SUPABASE_SCHEMA" in examined.remedies("SQL version")[2]

    examined = examine(invoke, {**variables, "SUPABASE_SCHEMA": "sales"})
    assert examined.exit_code == 0
    assert examined.statuses() == {}


# Privileges and row level security.


def test_that_privileges_that_were_taken_are_found_and_given_back(
    invoke: Invoke, database: SupervisedDatabase
) -> None:
    with spoilt(
        database,
        "revoke insert on public.parlant_sessions_events from service_role",
        undo="grant insert on public.parlant_sessions_events to service_role",
    ):
        examined = examine(invoke, variables_for(database))
        assert examined.exit_code == 1
        assert examined.wrong() == {"privileges": "error"}

        execute(database, *examined.statements("privileges"))
        assert examine(invoke, variables_for(database)).statuses() == {}


def test_that_a_function_that_may_not_be_executed_is_found_and_a_new_deployment_helps(
    invoke: Invoke, database: SupervisedDatabase
) -> None:
    script = invoke("init", "--print").stdout
    with spoilt(
        database,
        "revoke execute on function parlant_internal.compile_filter from service_role",
        undo=script,
    ):
        examined = examine(invoke, variables_for(database))
        assert examined.exit_code == 1
        assert examined.wrong() == {"privileges": "error"}
        assert "parlant-supabase init --print" in examined.remedies("privileges")[0]

    assert examine(invoke, variables_for(database)).statuses() == {}


@pytest.mark.parametrize(
    "statement",
    [
        "revoke usage on schema parlant_internal from service_role",
        "drop function public.parlant_diagnose",
        "drop function public.parlant_find_one",
    ],
)
def test_that_what_a_restored_dump_lacks_is_found(
    invoke: Invoke, database: SupervisedDatabase, statement: str
) -> None:
    with spoilt(database, statement, undo=invoke("init", "--print").stdout):
        database.reload_schema()
        examined = examine(invoke, variables_for(database))
    database.reload_schema()

    assert examined.exit_code == 1
    assert examined.wrong() == {"privileges": "error"}
    assert any("init --print" in remedy for remedy in examined.remedies("privileges"))
    assert examine(invoke, variables_for(database)).statuses() == {}


def test_that_row_level_security_that_is_off_is_found_and_put_on(
    invoke: Invoke, database: SupervisedDatabase
) -> None:
    with spoilt(
        database,
        "alter table public.parlant_customers_ disable row level security",
        undo="alter table public.parlant_customers_ enable row level security",
    ):
        examined = examine(invoke, variables_for(database))
        # Nobody has a grant, so nobody reads anything.
        assert examined.exit_code == 0
        assert examined.wrong() == {"row level security": "warning"}

        execute(database, *examined.statements("row level security"))
        assert examine(invoke, variables_for(database)).statuses() == {}


def test_that_grants_to_the_public_key_are_found_and_revoked(
    invoke: Invoke, database: SupervisedDatabase
) -> None:
    with spoilt(
        database,
        "grant select on public.parlant_customers_ to anon",
        undo="revoke all on public.parlant_customers_ from anon",
    ):
        examined = examine(invoke, variables_for(database))
        assert examined.exit_code == 0
        assert examined.wrong() == {"privileges": "warning"}

        execute(database, *examined.statements("privileges"))
        assert examine(invoke, variables_for(database)).statuses() == {}


def test_that_both_together_are_an_error(invoke: Invoke, database: SupervisedDatabase) -> None:
    with spoilt(
        database,
        "alter table public.parlant_customers_ disable row level security;"
        "grant select on public.parlant_customers_ to anon",
        undo="alter table public.parlant_customers_ enable row level security;"
        "revoke all on public.parlant_customers_ from anon",
    ):
        examined = examine(invoke, variables_for(database))

    assert examined.exit_code == 1
    assert examined.wrong() == {"privileges": "warning", "row level security": "error"}


def test_that_what_was_opened_to_signed_in_users_is_a_notice(
    invoke: Invoke, database: SupervisedDatabase
) -> None:
    with spoilt(
        database,
        "grant execute on function public.parlant_get_version to authenticated;"
        "grant select on public.parlant_customers_ to authenticated",
        undo="revoke all on function public.parlant_get_version from authenticated;"
        "revoke all on public.parlant_customers_ from authenticated",
    ):
        examined = examine(invoke, variables_for(database))

    assert examined.exit_code == 0
    assert examined.wrong() == {"privileges": "notice"}


@pytest.mark.parametrize(
    ("opt_in", "status"), [("authenticated", "notice"), ("public_key", "warning")]
)
def test_that_an_opt_in_is_told_as_what_it_is(
    invoke: Invoke, make_empty_database: MakeEmptyDatabase, opt_in: str, status: str
) -> None:
    opened = make_empty_database()
    opened.deploy(find_project())
    execute(opened, (find_project() / "supabase" / "opt-in" / f"{opt_in}.sql").read_text("utf-8"))

    examined = examine(invoke, variables_for(opened))

    assert examined.exit_code == 0
    assert examined.wrong() == {"privileges": status}


# Tables, documents and indexes.


def test_that_a_table_that_was_dropped_is_found_and_forgotten(
    invoke: Invoke, database: SupervisedDatabase
) -> None:
    with spoilt(
        database,
        "select public.parlant_create_collection('gone_', 'events')",
        "drop table public.gone_events",
        undo="delete from parlant_internal.collections where prefix = 'gone_'",
    ):
        examined = examine(invoke, variables_for(database))
        assert examined.exit_code == 1
        assert examined.wrong() == {"tables": "error"}
        assert "gone_events" in json.dumps(examined.report["findings"])

        execute(database, *examined.statements("tables"))
        assert examine(invoke, variables_for(database)).statuses() == {}


def test_that_a_table_of_failed_documents_that_was_dropped_is_found_and_made_anew(
    invoke: Invoke, database: SupervisedDatabase
) -> None:
    with spoilt(database, "drop table public.parlant_sessions_events_failed_migrations"):
        examined = examine(invoke, variables_for(database))
        assert examined.exit_code == 1
        assert examined.wrong() == {"tables": "error"}

        execute(database, *examined.statements("tables"))
        assert examine(invoke, variables_for(database)).statuses() == {}


def test_that_failed_documents_are_found(invoke: Invoke, database: SupervisedDatabase) -> None:
    with spoilt(
        database,
        "insert into public.parlant_sessions_events_failed_migrations (id, data, reason)"
        """ values ('e', '{"id": "e"}', 'rejected')""",
        undo="truncate public.parlant_sessions_events_failed_migrations",
    ):
        examined = examine(invoke, variables_for(database))

    assert examined.exit_code == 0
    assert examined.wrong() == {"failed documents": "warning"}
    assert "parlant-supabase failed list" in examined.remedies("failed documents")[0]


def test_that_any_index_that_is_missing_is_found_and_made(
    invoke: Invoke, database: SupervisedDatabase
) -> None:
    dropped = _drop_indexes(database, "parlant_sessions_events")
    assert dropped > 2

    examined = examine(invoke, variables_for(database))
    assert examined.exit_code == 0
    assert examined.wrong() == {"indexes": "warning"}

    statements = examined.statements("indexes")
    assert len(statements) == dropped
    execute(database, *statements)
    assert examine(invoke, variables_for(database)).statuses() == {}


def test_that_an_index_that_is_not_valid_counts_as_missing_and_is_made_again(
    invoke: Invoke, database: SupervisedDatabase
) -> None:
    # As `create index concurrently` leaves an index whose making was interrupted.
    with psycopg.connect(database.admin_url, autocommit=True) as admin:
        admin.execute(
            "update pg_catalog.pg_index set indisvalid = false where indexrelid = ("
            "select indexrelid from pg_catalog.pg_index"
            " where indrelid = 'public.parlant_sessions_events'::regclass"
            " and pg_get_indexdef(indexrelid) like '%(session_id NULLS FIRST, creation_utc, id)')"
        )

    examined = examine(invoke, variables_for(database))
    assert examined.wrong() == {"indexes": "warning"}

    execute(database, *examined.statements("indexes"))
    assert examine(invoke, variables_for(database)).statuses() == {}


def test_that_a_view_that_was_dropped_is_found_and_made(
    invoke: Invoke, database: SupervisedDatabase
) -> None:
    with spoilt(database, "drop view public.parlant_messages"):
        examined = examine(invoke, variables_for(database))
        assert examined.exit_code == 0
        assert examined.wrong() == {"views": "notice"}

        execute(database, *examined.statements("views"))
        assert examine(invoke, variables_for(database)).statuses() == {}


def test_that_a_relation_of_the_users_own_in_place_of_a_view_is_found_and_kept(
    invoke: Invoke, database: SupervisedDatabase
) -> None:
    with spoilt(
        database,
        "drop view public.parlant_messages",
        "create table public.parlant_messages as select 'mine' as text",
        undo="drop table public.parlant_messages_own",
    ):
        examined = examine(invoke, variables_for(database))
        assert examined.exit_code == 0
        assert examined.wrong() == {"views": "notice"}
        assert "something else has the name: parlant_messages." in json.dumps(examined.report)

        execute(database, *examined.statements("views"))
        assert examine(invoke, variables_for(database)).statuses() == {}
        execute(database, "select text from public.parlant_messages_own where text = 'mine'")


@pytest.mark.parametrize(
    ("table", "check"),
    [
        ("parlant_sessions_events", "indexes"),
        ("parlant_sessions_events_failed_migrations", "tables"),
    ],
)
@pytest.mark.parametrize("has_failed", [False, True], ids=["", "after one that failed"])
def test_that_a_missing_primary_key_is_an_error(
    invoke: Invoke, database: SupervisedDatabase, table: str, check: str, has_failed: bool
) -> None:
    with psycopg.connect(database.database_url, autocommit=True) as sql:
        (key,) = (
            sql.execute(
                "select conname from pg_catalog.pg_constraint"
                " where conrelid = %s::regclass and contype = 'p'",
                (f"public.{table}",),
            ).fetchone()
            or ()
        )
    execute(database, f"alter table public.{table} drop constraint {key}")
    if has_failed:
        (index, _) = examine(invoke, variables_for(database)).statements(check)
        execute(database, index)
        with psycopg.connect(database.admin_url, autocommit=True) as admin:
            # As it is left behind where two rows had the same value.
            admin.execute(
                "update pg_catalog.pg_index set indisvalid = false"
                " where indrelid = %s::regclass and indexrelid::regclass::text like '%%_pkey'",
                (f"public.{table}",),
            )

    examined = examine(invoke, variables_for(database))
    assert examined.exit_code == 1
    assert examined.wrong() == {check: "error"}

    assert "one at a time:" in " ".join(examined.remedies(check))
    first, second = examined.statements(check)
    assert " index concurrently " in first
    assert " add constraint " in second
    assert " primary key using index " in second
    execute(database, first)
    execute(database, second)
    assert examine(invoke, variables_for(database)).statuses() == {}


def test_that_indexes_of_parlants_store_are_missed_once_it_has_been_opened(
    invoke: Invoke, database: SupervisedDatabase
) -> None:
    by_offset = '[{"fields": [["session_id", "asc"], ["offset", "asc"]]}]'
    execute(
        database,
        f"select public.parlant_ensure_indexes('parlant_sessions_', 'events', '{by_offset}')",
    )

    examined = examine(invoke, variables_for(database))
    assert examined.wrong() == {"indexes": "warning"}

    (statement,) = examined.statements("indexes")
    assert "deleted" in statement
    execute(database, statement)
    assert examine(invoke, variables_for(database)).statuses() == {}


def test_that_several_mistakes_are_all_told(run: Run, database: SupervisedDatabase) -> None:
    with spoilt(
        database,
        "alter table public.parlant_customers_ disable row level security;"
        "revoke select on public.parlant_sessions_ from service_role",
        undo="alter table public.parlant_customers_ enable row level security;"
        "grant select on public.parlant_sessions_ to service_role",
    ):
        result = run("doctor", **variables_for(database))

    assert result.returncode == 1
    assert "alter table public.parlant_customers_ enable row level security;" in result.stdout
    assert "on table public.parlant_sessions_ to service_role;" in result.stdout
    assert result.stdout.rstrip().endswith("Not ready: 1 error, 1 warning.")


def test_that_it_changes_nothing(invoke: Invoke, database: SupervisedDatabase) -> None:
    with psycopg.connect(database.admin_url, autocommit=True) as connection:
        written = "select sum(n_tup_ins + n_tup_upd + n_tup_del) from pg_stat_user_tables"
        before = connection.execute(written).fetchone()
        invoke("doctor", **variables_for(database))
        connection.execute("select pg_stat_force_next_flush()")
        assert connection.execute(written).fetchone() == before


def test_that_a_cache_is_described(invoke: Invoke, database: SupervisedDatabase) -> None:
    with spoilt(
        database,
        "select public.parlant_open_cache('d_', '1')",
        """select public.parlant_save_cached('d_', 'cached_evaluations', '1', '{"a": "1"}')""",
        "select public.parlant_record_cache_use('d_', 'cached_evaluations', '{a}', 2, 1)",
        undo="select public.parlant_delete_collection('d_', c)"
        " from unnest('{cached_evaluations,cached_embeddings,cache_statistics}'::text[]) as c",
    ):
        examined = examine(invoke, variables_for(database))

    texts = [each["text"] for each in examined.report["findings"] if each["check"] == "cache"]
    assert examined.statuses() == {}
    assert re.fullmatch(
        r"d_cached_evaluations: 1 value, \d+ kB; 2 hits and 1 miss since 20\d\d-\d\d-\d\d\.",
        texts[0],
    ), texts[0]
    assert texts[1].startswith("d_cached_embeddings: 0 values, ")
    assert texts[1].endswith(" kB; 0 hits and 0 misses.")


# What one machine cannot show: its own clock is also the database's.


_TIME = DiagnosisReply(
    now=1_000_000.0,
    functions={"missing": [], "denied": [], "open": {}},
    collections=[],
    unregistered=[],
    views=[],
)


@pytest.mark.parametrize(("ahead", "words"), [(60, "60 s ahead of"), (-60, "60 s behind")])
def test_that_a_clock_that_differs_is_found(ahead: int, words: str) -> None:
    finding = check_clock(_TIME, 1_000_000.0 + ahead, 1_000_000.2 + ahead)

    assert finding.status == "warning"
    assert words in finding.text


def test_that_a_slow_reply_is_not_taken_for_a_wrong_clock() -> None:
    assert check_clock(_TIME, 1_000_000.0, 1_000_009.0).status == "ok"


def test_that_the_functions_needed_are_those_that_service_role_was_granted(
    database: SupervisedDatabase,
) -> None:
    with psycopg.connect(database.database_url) as connection:
        granted = connection.execute(
            "select p.proname from pg_proc as p where pg_catalog.has_function_privilege("
            " 'service_role', p.oid, 'execute')"
            " and (p.pronamespace = 'parlant_internal'::regnamespace"
            "  or (p.pronamespace = 'public'::regnamespace and starts_with(p.proname, 'parlant_')))"
        ).fetchall()

    assert needed_functions() == sorted(name for (name,) in granted)


def _drop_indexes(database: StackDatabase, table: str) -> int:
    """Drops every index of a table but its primary key; returns how many there were."""
    with psycopg.connect(database.database_url, autocommit=True) as connection:
        names = connection.execute(
            "select i.indexrelid::regclass::text from pg_index as i"
            " where i.indrelid = %s::regclass and not i.indisprimary",
            (f"public.{table}",),
        ).fetchall()
        for (name,) in names:
            connection.execute(f"drop index {name}".encode())
    return len(names)
