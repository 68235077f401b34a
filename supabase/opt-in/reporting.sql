-- Lets analysts count conversations without reading them: a schema with views of sessions, messages,
-- customers and variables, and a role that may read these views and nothing else. They hold ids, times,
-- counts, labels and tags. Texts, titles, names, metadata and values of variables are not in them.
--
-- To use it, copy this file into supabase/migrations/ under a name with a new timestamp and run
-- `supabase db push`. Then give each analyst a login of their own in the SQL editor:
--
--   create role ann login password '…' in role parlant_analyst;
--
-- The API does not show the schema; leave it so. The views read the tables as their owner, past row level
-- security. They are made of the overviews as these are now: to take over what a later version adds to an
-- overview, run this file again. Another prefix than parlant_ has to be changed in the block below.

do $$
begin
  if to_regrole('parlant_analyst') is null then
    create role parlant_analyst nologin;
  end if;
end;
$$;

create schema if not exists parlant_reporting;
revoke all on schema parlant_reporting from public, anon, authenticated, service_role;
grant usage on schema parlant_reporting to parlant_analyst;

do $$
declare
  v_view record;
begin
  for v_view in
    select *
    from (
      values
      (
        'sessions', 'session_overview',
        'session_id, customer_id, agent_id, mode, labels, created_at, messages, first_message_at, last_message_at'
      ),
      ('messages', 'messages', 'session_id, event_offset, sent_at, source, customer_id, agent_id, flagged, tags'),
      ('customers', 'customer_overview', 'customer_id, tags, created_at, sessions, last_session_at'),
      ('variables', 'variable_overview', 'variable_id, variable_name, modified_at')
    ) as v (name, overview, columns)
  loop
    -- The overview's own query, because a view in a view would be read with the analyst's rights.
    execute format(
      'create or replace view parlant_reporting.%I as select %s from (%s) as o',
      v_view.name, v_view.columns,
      rtrim(pg_get_viewdef(format('public.parlant_%s', v_view.overview)::regclass), ';'));
    -- Default privileges of the project may have granted anything.
    execute format(
      'revoke all on table parlant_reporting.%I from public, anon, authenticated, service_role', v_view.name);
    execute format('grant select on table parlant_reporting.%I to parlant_analyst', v_view.name);
  end loop;
end;
$$;
