-- purpose:           Reads what a turn of a conversation begins with, all of one moment: the session and its
--                    customer and, unless p_variable_prefix is NULL, the session's events, the variables and
--                    the values that they have for the customer.
-- p_prefix:          the session store's table prefix
-- p_session_id:      the session's id
-- p_customer_prefix: the customer store's table prefix
-- p_variable_prefix: the variable store's table prefix; NULL for the session and its customer alone
-- p_tag_lists:       [[tag id, ...], ...]; for each, the variables that parlant_list_variables would list
-- p_keys:            the keys of values that hold for every customer
-- returns:           {"session": {...} | null, "customer": {"document": {...} | null, "tags": [tag id, ...]},
--                    "events": [{...}, ...], "variables": [[{"document": {...}, "tags": [tag id, ...]}, ...],
--                    ...], "keys": [text, ...], "values": [{...}, ...]}; events are those that are not
--                    deleted, in order; keys are p_keys, the customer's id and "tag:" with each of its tags;
--                    values are those of the variables for the keys, one for each pair at most
-- raises:            PD004 collection not found, PD008 invalid argument
-- example:           select public.parlant_read_turn(
--                      'parlant_sessions_', 's1', 'parlant_customers_', 'parlant_context_variables_',
--                      '[["agent:a1"], []]', '{DEFAULT}');
--
-- Each part is what the function for it alone returns, so that is called: no second place says what is in it.
create or replace function public.parlant_read_turn(
  p_prefix text,
  p_session_id text,
  p_customer_prefix text,
  p_variable_prefix text default null,
  p_tag_lists jsonb default '[]',
  p_keys text[] default '{}'
)
returns jsonb
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  -- An agent asks for three: its own tag, no tag, and the tags that it has.
  c_max_lists constant integer := 20;
  v_session jsonb;
  v_customer jsonb;
  v_events jsonb := '[]';
  v_tags jsonb;
  v_variables jsonb := '[]';
  v_keys jsonb;
  v_values jsonb := '[]';
begin
  perform parlant_internal.require_list(
    p_tag_lists, 'lists of tags', 'Write [["agent:a1"], []].', c_max_lists);

  execute format(
    'select d.data from %s as d where d.id = $1', parlant_internal.table_of(p_prefix, 'sessions'))
  into v_session
  using p_session_id;

  v_customer := public.parlant_read_customer(p_customer_prefix, v_session ->> 'customer_id');
  v_keys := jsonb_path_query_array(to_jsonb(p_keys || array[v_session ->> 'customer_id']), '$[*] ? (@ != null)')
    || (
      select coalesce(jsonb_agg('tag:' || t.value), '[]')
      from jsonb_array_elements_text(v_customer -> 'tags') as t
    );

  if v_session is not null and p_variable_prefix is not null then
    v_events := public.parlant_list_events(p_prefix, p_session_id) -> 'documents';

    for v_tags in select l.value from jsonb_array_elements(p_tag_lists) as l loop
      perform parlant_internal.require_list(v_tags, 'tags', 'Write [["agent:a1"], []].');
      v_variables := v_variables || jsonb_build_array(
        public.parlant_list_variables(
          p_variable_prefix, array(select t.value from jsonb_array_elements_text(v_tags) as t)) -> 'items');
    end loop;

    v_values := parlant_internal.values_of(
      p_variable_prefix, jsonb_path_query_array(v_variables, '$[*][*].document.id'), v_keys);
  end if;

  return jsonb_build_object(
    'session', v_session,
    'customer', v_customer,
    'events', v_events,
    'variables', v_variables,
    'keys', v_keys,
    'values', v_values);
end;
$$;

comment on function public.parlant_read_turn(text, text, text, text, jsonb, text[]) is
'What a turn of a Parlant conversation begins with.';

revoke all on function public.parlant_read_turn(text, text, text, text, jsonb, text[])
from public, anon, authenticated;
grant execute on function public.parlant_read_turn(text, text, text, text, jsonb, text[]) to service_role;
