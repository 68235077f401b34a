-- purpose:      Which of the indexes that a collection's table should have are there, with the
--               statements that make the others without blocking writers.
-- p_prefix:     the store's table prefix
-- p_collection: the collection's name; its table exists
-- p_requested:  what a store of Parlant's gives to ensure_indexes for such a collection:
--               [{"fields": [[field, "asc" | "desc"], ...], "unique": bool}, ...], or NULL
-- returns:      [{"fields": [[field, direction], ...], "origin": "table" | "default" | "requested",
--               "present": bool, "repair": text | null}, ...]; an index that is both is a default one
-- raises:       PD004 collection not found
create or replace function parlant_internal.diagnose_indexes(
  p_prefix text,
  p_collection text,
  p_requested jsonb
)
returns jsonb
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_table text := parlant_internal.table_of(p_prefix, p_collection);
begin
  return (
    with
    -- The indexes that come with the table itself have names of Postgres's choice.
    of_table as (
      select
        t.fields,
        'table' as origin,
        exists (
          select
          from pg_catalog.pg_index as i
          where
            i.indrelid = v_table::regclass
            and i.indisvalid
            and t.columns = array(
              select a.attname::text
              from unnest(i.indkey) with ordinality as k (attnum, position)
              inner join pg_catalog.pg_attribute as a
                on a.attrelid = i.indrelid and k.attnum = a.attnum
              order by k.position
            )
        ) as present,
        t.repair
      from (
        values
        (
          '[["id", "asc"]]'::jsonb, '{id}'::text[],
          parlant_internal.key_repair(v_table::regclass, 'id')
        ),
        (
          '[["creation_utc", "asc"], ["id", "asc"]]', '{creation_utc,id}',
          format('create index concurrently on %s (creation_utc, id);', v_table)
        ),
        (
          '[["version", "asc"], ["seq", "asc"]]', '{version,seq}',
          format('create index concurrently on %s (version, seq);', v_table)
        )
      ) as t (fields, columns, repair)
    ),

    by_definition as (
      select
        (
          select jsonb_agg(jsonb_build_array(f.field, 'asc') order by f.position)
          from unnest(d.fields) with ordinality as f (field, position)
        ) as fields,
        false as is_unique,
        'default' as origin
      from parlant_internal.default_indexes(p_collection) as d
      union all
      select
        r.value -> 'fields' as fields,
        (r.value -> 'unique')::boolean as is_unique,
        'requested' as origin
      from jsonb_array_elements(coalesce(p_requested, '[]')) as r
    ),

    wanted as (
      select t.fields, false as is_unique, t.origin, t.present, t.repair
      from of_table as t
      union all
      select
        d.fields,
        d.is_unique,
        min(d.origin) as origin,
        exists (
          select
          from pg_catalog.pg_index as i
          inner join pg_catalog.pg_class as c on i.indexrelid = c.oid
          where
            i.indrelid = v_table::regclass
            and i.indisvalid
            and c.relname
            = parlant_internal.index_name(p_prefix, p_collection, d.fields, d.is_unique)
        ) as present,
        null as repair
      from by_definition as d
      where d.is_unique or d.fields not in (select t.fields from of_table as t)
      group by d.fields, d.is_unique
    )

    select
      jsonb_agg(
        jsonb_build_object(
          'fields', w.fields, 'origin', w.origin, 'present', w.present,
          'repair', case
            when not w.present
              then coalesce(
                w.repair,
                parlant_internal.index_repair(p_prefix, p_collection, w.fields, w.is_unique))
          end)
        order by w.origin, w.fields)
    from wanted as w
  );
end;
$$;

comment on function parlant_internal.diagnose_indexes(text, text, jsonb) is
'Which of the indexes that a collection''s table should have are there.';

revoke all on function parlant_internal.diagnose_indexes(text, text, jsonb)
from public, anon, authenticated;
grant execute on function parlant_internal.diagnose_indexes(text, text, jsonb) to service_role;
