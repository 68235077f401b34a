-- purpose:      Which rows of a collection's table are a customer's or those of sessions.
-- p_collection: the collection
-- p_is_failed:  whether it is the table of the collection's failed documents
-- returns:      text of an SQL condition, over the alias a, for rows of the customer $1 and of the
--               sessions $2, either of which may be NULL; NULL for a collection that holds nothing
--               personal
-- raises:       nothing
create or replace function parlant_internal.personal_condition(p_collection text, p_is_failed boolean)
returns text
language plpgsql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return case p_collection
    when 'events' then
      case when p_is_failed then 'a.data ->> ''session_id'' = any ($2)' else 'a.session_id = any ($2)' end
    when 'sessions' then
      case
        when p_is_failed then '(a.data ->> ''customer_id'' = $1 or a.id = any ($2))'
        else '(a.customer_id = $1 or a.id = any ($2))'
      end
    when 'values' then 'a.data ->> ''key'' = $1'
    when 'customer_tag_associations' then
      case when p_is_failed then 'a.data ->> ''customer_id'' = $1' else 'a.customer_id = $1' end
    when 'customers' then
      case when p_is_failed then '(a.id = $1 or a.data ->> ''id'' = $1)' else 'a.id = $1' end
  end;
end;
$$;

comment on function parlant_internal.personal_condition(text, boolean) is
'SQL condition for rows of a customer or of sessions.';

revoke all on function parlant_internal.personal_condition(text, boolean)
from public, anon, authenticated;
grant execute on function parlant_internal.personal_condition(text, boolean) to service_role;
