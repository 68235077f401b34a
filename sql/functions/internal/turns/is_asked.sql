-- purpose:      Whether a customer's message is there to be answered, and has not been deleted.
-- p_events:     the table of events, which table_of() names
-- p_session_id: the session's id
-- p_question:   the message's offset; NULL for none
-- returns:      whether it is there
-- raises:       nothing
create or replace function parlant_internal.is_asked(p_events regclass, p_session_id text, p_question bigint)
returns boolean
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_asked boolean;
begin
  execute format(
    'select exists (select from %s as d where d.session_id = $1 and %s = to_jsonb($2)'
    ' and d.data -> ''deleted'' is distinct from ''true'')',
    p_events, parlant_internal.order_key('d.data -> ''offset'''))
  into v_asked
  using p_session_id, p_question;

  return v_asked;
end;
$$;

comment on function parlant_internal.is_asked(regclass, text, bigint) is
'Whether a customer''s message is there to be answered.';

revoke all on function parlant_internal.is_asked(regclass, text, bigint) from public, anon, authenticated;
grant execute on function parlant_internal.is_asked(regclass, text, bigint) to service_role;
