-- purpose:       The conversations: a row for each message that is not deleted. Oldest first within a session
--                is `order by event_offset`, newest first over all is `order by creation_utc desc`, which
--                reads an index.
-- session_id:    text; the session that the message is in
-- event_offset:  bigint; the message's place among the session's events, which are not all messages;
--                NULL if it is no integer of at most 18 digits
-- sent_at:       timestamptz; when it was sent, NULL if creation_utc is no moment as Parlant writes them
-- who:           text; the name of who sent it, as it was then
-- text:          text; what it says
-- source:        text; customer, customer_ui, ai_agent, human_agent, human_agent_on_behalf_of_ai_agent
--                or system
-- customer_id:   text; the session's customer
-- customer_name: text; the customer's name today
-- agent_id:      text; the session's agent
-- flagged:       boolean; whether moderation flagged it
-- tags:          text[]; what moderation flagged it for
-- trace_id:      text; what the logs call the turn that it belongs to
-- event_id:      text; the id of its event
-- creation_utc:  text; sent_at as it is stored and indexed
-- privileges:    select for service_role; readers see what they may select in the tables themselves
-- example:       select m.sent_at, m.who, m.text from public.parlant_messages as m
--                where m.session_id = 's1' order by m.event_offset;
create or replace function parlant_internal.messages_definition(
  out name text,
  out collections text[],
  out comment text,
  out query text
)
language plpgsql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $function$
begin
  name := 'messages';
  collections := '{events,sessions,customers}';
  comment := 'Messages of Parlant sessions, one per row: who said what and when.';
  query := $query$
    select
      e.session_id,
      case when (e.data -> 'offset')::text ~ '^-?[0-9]{1,18}([.][0-9]+)?$'
        then (e.data -> 'offset')::bigint end as event_offset,
      case when e.creation_utc ~ %1$L then e.creation_utc::timestamptz end as sent_at,
      coalesce(nullif(e.data #>> '{data,participant,display_name}', ''), e.data ->> 'source') as who,
      e.data #>> '{data,message}' as text,
      e.data ->> 'source' as source,
      s.customer_id,
      coalesce(c.data ->> 'name', case s.customer_id when 'guest' then 'Guest' end) as customer_name,
      s.agent_id,
      coalesce(e.data #> '{data,flagged}' = 'true', false) as flagged,
      array(
        select t.tag
        from jsonb_array_elements_text(
          case jsonb_typeof(e.data #> '{data,tags}') when 'array' then e.data #> '{data,tags}' end
        ) as t (tag)
      ) as tags,
      e.data ->> 'trace_id' as trace_id,
      e.id as event_id,
      e.creation_utc
    from %2$s as e
    left join %3$s as s on s.id = e.session_id
    left join %4$s as c on c.id = s.customer_id
    where e.data ->> 'kind' = 'message' and e.data -> 'deleted' is distinct from 'true'
  $query$;
end;
$function$;

comment on function parlant_internal.messages_definition() is
'Definition of the view messages.';

revoke all on function parlant_internal.messages_definition() from public, anon, authenticated;
grant execute on function parlant_internal.messages_definition() to service_role;
