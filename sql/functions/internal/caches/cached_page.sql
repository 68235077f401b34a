-- purpose:   Reads cached values, those that were used last first. A page ends past 4 MB, so that neither
--            side needs memory for more.
-- p_table:   the table, which table_of() names
-- p_version: the version of the entries
-- p_after:   "next" of the page before, or NULL for the first
-- returns:   {"values": {id: text, ...}, "next": {...} | null}
-- raises:    nothing
--
-- An entry that another server uses between two pages moves to the front, and may be missed. It is then
-- computed again, as any entry that is not there.
create or replace function parlant_internal.cached_page(
  p_table regclass,
  p_version text,
  p_after jsonb
)
returns jsonb
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  c_max_entries constant integer := 5000;
  c_max_characters constant integer := 4000000;
  -- As the index on last_used_utc has it.
  c_last_use constant text := parlant_internal.order_key('d.data -> ''last_used_utc''');
  v_row record;
  v_entries integer := 0;
  v_characters integer := 0;
  v_ids text[] := '{}';
  v_values text[] := '{}';
begin
  for v_row in execute format(
    'select d.id, d.data ->> ''value'' as value, d.data -> ''last_used_utc'' as last_used_utc'
    ' from %1$s as d where d.version = $1 and %3$s order by %2$s desc, d.id desc limit $3',
    p_table,
    c_last_use,
    case
      when p_after is null then 'true'
      else format(
        '(%s, d.id) < (%s, $2 ->> ''id'')',
        c_last_use,
        parlant_internal.order_key('$2 -> ''last_used_utc'''))
    end)
  using p_version, p_after, c_max_entries + 1
  loop
    if v_entries = c_max_entries or v_characters > c_max_characters then
      return jsonb_build_object('values', jsonb_object(v_ids, v_values), 'next', p_after);
    end if;

    v_entries := v_entries + 1;
    v_characters := v_characters + length(v_row.value);
    v_ids := v_ids || v_row.id;
    v_values := v_values || v_row.value;
    p_after := jsonb_build_object('last_used_utc', v_row.last_used_utc, 'id', v_row.id);
  end loop;

  return jsonb_build_object('values', jsonb_object(v_ids, v_values), 'next', null);
end;
$$;

comment on function parlant_internal.cached_page(regclass, text, jsonb) is
'Next page of cached values.';

revoke all on function parlant_internal.cached_page(regclass, text, jsonb) from public, anon, authenticated;
grant execute on function parlant_internal.cached_page(regclass, text, jsonb) to service_role;
