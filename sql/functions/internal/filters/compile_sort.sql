-- purpose:  Compiles the sort of find_one. Missing fields and null come first, and documents that the sort
--           does not tell apart stay in the order of their insertion, as with Python's stable sort.
-- p_sort:   [[field, "asc" | "desc"], ...]; NULL or [] keeps the order of insertion
-- returns:  text for an ORDER BY clause
-- raises:   PD008 invalid argument
create or replace function parlant_internal.compile_sort(p_sort jsonb)
returns text
language plpgsql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  -- As many as an index may have.
  c_max_fields constant integer := 32;
  v_entry jsonb;
  v_field text;
  v_terms text[] := '{}';
begin
  if p_sort is null then
    return 'd.seq, d.id';
  end if;

  if jsonb_typeof(p_sort) <> 'array' then
    raise exception using
      errcode = 'PD008',
      message = format('the sort must be a list, got %s', jsonb_typeof(p_sort)),
      hint = 'Write [["field", "asc"], ...].';
  end if;

  if jsonb_array_length(p_sort) > c_max_fields then
    raise exception using
      errcode = 'PD008',
      message = format('the sort names more than %s fields', c_max_fields),
      hint = 'Name the few that matter.';
  end if;

  for v_entry in select s.value from jsonb_array_elements(p_sort) as s loop
    v_field := parlant_internal.sort_entry_field(v_entry);
    v_terms := v_terms || parlant_internal.order_term(v_field, v_entry ->> 1);
    if parlant_internal.column_of(v_field) is null then
      -- Tells apart what the order key, which ends after 100 characters, does not.
      v_terms := v_terms || format(
        '(case jsonb_typeof(data -> %1$L) when ''string'' then data ->> %1$L end) collate "C" %2$s',
        v_field, v_entry ->> 1);
    elsif v_field <> 'id' then
      -- Tells apart what the column, which holds strings alone, does not.
      v_terms := v_terms || format(
        '(%s) %s', parlant_internal.order_key(format('data -> %L', v_field)), v_entry ->> 1);
    end if;
  end loop;

  return array_to_string(v_terms || 'd.seq, d.id'::text, ', ');
end;
$$;

comment on function parlant_internal.compile_sort(jsonb) is
'ORDER BY text for the sort of find_one.';

revoke all on function parlant_internal.compile_sort(jsonb) from public, anon, authenticated;
grant execute on function parlant_internal.compile_sort(jsonb) to service_role;
