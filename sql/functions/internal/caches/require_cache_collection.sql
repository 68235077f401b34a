-- purpose:      Refuses a collection that holds no cached values.
-- p_collection: the collection's name
-- returns:      nothing
-- raises:       PD008 invalid argument
create or replace function parlant_internal.require_cache_collection(p_collection text)
returns void
language plpgsql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  if not exists (
    select from parlant_internal.cache_collections() as c
    where c.collection = p_collection and c.holds_values
  ) then
    raise exception using
      errcode = 'PD008',
      message = format('collection %L holds no cached values', p_collection),
      hint = 'Pass cached_evaluations or cached_embeddings.';
  end if;
end;
$$;

comment on function parlant_internal.require_cache_collection(text) is
'Refuses a collection that holds no cached values.';

revoke all on function parlant_internal.require_cache_collection(text) from public, anon, authenticated;
grant execute on function parlant_internal.require_cache_collection(text) to service_role;
