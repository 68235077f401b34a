-- purpose:           The sessions, a row each, with what was said last. Newest first is
--                    `order by creation_utc desc`, which reads an index.
-- session_id:        text; the session's id
-- title:             text; its title
-- customer_id:       text; its customer
-- customer_name:     text; the customer's name today
-- agent_id:          text; its agent
-- mode:              text; auto, or manual while a person answers instead of the agent
-- labels:            text[]; its labels
-- metadata:          jsonb; what the application keeps with it
-- created_at:        timestamptz; when it began, NULL if creation_utc is no moment as Parlant writes them
-- messages:          bigint; how many messages it has, deleted ones not counted
-- first_message_at:  timestamptz; when the first of them was sent, NULL if there is none
-- last_message_at:   timestamptz; when the last of them was sent
-- last_message_from: text; the name of who sent that
-- last_message:      text; what that says
-- creation_utc:      text; created_at as it is stored and indexed
-- privileges:        select for service_role; readers see what they may select in the tables themselves
-- example:           select s.customer_name, s.messages, s.last_message
--                    from public.parlant_session_overview as s order by s.creation_utc desc limit 20;
create or replace function parlant_internal.session_overview_definition(
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
  name := 'session_overview';
  collections := '{sessions,events,customers}';
  comment := 'Parlant sessions, one per row: whose they are, how long, and what was said last.';
  -- Of a session's events one pass, and none at all when no column that needs it is asked for.
  query := $query$
    select
      s.id as session_id,
      s.data ->> 'title' as title,
      s.customer_id,
      coalesce(c.data ->> 'name', case s.customer_id when 'guest' then 'Guest' end) as customer_name,
      s.agent_id,
      s.data ->> 'mode' as mode,
      array(
        select l.label
        from jsonb_array_elements_text(
          case jsonb_typeof(s.data -> 'labels') when 'array' then s.data -> 'labels' end
        ) as l (label)
        order by l.label
      ) as labels,
      s.data -> 'metadata' as metadata,
      case when s.creation_utc ~ %1$L then s.creation_utc::timestamptz end as created_at,
      m.messages,
      case when m.first_utc ~ %1$L then m.first_utc::timestamptz end as first_message_at,
      case when m.last_utc ~ %1$L then m.last_utc::timestamptz end as last_message_at,
      coalesce(nullif(e.data #>> '{data,participant,display_name}', ''), e.data ->> 'source')
        as last_message_from,
      e.data #>> '{data,message}' as last_message,
      s.creation_utc
    from %2$s as s
    left join %4$s as c on c.id = s.customer_id
    left join lateral (
      select
        count(*) as messages,
        min(o.creation_utc) as first_utc,
        max(o.creation_utc) as last_utc,
        (array_agg(o.id order by o.creation_utc desc, o.id desc))[1] as last_id
      from %3$s as o
      where o.session_id = s.id
        and o.data ->> 'kind' = 'message' and o.data -> 'deleted' is distinct from 'true'
    ) as m on true
    left join %3$s as e on e.id = m.last_id
  $query$;
end;
$function$;

comment on function parlant_internal.session_overview_definition() is
'Definition of the view session_overview.';

revoke all on function parlant_internal.session_overview_definition() from public, anon, authenticated;
grant execute on function parlant_internal.session_overview_definition() to service_role;
