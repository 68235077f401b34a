"""The adapter's catalogue of functions is what is deployed."""

from __future__ import annotations

import psycopg
from parlant_supabase.rpc.functions import FUNCTIONS, Kind


def test_that_the_catalogue_has_every_deployed_function_with_its_volatility(
    deployed_sql: psycopg.Connection,
) -> None:
    deployed = deployed_sql.execute(
        "select proname, provolatile::text from pg_proc"
        " where pronamespace = 'public'::regnamespace and proname like 'parlant\\_%'"
    ).fetchall()

    assert sorted(deployed) == sorted(
        (each.name, "s" if each.kind is Kind.READ else "v") for each in FUNCTIONS
    )


def test_that_the_catalogue_knows_which_functions_have_a_time_limit_of_their_own(
    deployed_sql: psycopg.Connection,
) -> None:
    deployed = deployed_sql.execute(
        "select distinct proname from pg_proc, unnest(proconfig) as setting"
        " where pronamespace = 'public'::regnamespace and setting like 'statement_timeout=%'"
    ).fetchall()

    assert {name for (name,) in deployed} == {
        each.name for each in FUNCTIONS if each.has_time_limit
    }
