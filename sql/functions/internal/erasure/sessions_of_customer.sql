-- purpose:          The sessions of a customer, also those of which nothing but a failed copy is left.
-- p_session_prefix: table prefix of the session store
-- p_customer_id:    the customer's id
-- p_limit:          the most sessions to return; NULL for all
-- returns:          their ids, in order
-- raises:           nothing
create or replace function parlant_internal.sessions_of_customer(
  p_session_prefix text,
  p_customer_id text,
  p_limit integer
)
returns text[]
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_queries text;
  v_ids text[];
begin
  select string_agg(
    format('(select a.id from %s as a where %s order by a.id limit $3)', t.table_name, t.condition), ' union ')
  into v_queries
  from parlant_internal.personal_tables(p_session_prefix, null, null) as t
  where t.collection = 'sessions';

  if v_queries is null then
    return '{}';
  end if;

  execute format(
    'select array(select s.id from (%s) as s (id) where s.id is not null order by s.id limit $3)', v_queries)
  into v_ids
  using p_customer_id, null::text[], p_limit;
  return v_ids;
end;
$$;

comment on function parlant_internal.sessions_of_customer(text, text, integer) is
'Sessions of a customer.';

revoke all on function parlant_internal.sessions_of_customer(text, text, integer)
from public, anon, authenticated;
grant execute on function parlant_internal.sessions_of_customer(text, text, integer)
to service_role;
