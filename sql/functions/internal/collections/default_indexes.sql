-- purpose:      The indexes for what Parlant's stores query without ever asking for an index. They are made
--               with every collection of that name, under any prefix.
-- p_collection: the collection's name
-- returns:      a row for each index: the fields, all ascending
-- raises:       nothing
create or replace function parlant_internal.default_indexes(p_collection text)
returns table (fields text[])
language plpgsql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
  select i.fields
  from (
    values
    ('events', '{session_id,creation_utc,id}'::text[]),
    ('sessions', '{agent_id,creation_utc,id}'),
    ('sessions', '{customer_id,creation_utc,id}'),
    ('customer_tag_associations', '{customer_id,tag_id}'),
    ('customer_tag_associations', '{tag_id}'),
    ('variable_tag_associations', '{variable_id,tag_id}'),
    ('variable_tag_associations', '{tag_id}'),
    ('values', '{variable_id,key}'),
    ('cached_evaluations', '{last_used_utc}'),
    ('cached_embeddings', '{last_used_utc}')
  ) as i (collection, fields)
  where i.collection = p_collection;
end;
$$;

comment on function parlant_internal.default_indexes(text) is
'Indexes made with a collection, by its name, beside those that the store asks for.';

revoke all on function parlant_internal.default_indexes(text) from public, anon, authenticated;
grant execute on function parlant_internal.default_indexes(text) to service_role;
