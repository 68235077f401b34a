-- purpose: Where the arguments of a call name the documents that it may write, for each function that can be
--          carried out together with other calls. A function that writes and is not here goes by itself.
-- returns: rows: the function's name without "parlant_"; the collection, or NULL if the call names it; the
--          argument that holds the id, or NULL for the arguments as a whole; the path of the id in there; and
--          whether the document may be inserted
-- raises:  nothing
create or replace function parlant_internal.write_targets()
returns table (function text, collection text, argument text, id_path jsonpath, inserted boolean)
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  values
    ('insert_one', null, 'p_document', '$.id'::jsonpath, true),
    ('update_one', null, 'p_filters', '$.id."$eq"', false),
    ('update_one', null, 'p_params', '$.id', true),
    ('delete_one', null, 'p_filters', '$.id."$eq"', false),
    ('create_event', 'sessions', 'p_event', '$.session_id', false),
    ('create_event', 'events', 'p_event', '$.id', true),
    ('update_session', 'sessions', null, '$.p_session_id', false),
    ('create_events', 'sessions', null, '$.p_session_id', false),
    ('create_events', 'sessions', 'p_params', '$.id', true),
    ('create_events', 'events', 'p_events', '$[*].id', true),
    ('update_session_labels', 'sessions', null, '$.p_session_id', false),
    ('update_session_metadata', 'sessions', null, '$.p_session_id', false),
    ('create_customer', 'customers', 'p_customer', '$.id', true),
    ('create_customer', 'customer_tag_associations', 'p_associations', '$[*].id', true),
    ('update_customer', 'customers', null, '$.p_customer_id', false),
    ('update_customer', 'customers', 'p_params', '$.id', true),
    ('upsert_customer_tag', 'customers', 'p_association', '$.customer_id', false),
    ('upsert_customer_tag', 'customer_tag_associations', 'p_association', '$.id', true),
    ('remove_customer_tag', 'customers', null, '$.p_customer_id', false),
    ('create_variable', 'variables', 'p_variable', '$.id', true),
    ('create_variable', 'variables', 'p_associations', '$[*].variable_id', false),
    ('create_variable', 'variable_tag_associations', 'p_associations', '$[*].id', true),
    ('update_variable', 'variables', null, '$.p_variable_id', false),
    ('update_variable', 'variables', 'p_params', '$.id', true),
    ('add_variable_tag', 'variables', 'p_association', '$.variable_id', false),
    ('add_variable_tag', 'variable_tag_associations', 'p_association', '$.id', true),
    ('remove_variable_tag', 'variables', null, '$.p_variable_id', false)
$$;

comment on function parlant_internal.write_targets() is
'Where the calls of a batch name the documents that they may write.';

revoke all on function parlant_internal.write_targets() from public, anon, authenticated;
grant execute on function parlant_internal.write_targets() to service_role;
