"""Two customers with everything that can be stored of one, and looks at what is left."""

from __future__ import annotations

import hashlib
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

import psycopg
from parlant.core.agents import AgentId
from parlant.core.common import JSONSerializable
from parlant.core.customers import CustomerId
from parlant.core.sessions import EventKind, EventSource, SessionId
from parlant.core.tags import TagId
from parlant_supabase.local import LocalStack
from parlant_supabase.stores import SupabaseStores, supabase_stores
from psycopg.types.json import Jsonb

MARKER = "marmalade"
"""Stands in everything that is the first customer's."""


@dataclass(frozen=True)
class People:
    """The customers of a test.

    Attributes:
        prefix: What the tables' names begin with.
        ann: The first customer's id.
        ann_session: A session of hers.
        bob: The second customer's id.
        bob_session: A session of his.
        options: The options that name the stores to a command.
    """

    prefix: str
    ann: CustomerId
    ann_session: SessionId
    bob: CustomerId
    bob_session: SessionId
    options: tuple[str, ...]


def open_people_stores(
    stack: LocalStack, prefix: str
) -> AbstractAsyncContextManager[SupabaseStores]:
    """Opens the three stores under a prefix."""
    return supabase_stores(
        {"url": stack.url, "key": stack.service_role_key},
        session_prefix=f"{prefix}s_",
        customer_prefix=f"{prefix}c_",
        variable_prefix=f"{prefix}v_",
    )


async def make_people(stores: SupabaseStores, sql: psycopg.Connection, prefix: str) -> People:
    """Stores two customers: sessions, events, values, tags and failed copies of each."""
    ids = {}
    variable = await stores["variable_store"].create_variable(name="plan")
    for name, word in (("Ann", MARKER), ("Bob", "biscuit")):
        customer = await stores["customer_store"].create_customer(
            name=f"{name} {word}", extra={"mail": f"{word}@example.com"}, tags=[TagId("gold")]
        )
        session = await stores["session_store"].create_session(
            customer_id=customer.id,
            agent_id=AgentId("support"),
            title=f"{word} calls",
            metadata={"city": word},
            labels={"vip"},
        )
        events: list[tuple[EventSource, EventKind, JSONSerializable]] = [
            (
                EventSource.CUSTOMER,
                EventKind.MESSAGE,
                {
                    "message": f"I am <b>{word}</b>",
                    "participant": {"id": customer.id, "display_name": f"{name} {word}"},
                },
            ),
            (
                EventSource.SYSTEM,
                EventKind.TOOL,
                {
                    "tool_calls": [
                        {
                            "tool_id": "shop:find",
                            "arguments": {"who": word},
                            "result": {
                                "data": word,
                                "metadata": {"found": word},
                                "control": {},
                                "canned_responses": [],
                                "canned_response_fields": {},
                            },
                        }
                    ]
                },
            ),
            (EventSource.AI_AGENT, EventKind.STATUS, {"status": "typing", "data": {"who": word}}),
            (
                EventSource.AI_AGENT,
                EventKind.MESSAGE,
                {
                    "message": f"Hello {word}",
                    "participant": {"id": "support", "display_name": "Support"},
                },
            ),
            (EventSource.CUSTOMER_UI, EventKind.CUSTOM, {"clicked": word}),
        ]
        for source, kind, data in events:
            event = await stores["session_store"].create_event(
                session.id, source, kind, "trace", data, metadata={"seen": word}
            )
        await stores["session_store"].delete_event(event.id)
        await stores["variable_store"].update_value(variable.id, customer.id, {"plan": word})
        failed = f"failed-{word}"
        for table, document in (
            ("s_events", {"id": failed, "session_id": session.id, "text": word}),
            ("s_sessions", {"id": failed, "customer_id": customer.id, "text": word}),
            ("c_customers", {"id": customer.id, "name": word}),
            (
                "c_customer_tag_associations",
                {"id": failed, "customer_id": customer.id, "tag_id": word},
            ),
            ("v_values", {"id": failed, "key": customer.id, "data": word}),
        ):
            sql.execute(
                f"insert into public.{prefix}{table}_failed_migrations (id, data, reason)"  # noqa: S608
                " values (%s, %s, 'rejected')",
                [document["id"], Jsonb(document)],
            )
        ids[name] = (customer.id, session.id)
    return People(
        prefix,
        *ids["Ann"],
        *ids["Bob"],
        options=(
            f"--session-prefix={prefix}s_",
            f"--customer-prefix={prefix}c_",
            f"--variable-prefix={prefix}v_",
        ),
    )


def tables_under(sql: psycopg.Connection, prefix: str) -> list[str]:
    """The names of all tables under a prefix."""
    return [
        name
        for (name,) in sql.execute(
            "select tablename from pg_tables where schemaname = 'public'"
            " and starts_with(tablename, %s) order by tablename",
            [prefix],
        )
    ]


def rows_with(sql: psycopg.Connection, prefix: str, *words: str) -> dict[str, int]:
    """How many rows of each table hold one of some words, in whatever column."""
    counts = {}
    for table in tables_under(sql, prefix):
        row = sql.execute(
            f"select count(*) from public.{table} as t where t::text ~ %s",  # noqa: S608
            ["|".join(words)],
        ).fetchone()
        assert row is not None
        if row[0]:
            counts[table] = row[0]
    return counts


def digest_without(sql: psycopg.Connection, prefix: str, *words: str) -> dict[str, str]:
    """A digest of each table's rows that hold none of some words."""
    digests = {}
    for table in tables_under(sql, prefix):
        rows = [
            text
            for (text,) in sql.execute(
                f"select t::text from public.{table} as t where t::text !~ %s"  # noqa: S608
                " order by t::text",
                ["|".join(words)],
            )
        ]
        digests[table] = hashlib.sha256("\n".join(rows).encode()).hexdigest()
    return digests
