-- The private half of the installation: registry, table shapes and helper functions.
-- It is not among the exposed schemas, so nothing in it can be reached over HTTP by its own name.
create schema if not exists parlant_internal;

comment on schema parlant_internal is
'Private part of parlant-supabase. Do not add it to the exposed schemas.';

revoke all on schema parlant_internal from public, anon, authenticated;
grant usage on schema parlant_internal to service_role;

-- Every project grants this. It is gone where somebody dropped the schema and made it again.
do $$
begin
  if not has_schema_privilege('service_role', 'public', 'usage') then
    execute format('grant usage on schema %I to service_role', 'public');
  end if;
end;
$$;
