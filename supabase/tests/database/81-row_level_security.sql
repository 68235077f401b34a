-- Replies under row level security say what happened: nothing that a policy prevented is told as done.
begin;
create extension if not exists pgtap with schema extensions;
select plan(22);

select public.parlant_open_store('pgtap_x_', '{sessions,events}', '1');
select public.parlant_open_store('pgtap_x_', '{customers,customer_tag_associations}', '1');
select public.parlant_open_store('pgtap_x_', '{variables,variable_tag_associations,values}', '1');

insert into public.pgtap_x_sessions (data)
values
('{"id": "s1", "creation_utc": "1", "version": "0"}'),
('{"id": "s2", "creation_utc": "2", "version": "0"}');
insert into public.pgtap_x_customers (data) values ('{"id": "c1", "name": "Ann", "extra": {}}');
insert into public.pgtap_x_customer_tag_associations (data)
values ('{"id": "t1", "customer_id": "c1", "tag_id": "vip"}');
insert into public.pgtap_x_variables (data) values ('{"id": "v1", "name": "plan"}');
insert into public.pgtap_x_sessions_failed_migrations (id, data, reason)
values ('s2', '{"id": "s2", "creation_utc": "2", "version": "0"}', 'raised: x');

-- A role that may call everything and has the privileges on all tables, but not by their policies.

create role pgtap_user;
grant pgtap_user to postgres;
grant usage on schema public, parlant_internal, extensions to pgtap_user;
grant execute on all functions in schema public, parlant_internal to pgtap_user;
grant select on table parlant_internal.collections to pgtap_user;
create policy pgtap_registry on parlant_internal.collections for select to pgtap_user using (true);

create function pg_temp.let(p_command text, p_tables text[]) returns void language plpgsql as $$
declare
  v_table text;
begin
  foreach v_table in array p_tables loop
    execute format('grant select, insert, update, delete on public.%I to pgtap_user', v_table);
    execute format(
      'create policy pgtap_%s on public.%I for %1$s to pgtap_user using (true)', p_command, v_table);
  end loop;
end;
$$;

select pg_temp.let(
  'select',
  '{pgtap_x_sessions,pgtap_x_events,pgtap_x_customers,pgtap_x_customer_tag_associations,
    pgtap_x_variables,pgtap_x_variable_tag_associations,pgtap_x_values,
    pgtap_x_sessions_failed_migrations}'
);
-- What may be changed may be locked.
select pg_temp.let(
  'update',
  '{pgtap_x_customer_tag_associations,pgtap_x_sessions_failed_migrations}'
);

set local role pgtap_user;

-- Documents that may be read alone.

select is(
  public.parlant_update_one('pgtap_x_', 'sessions', '{"id": {"$eq": "s1"}}', '{"title": "x"}'),
  '{"matched_count": 0, "modified_count": 0, "updated_document": null}'::jsonb,
  'update_one of a document that may not be changed'
);
select is(
  public.parlant_delete_one('pgtap_x_', 'sessions', '{"id": {"$eq": "s1"}}'),
  '{"deleted_count": 0, "deleted_document": null}'::jsonb,
  'delete_one'
);
select is(
  public.parlant_update_session_metadata('pgtap_x_', 's1', '{"k": 1}'), '{"document": null}'::jsonb,
  'metadata of a session'
);
select is(
  public.parlant_update_session_labels('pgtap_x_', 's1', '{x}'), '{"document": null}'::jsonb,
  'labels of a session'
);
select is(
  public.parlant_delete_session('pgtap_x_', 's1'), '{"deleted": false, "deleted_events": 0}'::jsonb,
  'deletion of a session'
);
select is(
  public.parlant_update_customer('pgtap_x_', 'c1', '{"name": "x"}'),
  '{"document": null, "tags": []}'::jsonb,
  'a change of a customer'
);
select is(
  public.parlant_upsert_customer_tag('pgtap_x_', '{"id": "t2", "customer_id": "c1", "tag_id": "new"}'),
  '{"inserted": null}'::jsonb,
  'a tag of a customer'
);
select is(
  public.parlant_remove_customer_tag('pgtap_x_', 'c1', 'vip') -> 'removed', 'false'::jsonb,
  'removal of a tag that may be locked and not deleted'
);
select is(
  public.parlant_delete_customer('pgtap_x_', 'c1'), '{"deleted": false}'::jsonb,
  'deletion of a customer'
);
select is(
  public.parlant_update_variable('pgtap_x_', 'v1', '{"name": "x"}'),
  '{"document": null, "tags": []}'::jsonb,
  'a change of a variable'
);
select is(
  public.parlant_add_variable_tag('pgtap_x_', '{"id": "t3", "variable_id": "v1", "tag_id": "new"}'),
  '{"document": null, "tags": []}'::jsonb,
  'a tag of a variable'
);
select is(
  public.parlant_delete_variable('pgtap_x_', 'v1'), '{"deleted": false}'::jsonb,
  'deletion of a variable'
);
select throws_ok(
  $$select public.parlant_import_documents('pgtap_x_', 'sessions', '[{"id": "s1", "title": "x"}]', true)$$,
  '42501', null,
  'replacement in an import'
);
select is(
  public.parlant_drop_failed_documents('pgtap_x_', 'sessions', '[1]'), '{"dropped": 0}'::jsonb,
  'failed documents to drop'
);

