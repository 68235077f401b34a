-- purpose:  Lets a role in, now and after every later migration.
-- p_role:   the role's name
-- p_access: what it may do. documents: find, insert, update and delete documents, as far as grants on tables
--           and row level security policies of your own allow. functions: the same with every function that
--           runs as its caller. agent: all that service_role may do with parlant-supabase, in tables that are
--           made later too
-- returns:  nothing
-- raises:   PD008 invalid argument
create or replace function parlant_internal.opt_in(p_role name, p_access text)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_access is null or p_access not in ('documents', 'functions', 'agent') then
    raise exception using
      errcode = 'PD008',
      message = format('unknown access %L', p_access),
      hint = 'It is documents, functions or agent.';
  end if;

  if to_regrole(quote_ident(p_role)) is null then
    raise exception using
      errcode = 'PD008',
      message = format('there is no role %L', p_role),
      hint = 'Make it with "create role … nologin noinherit" first.';
  end if;

  insert into parlant_internal.opt_ins (role_name, access)
  values (p_role, p_access)
  on conflict do nothing;

  perform parlant_internal.apply_opt_ins();
end;
$$;

comment on function parlant_internal.opt_in(name, text) is
'Lets a role use parlant-supabase.';

revoke all on function parlant_internal.opt_in(name, text)
from public, anon, authenticated, service_role;
