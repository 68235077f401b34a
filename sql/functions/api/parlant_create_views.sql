-- purpose:           Makes the views that people read for stores under prefixes of your own; the default
--                    stores have theirs. It may be called at any time: views that are there are made again,
--                    those whose tables are not there are made with the tables.
-- p_prefix:          what the names of the views begin with
-- p_session_prefix:  table prefix of the session store; NULL for p_prefix and sessions_
-- p_customer_prefix: table prefix of the customer store; NULL for p_prefix and customers_
-- p_variable_prefix: table prefix of the context variable store; NULL for p_prefix and context_variables_
-- returns:           {"views": {name: "made" | "waiting" | "left alone", ...}}; waiting for tables that are
--                    not there yet; left alone because something else has the name
-- raises:            PD006 invalid table name
-- example:           select public.parlant_create_views('acme_');
create or replace function public.parlant_create_views(
  p_prefix text,
  p_session_prefix text default null,
  p_customer_prefix text default null,
  p_variable_prefix text default null
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return jsonb_build_object(
    'views',
    parlant_internal.create_views(
      p_prefix,
      coalesce(p_session_prefix, parlant_internal.default_prefix(p_prefix, 'sessions')),
      coalesce(p_customer_prefix, parlant_internal.default_prefix(p_prefix, 'customers')),
      coalesce(p_variable_prefix, parlant_internal.default_prefix(p_prefix, 'context_variables'))));
end;
$$;

comment on function public.parlant_create_views(text, text, text, text) is
'Makes views of Parlant conversations for people.';

revoke all on function public.parlant_create_views(text, text, text, text)
from public, anon, authenticated;
grant execute on function public.parlant_create_views(text, text, text, text) to service_role;
