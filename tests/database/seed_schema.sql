-- What users of the earlier adapter have: the tables, indexes and policies that its instructions told them to
-- make by hand, under the names that they had there.
create function pg_temp.open_to_everybody(p_table text) returns void language plpgsql as $$
begin
  execute format('alter table %I enable row level security', p_table);
  execute format(
    'create policy %I on %I for all using (true) with check (true)',
    'Allow all operations on ' || p_table, p_table);
  -- Projects of that time granted every new table to the roles of the API.
  execute format('grant all on table %I to anon, authenticated, service_role', p_table);
end;
$$;

do $$
declare
  v_table record;
  v_column text;
begin
  for v_table in
    select *
    from (
      values
      ('parlant_sessions_', '{session_id,customer_id,agent_id}'::text[], true, true),
      ('parlant_sessions_metadata', '{}', false, false),
      ('parlant_sessions_events', '{session_id}', true, true),
      ('parlant_customers_', '{session_id,customer_id,agent_id}', true, true),
      ('parlant_customers_metadata', '{}', false, false),
      ('parlant_customers_customer_tag_associations', '{}', true, true),
      ('parlant_context_variables_', '{session_id,customer_id,agent_id}', true, true),
      ('parlant_context_variables_metadata', '{}', false, false),
      ('parlant_context_variables_variable_tag_associations', '{}', true, true),
      ('parlant_context_variables_values', '{}', true, true)
    ) as t (name, partly_indexed, data_indexed, has_failed)
  loop
    execute format(
      'create table %I (id text not null primary key, version text, creation_utc text, session_id text,'
      ' customer_id text, agent_id text, data jsonb not null default ''{}'')',
      v_table.name);
    execute format(
      'create index %I on %I (creation_utc)', format('idx_%s_creation_utc', v_table.name), v_table.name);
    foreach v_column in array v_table.partly_indexed loop
      execute format(
        'create index %I on %I (%I) where %3$I is not null',
        format('idx_%s_%s', v_table.name, v_column), v_table.name, v_column);
    end loop;
    if v_table.data_indexed then
      execute format(
        'create index %I on %I using gin (data)', format('idx_%s_data_gin', v_table.name), v_table.name);
    end if;
    perform pg_temp.open_to_everybody(v_table.name);

    if v_table.has_failed then
      execute format(
        'create table %I (id text, data jsonb default ''{}'')', v_table.name || '_failed_migrations');
      perform pg_temp.open_to_everybody(v_table.name || '_failed_migrations');
    end if;
  end loop;
end;
$$;
