-- purpose:      The creation_utc of an event that was emitted some time before it is stored: the moment of
--               its emission by the database's clock, but after every event that the session has by now, so
--               that the order of times is that of offsets. The caller holds the session.
-- p_events:     the table of events, which table_of() names
-- p_session_id: the session's id
-- p_age:        how many seconds ago the event was emitted; NULL and less than 0 mean now
-- returns:      text, as iso_time() writes it
-- raises:       nothing
create or replace function parlant_internal.time_of_emission(
  p_events regclass,
  p_session_id text,
  p_age double precision
)
returns text
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  -- What is older than a day was not emitted by a turn that runs.
  c_max_age constant double precision := 86400;
  v_now timestamptz := clock_timestamp();
  v_emitted timestamptz;
  v_latest text;
begin
  v_emitted := v_now - least(greatest(coalesce(p_age, 0), 0), c_max_age) * interval '1 second';

  -- A time that lies ahead says nothing: anybody who may write an event may give it any.
  execute format(
    'select d.creation_utc from %s as d'
    ' where d.session_id = $1 and d.creation_utc >= $2 and d.creation_utc <= $3'
    ' order by d.creation_utc desc, d.id desc limit 1', p_events)
  into v_latest
  using p_session_id, parlant_internal.iso_time(v_emitted), parlant_internal.iso_time(v_now);

  if v_latest ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{6})?[+]00:00$' then
    v_emitted := v_latest::timestamptz + interval '1 microsecond';
  end if;

  return parlant_internal.iso_time(v_emitted);
end;
$$;

comment on function parlant_internal.time_of_emission(regclass, text, double precision) is
'The time of an event that was emitted before it is stored.';

revoke all on function parlant_internal.time_of_emission(regclass, text, double precision)
from public, anon, authenticated;
grant execute on function parlant_internal.time_of_emission(regclass, text, double precision) to service_role;
