-- The tables of the three stores under their default prefixes, so that they stand in the dashboard
-- before the first agent starts. Other prefixes get theirs on first use, by the same function.
select parlant_internal.create_collection_tables(s.prefix, s.collection)
from (
  values
  ('parlant_sessions_', 'metadata'),
  ('parlant_sessions_', 'sessions'),
  ('parlant_sessions_', 'events'),
  ('parlant_customers_', 'metadata'),
  ('parlant_customers_', 'customers'),
  ('parlant_customers_', 'customer_tag_associations'),
  ('parlant_context_variables_', 'metadata'),
  ('parlant_context_variables_', 'variables'),
  ('parlant_context_variables_', 'variable_tag_associations'),
  ('parlant_context_variables_', 'values')
) as s (prefix, collection);
