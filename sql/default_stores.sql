-- The views and tables of the three stores under their default prefixes, so that they stand in the dashboard
-- before the first agent starts. Other prefixes get theirs on first use, by the same function.
insert into parlant_internal.view_sets (prefix, session_prefix, customer_prefix, variable_prefix)
values (
  'parlant_',
  parlant_internal.default_prefix('parlant_', 'sessions'),
  parlant_internal.default_prefix('parlant_', 'customers'),
  parlant_internal.default_prefix('parlant_', 'context_variables')
)
on conflict (prefix) do nothing;

select
  parlant_internal.create_collection_tables(
    parlant_internal.default_prefix('parlant_', s.store), s.collection
  )
from parlant_internal.store_collections() as s;
