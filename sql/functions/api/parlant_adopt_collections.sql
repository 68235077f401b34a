-- purpose:       Registers those of some collections whose tables are there, made by hand from the script of
--                the earlier adapter, and makes none.
-- p_prefix:      the prefix of the tables
-- p_collections: names of collections
-- returns:       {"collections": [text, ...]}; those of the collections that are registered now
-- raises:        PD006 invalid table name, PD007 table not ours, PD008 invalid argument
-- example:       select public.parlant_adopt_collections('chat_', '{sessions,events,customers}');
--
-- Tables that are there are adopted, which takes longer than a request may if they hold many rows.
create or replace function public.parlant_adopt_collections(p_prefix text, p_collections text[])
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
set statement_timeout = '55s'
as $$
declare
  -- Each has two tables, and what a call creates is locked until it ends.
  c_max_collections constant integer := 50;
  v_collection text;
begin
  if cardinality(p_collections) > c_max_collections then
    raise exception using
      errcode = 'PD008',
      message = format(
        'at most %s collections may be in a call, got %s', c_max_collections, cardinality(p_collections)),
      hint = 'Make several calls.';
  end if;

  foreach v_collection in array p_collections loop
    if to_regclass(
      format('%I.%I', 'public', parlant_internal.table_name_for(p_prefix, v_collection))) is not null
      and not exists (
        select from parlant_internal.collections as c
        where c.table_name = parlant_internal.table_name_for(p_prefix, v_collection)
      )
    then
      perform parlant_internal.create_collection_tables(p_prefix, v_collection);
    end if;
  end loop;

  return jsonb_build_object(
    'collections',
    (
      select coalesce(jsonb_agg(c.collection order by c.collection), '[]')
      from parlant_internal.collections as c
      where c.prefix = p_prefix and c.collection = any (p_collections)
    ));
end;
$$;

comment on function public.parlant_adopt_collections(text, text[]) is
'Adopts the tables of Parlant document collections that were made by hand.';

revoke all on function public.parlant_adopt_collections(text, text[])
from public, anon, authenticated;
grant execute on function public.parlant_adopt_collections(text, text[]) to service_role;
