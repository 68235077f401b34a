-- purpose:  A moment as Parlant writes it: Python's datetime.isoformat() in UTC, which drops a microsecond
--           part of zero.
-- p_moment: the moment
-- returns:  text such as 2026-05-04T10:20:30.000400+00:00
-- raises:   nothing
--
-- In PL/pgSQL for the same reason as text_column().
create or replace function parlant_internal.iso_time(p_moment timestamptz)
returns text
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return replace(
    to_char(p_moment at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'), '.000000', ''
  ) || '+00:00';
end;
$$;

comment on function parlant_internal.iso_time(timestamptz) is
'A moment as Parlant writes it.';

revoke all on function parlant_internal.iso_time(timestamptz) from public, anon, authenticated;
grant execute on function parlant_internal.iso_time(timestamptz) to service_role;
