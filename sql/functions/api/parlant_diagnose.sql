-- purpose:     Everything about the installation that `parlant-supabase doctor` looks at, in one request. It
--              changes nothing.
-- p_functions: names of functions that the caller needs
-- p_indexes:   the indexes that Parlant's stores ask for, by collection:
--              {collection: [{"fields": [[field, "asc" | "desc"], ...], "unique": bool}, ...], ...}
-- returns:     {"now": seconds since 1970 by the database's clock,
--               "functions": {"missing": [...], "denied": [...], "open": {...}},
--               "collections": [{"prefix": text, "collection": text, "documents": {...}, "failed": {...},
--                "indexes": [...], "forget": text | null, "make_failed": text | null}, ...],
--               "unregistered": [{"table": text, "repair": text}, ...],
--               "views": [...]};
--              unregistered are tables of ours that the registry does not know; the views, and of each
--              collection its table, its table of failed documents and its indexes, are as the diagnose_
--              functions say; where its table is not there, forget is the statement that takes it out of the
--              registry; where only that of failed documents is not, make_failed makes it
-- raises:      nothing
-- example:     select public.parlant_diagnose();
create or replace function public.parlant_diagnose(
  p_functions text[] default '{}',
  p_indexes jsonb default '{}'
)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'now', extract(epoch from clock_timestamp()),
    'functions', parlant_internal.diagnose_functions(p_functions),
    'collections',
    (
      select
        coalesce(
          jsonb_agg(
            jsonb_build_object(
              'prefix', d.prefix,
              'collection', d.collection,
              'documents', d.documents,
              'failed', d.failed,
              'indexes',
              case
                when (d.documents -> 'exists')::boolean
                  then parlant_internal.diagnose_indexes(
                    d.prefix, d.collection, p_indexes -> d.collection)
                else '[]'
              end,
              'forget',
              case
                when not (d.documents -> 'exists')::boolean
                  then format(
                    'delete from parlant_internal.collections where prefix = %L and collection = %L;',
                    d.prefix, d.collection)
              end,
              'make_failed',
              case
                when (d.documents -> 'exists')::boolean and not (d.failed -> 'exists')::boolean
                  then format(
                    'create table %I.%I (like parlant_internal.failed_document_shape including all);'
                    ' select parlant_internal.lock_down_table(%L);',
                    'public', d.failed ->> 'table', d.failed ->> 'table')
              end)
            order by d.prefix, d.collection),
          '[]')
      from (
        select
          c.prefix,
          c.collection,
          parlant_internal.diagnose_table(c.table_name, null) as documents,
          parlant_internal.diagnose_table(c.failed_table_name, 'seq') as failed
        from parlant_internal.collections as c
        -- Otherwise each mention of a table's diagnosis would make it anew.
        offset 0
      ) as d
    ),
    'unregistered',
    (
      select
        coalesce(
          jsonb_agg(
            jsonb_build_object(
              'table', u.table_name,
              'repair',
              format(
                'select parlant_internal.create_collection_tables(%L, %L);', u.prefix, u.collection))
            order by u.table_name),
          '[]')
      from parlant_internal.unregistered_tables() as u
    ),
    'views', parlant_internal.diagnose_views()
  )
$$;

comment on function public.parlant_diagnose(text[], jsonb) is
'What can be wrong with the installation of parlant-supabase.';

revoke all on function public.parlant_diagnose(text[], jsonb) from public, anon, authenticated;
grant execute on function public.parlant_diagnose(text[], jsonb) to service_role;
