"""The documents that the contenders work on: conversations, and whose they are."""

from __future__ import annotations

import json
from hashlib import md5

import psycopg
from parlant_supabase.store_layout import METADATA, STORES

from benchmarks.contenders import json_file, table_api
from benchmarks.contenders.document_database import open_stores
from benchmarks.stack import Environment, Place

EVENTS_PER_SESSION = 20
VARIABLES = 2
TAGS_PER_CUSTOMER = 2

# A hundred sessions go on at a time, so that a session's events do not lie side by side.
_MOST_AT_A_TIME = 100

_MOMENT = """
create function pg_temp.moment(n bigint) returns text language sql as $$
  select to_char(
    timestamp '2026-01-01' + n * interval '1 second', 'YYYY-MM-DD"T"HH24:MI:SS"+00:00"')
$$
"""

# {collection: its documents}; n counts them, and at_a_time sessions of per_session events each go
# on at a time.
_DOCUMENTS = {
    "events": (
        "'id', 'e' || substr(md5(n::text), 1, 12), 'version', '0.9.0',"
        " 'creation_utc', pg_temp.moment(n),"
        " 'session_id', 's' || n / (per_session * at_a_time) * at_a_time + n % at_a_time,"
        " 'offset', n % (per_session * at_a_time) / at_a_time,"
        " 'source', (array['customer', 'ai_agent', 'system'])[1 + n % 3],"
        " 'kind', (array['message', 'status', 'tool', 'custom'])[1 + n % 4],"
        " 'trace_id', 't' || n / 4, 'metadata', null, 'deleted', false,"
        " 'data', jsonb_build_object('message', 'Where is my order? ' || md5(n::text))"
    ),
    "sessions": (
        "'id', 's' || n, 'version', '0.9.0', 'creation_utc', pg_temp.moment(n),"
        " 'customer_id', 'c' || n % 500, 'agent_id', 'a' || n % 10, 'mode', 'auto', 'title', null,"
        " 'consumption_offsets', '{\"client\": 0}'::jsonb, 'agent_states', '[]'::jsonb,"
        " 'metadata', '{}'::jsonb, 'labels', '[]'::jsonb"
    ),
    "customers": (
        "'id', 'c' || n, 'version', '0.1.0', 'creation_utc', pg_temp.moment(n),"
        " 'name', 'Customer ' || n, 'extra', '{}'::jsonb"
    ),
    "customer_tag_associations": (
        "'id', 't' || n, 'version', '0.1.0', 'creation_utc', pg_temp.moment(n),"
        f" 'customer_id', 'c' || n / {TAGS_PER_CUSTOMER}, 'tag_id', 'tag' || n % 97"
    ),
    "variables": (
        "'id', 'v' || n, 'version', '0.3.0', 'creation_utc', pg_temp.moment(n),"
        " 'name', 'Variable ' || n, 'description', null, 'tool_id', null, 'freshness_rules', null"
    ),
    "values": (
        "'id', 'x' || n, 'version', '0.3.0', 'creation_utc', pg_temp.moment(n),"
        f" 'last_modified', pg_temp.moment(n), 'variable_id', 'v' || n % {VARIABLES},"
        f" 'key', 'c' || n / {VARIABLES}, 'data', n"
    ),
    "documents": (
        "'id', 'd' || n, 'version', '0.1.0', 'creation_utc', pg_temp.moment(n),"
        " 'session_id', 's' || n, 'message', 'Where is my order? ' || md5(n::text)"
    ),
}


