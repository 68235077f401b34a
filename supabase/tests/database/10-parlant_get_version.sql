begin;
create extension if not exists pgtap with schema extensions;
select plan(3);

select is(
  (select count(*) from parlant_internal.installation), 1::bigint,
  'one installation is recorded'
);

select throws_ok(
  $$
    insert into parlant_internal.installation (singleton, sql_version, compatible_since)
    values (false, 1, 1)
  $$,
  '23514', null,
  'and there cannot be another'
);

update parlant_internal.installation as i
set sql_version = 7, compatible_since = 4
where i.singleton;

set local role service_role;

select is(
  public.parlant_get_version(),
  '{"sql_version": 7, "compatible_since": 4}'::jsonb,
  'the deployed version is told'
);

select f.line from finish() as f (line);
rollback;
