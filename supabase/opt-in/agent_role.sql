-- Makes a role for the agent, which may use the tables, functions and views of parlant-supabase, those of
-- prefixes that are made later too, and nothing else of the project. With the service role's key an agent
-- could read every table of the project; this role cannot.
--
-- To use it, copy this file into supabase/migrations/ under a name with a new timestamp and run
-- `supabase db push`. Then give the agent a key of that role as SUPABASE_KEY: on a hosted project a secret
-- key whose template names the role, elsewhere a JWT with the claim "role": "parlant_agent", signed with the
-- project's JWT secret. docs/security.md shows the command for each.

do $$
begin
  if to_regrole('parlant_agent') is null then
    create role parlant_agent nologin noinherit;
  end if;
end;
$$;

-- PostgREST connects as authenticator and becomes the role that the key names.
grant parlant_agent to authenticator;

select parlant_internal.opt_in('parlant_agent', 'agent');

notify pgrst, 'reload schema';
