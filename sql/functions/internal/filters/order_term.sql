-- purpose:     The SQL expression by which a field is indexed and sorted: its column, or its order key.
--              create_index and compile_sort both take it from here; an index serves a sort only if the
--              two are the same to the letter. Missing comes before everything else.
-- p_field:     the field's name
-- p_direction: 'asc' or 'desc'
-- returns:     text of one term of an index definition or an ORDER BY clause
-- raises:      nothing
create or replace function parlant_internal.order_term(p_field text, p_direction text)
returns text
language sql
immutable
parallel safe
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select
    coalesce(
      quote_ident(parlant_internal.column_of(p_field)),
      format('(%s)', parlant_internal.order_key(format('data -> %L', p_field))))
    || case p_direction when 'asc' then ' asc' else ' desc' end
    || case
      when parlant_internal.column_of(p_field) is null
        or p_field in ('id', 'version', 'creation_utc') then ''
      when p_direction = 'asc' then ' nulls first'
      else ' nulls last'
    end
$$;

comment on function parlant_internal.order_term(text, text) is
'SQL expression by which a field is indexed and sorted.';

revoke all on function parlant_internal.order_term(text, text)
from public, anon, authenticated;
grant execute on function parlant_internal.order_term(text, text) to service_role;