select
  is(
    public.parlant_save_loaded_documents(
      'pgtap_x_', 'sessions',
      jsonb_build_array(jsonb_build_object(
        'id', s.id, 'digest', md5(s.data::text), 'outcome', 'changed', 'data', s.data || '{"title": "x"}'
      ))
    ),
    jsonb_build_object(
      'changed', 0, 'rejected', 0, 'raised', 0, 'next', null,
      'documents',
      jsonb_build_array(jsonb_build_object('id', s.id, 'digest', md5(s.data::text), 'data', s.data))
    ),
    'a document that may not be locked is seen again, with those that somebody else has locked'
  )
from public.pgtap_x_sessions as s
where s.id = 's1';
select is(
  public.parlant_save_loaded_documents(
    'pgtap_x_', 'sessions', '[{"id": "s1", "digest": "another", "outcome": "rejected"}]', '0'
  ) -> 'documents',
  '[]'::jsonb,
  'unless it has got to the store''s version'
);

-- Documents that may be changed and not deleted.

reset role;
select pg_temp.let('update', '{pgtap_x_sessions}');
create policy pgtap_insert on public.pgtap_x_sessions_failed_migrations for insert to pgtap_user
with check (true);
set local role pgtap_user;

select is(
  public.parlant_delete_one('pgtap_x_', 'sessions', '{"id": {"$eq": "s1"}}'),
  '{"deleted_count": 0, "deleted_document": null}'::jsonb,
  'delete_one of a document that may be locked and not deleted'
);
select is(
  public.parlant_save_loaded_documents(
    'pgtap_x_', 'sessions',
    (
      select
        jsonb_build_array(
          jsonb_build_object('id', s.id, 'digest', md5(s.data::text), 'outcome', 'rejected')
        )
      from public.pgtap_x_sessions as s
      where s.id = 's1'
    )
  ) -> 'rejected',
  '0'::jsonb,
  'a rejected document that may not be deleted has not moved'
);
select is_empty(
  'select from public.pgtap_x_sessions_failed_migrations as f where f.id = ''s1''',
  'and is not among the failed ones'
);

-- A trigger that leaves a row as it was.

reset role;
create function pg_temp.leave() returns trigger language plpgsql as 'begin return null; end';
create trigger leave before update on public.pgtap_x_sessions
for each row execute function pg_temp.leave();

select is(
  public.parlant_update_one('pgtap_x_', 'sessions', '{"id": {"$eq": "s1"}}', '{"title": "x"}'),
  '{"matched_count": 1, "modified_count": 0, "updated_document": null}'::jsonb,
  'update_one of a document that a trigger keeps as it was'
);
select is(
  public.parlant_save_loaded_documents(
    'pgtap_x_', 'sessions',
    (
      select
        jsonb_build_array(
          jsonb_build_object(
            'id',
            s.id,
            'digest',
            md5(s.data::text),
            'outcome',
            'changed',
            'data',
            s.data || '{"version": "1"}'
          )
        )
      from public.pgtap_x_sessions as s
      where s.id = 's1'
    )
  ) -> 'changed',
  '0'::jsonb,
  'what a loader made of it'
);
select is(
  public.parlant_restore_failed_documents(
    'pgtap_x_', 'sessions',
    (
      select jsonb_build_array(jsonb_build_object('seq', f.seq, 'data', f.data || '{"version": "1"}'))
      from public.pgtap_x_sessions_failed_migrations as f
    ),
    '1'
  ) #>> '{outcomes,0,outcome}',
  'occupied',
  'and a failed document that cannot take its place'
);

select f.line from finish() as f (line);
rollback;
