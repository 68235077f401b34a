-- purpose:      Makes the views of one set, or brings them to what their definitions say now. A relation of
--               the user's own that has a view's name is left alone, with a warning. Grants that the user
--               gave on a view of ours are kept.
-- p_prefix:     the set's prefix
-- p_collection: only views that read this collection; NULL for all
-- returns:      {view's name: "made" | "waiting" | "left alone", ...}; waiting for tables that are not there
-- raises:       PD006 invalid table name
create or replace function parlant_internal.make_views(p_prefix text, p_collection text)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  -- All that matches can be cast: days that the month has, no year 0, offsets that Postgres takes. It is
  -- not a function, which readers of the views would need the right to execute. It has no backslash, which
  -- means another thing where standard_conforming_strings is off.
  c_moment constant text :=
    '^((?!0000)[0-9]{4}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])'
    '|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))'
    '|([0-9]{2}(0[48]|[2468][048]|[13579][26])|(0[48]|[2468][048]|[13579][26])00)-02-29)'
    'T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]{1,9})?'
    '(Z|[+-](0[0-9]|1[0-5]):[0-5][0-9])$';
  v_definition record;
  v_view text;
  v_relation regclass;
  v_state text;
  v_states jsonb := '{}';
begin
  for v_definition in
    select
      p_prefix || d.name as view_name,
      d.query,
      d.comment,
      count(c.table_name) = cardinality(d.collections) as is_complete,
      array_agg(format('%I.%I', 'public', c.table_name) order by n.position)
        filter (where c.table_name is not null) as tables
    from parlant_internal.view_sets as s
    cross join parlant_internal.view_definitions() as d
    cross join unnest(d.collections) with ordinality as n (collection, position)
    left join parlant_internal.collections as c
      on c.collection = n.collection
        and c.prefix = parlant_internal.store_prefix(
          n.collection, s.session_prefix, s.customer_prefix, s.variable_prefix)
        and to_regclass(format('%I.%I', 'public', c.table_name)) is not null
    where s.prefix = p_prefix
      and (p_collection is null or p_collection = any (d.collections))
    group by d.name, d.collections, d.query, d.comment
    order by d.name
  loop
    if octet_length(v_definition.view_name) > 63 then
      raise exception using
        errcode = 'PD006',
        message = format('view name %I is too long', v_definition.view_name),
        detail = 'Postgres cuts names at 63 bytes.',
        hint = 'Give the views a shorter prefix.';
    end if;

    v_view := format('%I.%I', 'public', v_definition.view_name);
    v_relation := to_regclass(v_view);

    if v_relation is not null and not parlant_internal.is_our_view(v_relation) then
      v_state := 'left alone';
      raise warning 'parlant-supabase: % is not a view of parlant-supabase and was left alone', v_view
        using hint = 'To have the view too, rename yours and call parlant_create_views again.';
    elsif not v_definition.is_complete then
      v_state := 'waiting';
      -- It would go on showing the rows of stores that the set was for before. Not while collections are
      -- being made: in a database restored without the registry it reads a table that comes next.
      if p_collection is null then
        execute format('drop view if exists %s', v_view);
      end if;
    else
      v_state := 'made';
      execute format(
        'create or replace view %s with (security_invoker = true) as %s',
        v_view, format(v_definition.query, variadic c_moment || v_definition.tables));
      execute format(
        'comment on view %s is %L', v_view, v_definition.comment || ' View of parlant-supabase.');
      -- Default privileges of the project may have granted anything.
      if v_relation is null then
        execute format('revoke all on table %s from public, anon, authenticated, service_role', v_view);
        execute format('grant select on table %s to service_role', v_view);
      end if;
    end if;

    v_states := v_states || jsonb_build_object(v_definition.view_name, v_state);
  end loop;

  return v_states;
end;
$$;

comment on function parlant_internal.make_views(text, text) is
'Makes the views of one set.';

revoke all on function parlant_internal.make_views(text, text)
from public, anon, authenticated, service_role;
