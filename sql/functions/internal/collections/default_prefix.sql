-- purpose:   The table prefix of a store that is given none of its own.
-- p_prefix:  what the prefixes of all three stores begin with, such as parlant_
-- p_store:   the store's name, as store_collections() has it
-- returns:   such as parlant_sessions_
-- raises:    nothing
create or replace function parlant_internal.default_prefix(p_prefix text, p_store text)
returns text
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select p_prefix || p_store || '_'
$$;

comment on function parlant_internal.default_prefix(text, text) is
'Table prefix of a store that is given none of its own.';

revoke all on function parlant_internal.default_prefix(text, text) from public, anon, authenticated;
grant execute on function parlant_internal.default_prefix(text, text) to service_role;
