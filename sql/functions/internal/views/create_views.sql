-- purpose:           Notes for which stores there are to be views, and makes them.
-- p_prefix:          what the names of the views begin with
-- p_session_prefix:  table prefix of the session store
-- p_customer_prefix: table prefix of the customer store
-- p_variable_prefix: table prefix of the context variable store
-- returns:           {view's name: "made" | "waiting" | "left alone", ...}, as make_views() says
-- raises:            PD006 invalid table name
--
-- Security definer, because making views needs more than service_role has. It makes the views that are
-- defined, and every name goes through %I.
create or replace function parlant_internal.create_views(
  p_prefix text,
  p_session_prefix text,
  p_customer_prefix text,
  p_variable_prefix text
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_states jsonb;
begin
  if coalesce(p_prefix, '') = '' then
    raise exception using
      errcode = 'PD006',
      message = 'the prefix of views must not be empty',
      hint = 'Give them one of their own, such as acme_.';
  end if;

  -- Whoever makes tables or views takes turns here.
  lock table parlant_internal.collections in share row exclusive mode;

  update parlant_internal.view_sets as s
  set
    session_prefix = p_session_prefix,
    customer_prefix = p_customer_prefix,
    variable_prefix = p_variable_prefix
  where s.prefix = p_prefix;
  if not found then
    insert into parlant_internal.view_sets (prefix, session_prefix, customer_prefix, variable_prefix)
    values (p_prefix, p_session_prefix, p_customer_prefix, p_variable_prefix);
  end if;

  v_states := parlant_internal.make_views(p_prefix, null);
  perform parlant_internal.apply_opt_ins();
  -- They are for the API, too.
  perform pg_notify('pgrst', 'reload schema');

  return v_states;
end;
$$;

comment on function parlant_internal.create_views(text, text, text, text) is
'Notes for which stores there are to be views, and makes them.';

revoke all on function parlant_internal.create_views(text, text, text, text)
from public, anon, authenticated;
grant execute on function parlant_internal.create_views(text, text, text, text) to service_role;
