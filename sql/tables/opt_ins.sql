-- The roles that a file of supabase/opt-in/ has let in, and to what. Every migration grants it again, because
-- functions that it makes anew are closed to all but service_role.
create table if not exists parlant_internal.opt_ins (
  role_name name not null,
  access text not null,
  primary key (role_name, access)
);

comment on table parlant_internal.opt_ins is
'Roles besides service_role that may use parlant-supabase, and what they may do.';

alter table parlant_internal.opt_ins enable row level security;
revoke all on table parlant_internal.opt_ins from public, anon, authenticated, service_role;
