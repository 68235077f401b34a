-- purpose:         An event without what could name its customer. It is built from what statistics need, so
--                  that a field which a later Parlant adds is left out. Applied twice, it changes nothing
--                  more.
-- p_event:         the event's document
-- p_customer_id:   the id that takes the place of the customer's
-- p_keep_messages: whether the texts of messages stay, those that were deleted apart
-- returns:         the document
-- raises:          nothing
create or replace function parlant_internal.anonymized_event(
  p_event jsonb,
  p_customer_id text,
  p_keep_messages boolean
)
returns jsonb
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select p_event || jsonb_build_object(
    'metadata', '{}'::jsonb,
    'data', case p_event ->> 'kind'
      when 'message' then jsonb_build_object(
        'message', case
          when p_keep_messages and p_event -> 'deleted' is distinct from 'true' then p_event #> '{data,message}'
          else '"[removed]"'
        end,
        'participant', case
          when p_event ->> 'source' in ('customer', 'customer_ui')
            then jsonb_build_object('id', p_customer_id, 'display_name', 'Anonymous')
          else jsonb_build_object(
            'id', p_event #> '{data,participant,id}',
            'display_name', coalesce(p_event #> '{data,participant,display_name}', '""'))
        end)
      when 'tool' then jsonb_build_object(
        'tool_calls', coalesce(
          (
            select jsonb_agg(jsonb_build_object(
              'tool_id', t.call -> 'tool_id',
              'arguments', '{}'::jsonb,
              'result', '{"data": null, "metadata": {}, "control": {}, "canned_responses": [],
                "canned_response_fields": {}}'::jsonb) order by t.position)
            from jsonb_path_query(p_event, '$.data.tool_calls[*] ? (@.type() == "object")')
              with ordinality as t (call, position)
          ),
          '[]'))
      when 'status' then jsonb_build_object('status', p_event #> '{data,status}', 'data', '{}'::jsonb)
      else '{}'::jsonb
    end)
$$;

comment on function parlant_internal.anonymized_event(jsonb, text, boolean) is
'Event without what could name its customer.';

revoke all on function parlant_internal.anonymized_event(jsonb, text, boolean)
from public, anon, authenticated;
grant execute on function parlant_internal.anonymized_event(jsonb, text, boolean) to service_role;
