begin;
create extension if not exists pgtap with schema extensions;
select plan(2);

set local role service_role;

select is(
  array(
    select jsonb_object_keys(public.parlant_get_version())
    order by 1
  ),
  '{compatible_since,sql_version}'::text[],
  'the deployed version is told'
);

select
  ok(
    (v.version -> 'compatible_since')::integer between 1 and (v.version -> 'sql_version')::integer,
    'its own adapter works with it'
  )
from public.parlant_get_version() as v (version);

select f.line from finish() as f (line);
rollback;
