-- purpose:  Parlant's three persistable stores and the collections of each. store_layout.py of the adapter
--           holds the same.
-- returns:  a row for each collection: the store's name, with which its default table prefix ends, and the
--           collection's name
-- raises:   nothing
create or replace function parlant_internal.store_collections()
returns table (store text, collection text)
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  values
    ('sessions', 'metadata'),
    ('sessions', 'sessions'),
    ('sessions', 'events'),
    ('customers', 'metadata'),
    ('customers', 'customers'),
    ('customers', 'customer_tag_associations'),
    ('context_variables', 'metadata'),
    ('context_variables', 'variables'),
    ('context_variables', 'variable_tag_associations'),
    ('context_variables', 'values')
$$;

comment on function parlant_internal.store_collections() is
'Parlant''s three persistable stores and the collections of each.';

revoke all on function parlant_internal.store_collections() from public, anon, authenticated;
grant execute on function parlant_internal.store_collections() to service_role;
