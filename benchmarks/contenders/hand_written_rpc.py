"""The limit of any adapter that calls functions: for each query one that does nothing else."""

from __future__ import annotations

import psycopg
from psycopg import sql
from supabase import AsyncClient

from benchmarks.operations import MESSAGE, Operation, point_operations

HAND_WRITTEN_RPC = "hand-written rpc"

_FUNCTIONS = """
create function public.parlant_bench_find(p_id text) returns jsonb
language plpgsql stable set search_path = '' as $$ begin
  return (select d.data from public.{table} as d where d.id = p_id);
end $$;
create function public.parlant_bench_insert(p_document jsonb) returns jsonb
language plpgsql volatile set search_path = '' as $$ begin
  insert into public.{table} (data) values (p_document);
  return '{{}}'::jsonb;
end $$;
create function public.parlant_bench_update(p_id text, p_params jsonb) returns jsonb
language plpgsql volatile set search_path = '' as $$ declare v_data jsonb; begin
  update public.{table} as d set data = d.data || p_params where d.id = p_id
  returning d.data into v_data;
  return v_data;
end $$;
create function public.parlant_bench_delete(p_id text) returns jsonb
language plpgsql volatile set search_path = '' as $$ declare v_data jsonb; begin
  delete from public.{table} as d where d.id = p_id returning d.data into v_data;
  return v_data;
end $$;
"""
_SIGNATURES = (
    *("parlant_bench_find(text)", "parlant_bench_insert(jsonb)"),
    *("parlant_bench_update(text, jsonb)", "parlant_bench_delete(text)"),
)


def create_functions(connection: psycopg.Connection, table: str) -> None:
    """Makes the functions, on one table; the API learns of them when its schema is reloaded."""
    connection.execute(sql.SQL(_FUNCTIONS).format(table=sql.Identifier(table)))
    for signature in _SIGNATURES:
        connection.execute(f"revoke all on function public.{signature} from public, anon")
        connection.execute(f"grant execute on function public.{signature} to service_role")


def document_operations(client: AsyncClient, count: int) -> dict[str, Operation]:
    """The calls of a DocumentCollection, as functions of their own."""
    changes = {"session_id": "s0", "message": MESSAGE}
    return point_operations(
        count,
        find_one=lambda id_: client.rpc("parlant_bench_find", {"p_id": id_}).execute(),
        insert_one=lambda document: client.rpc(
            "parlant_bench_insert", {"p_document": document}
        ).execute(),
        update_one=lambda id_: client.rpc(
            "parlant_bench_update", {"p_id": id_, "p_params": changes}
        ).execute(),
        delete_one=lambda id_: client.rpc("parlant_bench_delete", {"p_id": id_}).execute(),
    )
