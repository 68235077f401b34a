-- purpose:  Which of the views for people are there, with the statements that make those that are not.
-- returns:  [{"view": text, "state": "made" | "waiting" | "missing" | "left alone", "repair": text}, ...];
--           waiting for tables that are not there yet; missing though its tables are there; left alone
--           because something else has the name. The last two have a repair
-- raises:   nothing
create or replace function parlant_internal.diagnose_views()
returns jsonb
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_definition record;
  v_view regclass;
  v_state text;
  v_repair text;
  v_views jsonb := '[]';
begin
  for v_definition in
    select
      s.prefix || d.name as view_name,
      count(
        case
          when c.table_name is not null then to_regclass(format('%I.%I', 'public', c.table_name))
        end
      ) = cardinality(d.collections) as has_tables,
      format(
        'select %I.parlant_create_views(%L, %L, %L, %L);',
        'public', s.prefix, s.session_prefix, s.customer_prefix, s.variable_prefix) as make
    from parlant_internal.view_sets as s
    cross join parlant_internal.view_definitions() as d
    left join parlant_internal.collections as c
      on c.collection = any (d.collections)
        and c.prefix = parlant_internal.store_prefix(
          c.collection, s.session_prefix, s.customer_prefix, s.variable_prefix)
    group by s.prefix, d.name, d.collections
    order by 1
  loop
    v_view := to_regclass(format('%I.%I', 'public', v_definition.view_name));
    v_repair := null;

    if parlant_internal.is_our_view(v_view) then
      v_state := 'made';
    elsif v_view is not null then
      v_state := 'left alone';
      v_repair := format(
        'alter table %s rename to %I; %s',
        v_view, left(v_definition.view_name, 59) || '_own', v_definition.make);
    elsif v_definition.has_tables then
      v_state := 'missing';
      v_repair := v_definition.make;
    else
      v_state := 'waiting';
    end if;

    v_views := v_views || jsonb_strip_nulls(
      jsonb_build_object('view', v_definition.view_name, 'state', v_state, 'repair', v_repair));
  end loop;

  return v_views;
end;
$$;

comment on function parlant_internal.diagnose_views() is
'Which of the views for people are there.';

revoke all on function parlant_internal.diagnose_views() from public, anon, authenticated;
grant execute on function parlant_internal.diagnose_views() to service_role;