class Dataset:
    """The documents of three stores under one prefix, in tables of parlant_supabase.

    Args:
        connection: To the database, as superuser.
        environment: The stack.
        prefix: What the tables' names begin with.
        events: How many events; a multiple of those in one session, and of those in a hundred if
            there are more.
        customers: How many customers; each has two tags, and a value of each of two variables.
        events_per_session: How many events each session has.
    """

    def __init__(
        self,
        connection: psycopg.Connection,
        environment: Environment,
        prefix: str,
        events: int,
        customers: int = 0,
        events_per_session: int = EVENTS_PER_SESSION,
    ) -> None:
        self.prefix = prefix
        self.events = events
        self.sessions = events // events_per_session
        self.customers = customers
        self._connection = connection
        self._environment = environment
        self._events_per_session = events_per_session

    @property
    def place(self) -> Place:
        """Where contenders find it."""
        return self._environment.place(self.prefix)

    def event_id(self, number: int) -> str:
        """The id of the event of that number, from 0."""
        return "e" + md5(str(number).encode()).hexdigest()[:12]

    def session_id(self, number: int) -> str:
        """The id of the session of that number; the first ones have all of their 20 events."""
        return f"s{number}"

    def customer_id(self, number: int) -> str:
        """The id of the customer of that number."""
        return f"c{number}"

    def table(self, collection: str) -> str:
        """The collection's table."""
        prefix = next(
            (
                store.prefix_under(self.prefix)
                for store in STORES
                if collection in store.collections
            ),
            self.prefix,
        )
        return self._table(prefix, collection)

    async def fill(self) -> None:
        """Makes the tables and writes the documents."""
        counts = {
            "sessions": self.sessions,
            "events": self.events,
            "customers": self.customers,
            "customer_tag_associations": self.customers * TAGS_PER_CUSTOMER,
            "variables": VARIABLES if self.customers else 0,
            "variable_tag_associations": 0,
            "values": self.customers * VARIABLES,
        }
        for store in STORES:
            for collection in store.collections:
                self._fill(store.prefix_under(self.prefix), collection, counts[collection])
        # Makes the indexes that the stores ask for, after the rows are there, which is faster.
        async with open_stores(self.place):
            pass
        self._clean_up([self.table(collection) for collection in counts])

    def fill_documents(self, count: int) -> None:
        """Makes and fills the collection `documents`."""
        self._fill(self.prefix, "documents", count)
        self._clean_up([self.table("documents")])

    def copy_to_table_api(self) -> None:
        """Gives the table API the same documents, in tables of its own."""
        for store in STORES:
            for collection in (*store.collections, METADATA):
                prefix = store.prefix_under(self.prefix)
                table_api.make_table(
                    self._connection, prefix, collection, self._table(prefix, collection)
                )
        self._environment.stack.reload_schema()

    def copy_documents_to_table_api(self) -> None:
        """Gives the table API the same collection `documents`."""
        table_api.make_table(self._connection, self.prefix, "documents", self.table("documents"))
        self._environment.stack.reload_schema()

    def copy_to_files(self) -> None:
        """Writes the same documents to JSON files."""
        for store in STORES:
            self._copy_to_file(store.prefix_under(self.prefix), (*store.collections, METADATA))

    def copy_documents_to_file(self) -> None:
        """Writes the collection `documents` to a JSON file."""
        self._copy_to_file(self.prefix, ("documents",))

    def _fill(self, prefix: str, collection: str, count: int) -> None:
        self._connection.execute(
            "select public.parlant_get_or_create_collection(%s, %s)", [prefix, collection]
        )
        if count:
            self._execute("drop function if exists pg_temp.moment")
            self._execute(_MOMENT)
            self._execute(
                f"insert into public.{self._table(prefix, collection)} (data)"  # noqa: S608
                f" select jsonb_build_object({self._documents(collection)})"
                f" from generate_series(0, {count - 1}) as n"
            )

    def _documents(self, collection: str) -> str:
        at_a_time = max(1, min(self.sessions, _MOST_AT_A_TIME))
        return (
            _DOCUMENTS[collection]
            .replace("at_a_time", str(at_a_time))
            .replace("per_session", str(self._events_per_session))
        )

    def _clean_up(self, tables: list[str]) -> None:
        # Else autovacuum would, while something is being measured.
        for table in tables:
            self._execute(f"vacuum analyze public.{table}")
        self._execute("checkpoint")

    def _copy_to_file(self, prefix: str, collections: tuple[str, ...]) -> None:
        content = {
            collection: [
                document
                for (document,) in self._execute(
                    f"select data from public.{self._table(prefix, collection)}"  # noqa: S608
                )
            ]
            for collection in collections
        }
        json_file.file_of(self.place, prefix).write_text(json.dumps(content), "utf-8")

    def _table(self, prefix: str, collection: str) -> str:
        row = self._connection.execute(
            "select table_name from parlant_internal.collections"
            " where prefix = %s and collection = %s",
            [prefix, collection],
        ).fetchone()
        assert row is not None
        name: str = row[0]
        return name

    def _execute(self, statement: str) -> psycopg.Cursor[tuple[object, ...]]:
        return self._connection.execute(statement)
