-- purpose:      Drops a collection's table with the views of ours that read it, and forgets the collection.
--               The table of its failed documents stays.
-- p_prefix:     the store's table prefix
-- p_collection: the collection's name
-- returns:      nothing
-- raises:       PD004 collection not found
--
-- Security definer, because only its owner may drop a table. It drops registered tables only.
create or replace function parlant_internal.drop_collection_table(
  p_prefix text,
  p_collection text
)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_table text;
begin
  lock table parlant_internal.collections in share row exclusive mode;

  v_table := parlant_internal.table_of(p_prefix, p_collection);
  perform parlant_internal.drop_views_on(to_regclass(v_table));
  execute format('drop table %s', v_table);

  if p_collection = 'sessions' then
    perform parlant_internal.forget_turns(p_prefix);
  end if;

  delete from parlant_internal.collections as c
  where c.prefix = p_prefix and c.collection = p_collection;
end;
$$;

comment on function parlant_internal.drop_collection_table(text, text) is
'Drops a collection''s table and its entry in the registry.';

revoke all on function parlant_internal.drop_collection_table(text, text)
from public, anon, authenticated;
grant execute on function parlant_internal.drop_collection_table(text, text) to service_role;
