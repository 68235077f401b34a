-- purpose:           Whether no row of a customer or of sessions is left, as one may be that another
--                    transaction held while the others were deleted.
-- p_session_prefix:  table prefix of the session store
-- p_customer_prefix: table prefix of the customer store; NULL to leave it out
-- p_variable_prefix: table prefix of the context variable store; NULL to leave it out
-- p_customer_id:     the customer's id, or NULL
-- p_session_ids:     the ids of the sessions
-- returns:           whether none is left
-- raises:            nothing
create or replace function parlant_internal.is_erased(
  p_session_prefix text,
  p_customer_prefix text,
  p_variable_prefix text,
  p_customer_id text,
  p_session_ids text[]
)
returns boolean
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select not exists (
    select from jsonb_each_text(parlant_internal.count_personal_rows(
      p_session_prefix, p_customer_prefix, p_variable_prefix, p_customer_id, p_session_ids)) as t
    where t.value <> '0'
  )
$$;

comment on function parlant_internal.is_erased(text, text, text, text, text[]) is
'Whether no row of a customer or of sessions is left.';

revoke all on function parlant_internal.is_erased(text, text, text, text, text[])
from public, anon, authenticated;
grant execute on function parlant_internal.is_erased(text, text, text, text, text[])
to service_role;
