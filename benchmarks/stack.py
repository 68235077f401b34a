"""The stack that is measured, with the functions that only the benchmarks have."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from parlant_supabase.deployment.package_files import find_project
from parlant_supabase.local import LocalStack

_FLOORS = """
create function public.parlant_bench_noop() returns jsonb
language sql stable set search_path = '' as $$ select '{}'::jsonb $$;

create table public.parlant_bench_commits (number bigint);
create function public.parlant_bench_commit() returns jsonb
language sql volatile set search_path = '' as $$
  insert into public.parlant_bench_commits values (1);
  select '{}'::jsonb
$$;

revoke all on function public.parlant_bench_noop() from public, anon, authenticated;
revoke all on function public.parlant_bench_commit() from public, anon, authenticated;
grant execute on function public.parlant_bench_noop() to service_role;
grant execute on function public.parlant_bench_commit() to service_role;
grant insert on public.parlant_bench_commits to service_role;
"""


@dataclass(frozen=True)
class Place:
    """Where a contender finds its documents.

    Attributes:
        url: The project's, or that of a proxy before it.
        key: The service_role key.
        database_url: For direct connections, as the role `postgres`.
        directory: For files.
        prefix: What the names of tables and files begin with.
    """

    url: str
    key: str
    database_url: str
    directory: str
    prefix: str


@dataclass(frozen=True)
class Environment:
    """A running stack and an empty directory for files."""

    stack: LocalStack
    directory: Path

    def place(self, prefix: str, url: str | None = None) -> Place:
        """Where a contender finds the documents under a prefix, be it through a proxy."""
        return Place(
            url or self.stack.url,
            self.stack.service_role_key,
            self.stack.database_url,
            str(self.directory),
            prefix,
        )


@contextmanager
def environment(directory: Path) -> Iterator[Environment]:
    """A stack with the project deployed, which writes to disk what it commits."""
    with LocalStack.temporary(durable=True) as stack:
        stack.deploy(find_project())
        with psycopg.connect(stack.database_url, autocommit=True) as connection:
            connection.execute(_FLOORS)
        stack.reload_schema()
        yield Environment(stack, directory)
