-- purpose:           The table prefix of the store that a collection belongs to.
-- p_collection:      the collection's name
-- p_session_prefix:  table prefix of the session store
-- p_customer_prefix: table prefix of the customer store
-- p_variable_prefix: table prefix of the context variable store
-- returns:           one of the three; NULL for metadata, which each store has, and for any other
-- raises:            nothing
create or replace function parlant_internal.store_prefix(
  p_collection text,
  p_session_prefix text,
  p_customer_prefix text,
  p_variable_prefix text
)
returns text
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select
    case s.store
      when 'sessions' then p_session_prefix
      when 'customers' then p_customer_prefix
      else p_variable_prefix
    end
  from parlant_internal.store_collections() as s
  where s.collection = p_collection and s.collection <> 'metadata'
$$;

comment on function parlant_internal.store_prefix(text, text, text, text) is
'Table prefix of the store that a collection belongs to.';

revoke all on function parlant_internal.store_prefix(text, text, text, text)
from public, anon, authenticated;
grant execute on function parlant_internal.store_prefix(text, text, text, text) to service_role;
