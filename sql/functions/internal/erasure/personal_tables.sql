-- purpose:           The tables that hold documents of a customer or a session, in the order in which
--                    they are erased, and which rows of each.
-- p_session_prefix:  table prefix of the session store
-- p_customer_prefix: table prefix of the customer store; NULL to leave it out
-- p_variable_prefix: table prefix of the context variable store; NULL to leave it out
-- returns:           a row for each table that exists: the collection; whether it holds the collection's
--                    failed documents; the table's quoted, qualified name; and its personal_condition()
-- raises:            nothing
create or replace function parlant_internal.personal_tables(
  p_session_prefix text,
  p_customer_prefix text,
  p_variable_prefix text
)
returns table (collection text, is_failed boolean, table_name text, condition text)
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  return query
  select p.collection, p.is_failed, t.name, parlant_internal.personal_condition(p.collection, p.is_failed)
  from (
    values
      (1, 'events', false),
      (2, 'events', true),
      (3, 'sessions', false),
      (4, 'sessions', true),
      (5, 'values', false),
      (6, 'values', true),
      (7, 'customer_tag_associations', false),
      (8, 'customer_tag_associations', true),
      (9, 'customers', true),
      (10, 'customers', false)
  ) as p (position, collection, is_failed)
  join parlant_internal.collections as c
    on c.collection = p.collection
      and c.prefix = parlant_internal.store_prefix(
        p.collection, p_session_prefix, p_customer_prefix, p_variable_prefix)
  cross join format(
    '%I.%I', 'public', case when p.is_failed then c.failed_table_name else c.table_name end) as t (name)
  where to_regclass(t.name) is not null
  order by p.position;
end;
$$;

comment on function parlant_internal.personal_tables(text, text, text) is
'Tables that hold documents of a customer or a session.';

revoke all on function parlant_internal.personal_tables(text, text, text)
from public, anon, authenticated;
grant execute on function parlant_internal.personal_tables(text, text, text) to service_role;
