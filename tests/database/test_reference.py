"""The reference of the SQL is what stands in the files, and its examples run."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from parlant_supabase.local import SupervisedDatabase

from sql.generate_reference import REFERENCE, reference
from sql.headers import SQL, read_header

EXAMPLES = sorted([*(SQL / "functions" / "api").glob("*.sql"), *(SQL / "views").glob("*.sql")])

# What the examples find: the documents that they speak of.
GIVEN = """
    select public.parlant_open_cache('parlant_', '3.3.2');
    insert into public.parlant_sessions_ (data) values
      ('{"id": "s1", "customer_id": "c1", "agent_id": "a1", "metadata": {}, "labels": []}');
    insert into public.parlant_sessions_events (data) values
      ('{"id": "e1", "session_id": "s1", "offset": 0, "kind": "message", "deleted": false}');
    insert into public.parlant_sessions_events_failed_migrations (id, data) values
      ('e0', '{"id": "e0"}');
    insert into public.parlant_customers_ (data) values ('{"id": "c1", "name": "Ann"}');
    insert into public.parlant_customers_customer_tag_associations (data) values
      ('{"id": "a0", "customer_id": "c1", "tag_id": "vip"}');
    insert into public.parlant_context_variables_ (data) values ('{"id": "v1", "name": "plan"}');
    insert into public.parlant_context_variables_values (data) values
      ('{"id": "x1", "variable_id": "v1", "key": "c1", "data": "basic"}');
"""


def test_that_the_reference_is_up_to_date() -> None:
    assert REFERENCE.read_text("utf-8") == reference(), "Run `make reference`."


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_that_an_example_runs(deployed: SupervisedDatabase, path: Path) -> None:
    example = read_header(path).fields["example"]
    with (
        psycopg.connect(deployed.database_url) as connection,
        connection.transaction(force_rollback=True),
    ):
        connection.execute(GIVEN.encode())
        connection.execute("set local role service_role")

        rows = connection.execute(example.encode()).fetchall()

    assert rows
    if path.parent.name == "api":
        assert isinstance(rows[0][0], dict)
