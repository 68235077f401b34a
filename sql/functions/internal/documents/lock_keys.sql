-- purpose: Takes the advisory locks of documents until the end of the transaction, in the one order that all
--          callers keep, waiting for whoever holds one. A call that writes several documents takes the locks
--          of all that it can name before it locks any row, so that no two such calls wait for each other in
--          a circle.
-- p_keys:  keys, as document_key() gives them; NULLs are passed over
-- returns: nothing
-- raises:  PD008 invalid argument
create or replace function parlant_internal.lock_keys(p_keys bigint[])
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  -- Postgres keeps these locks in a table in memory that all connections share: some 6,400 with its defaults.
  c_max_keys constant integer := 1000;
  v_keys bigint[];
  v_key bigint;
begin
  -- The usual numbers, which need no sorting by a query.
  if cardinality(p_keys) = 1 then
    perform pg_advisory_xact_lock(p_keys[1]);
    return;
  elsif cardinality(p_keys) = 2 and p_keys[1] <= p_keys[2] then
    perform pg_advisory_xact_lock(p_keys[1]), pg_advisory_xact_lock(p_keys[2]);
    return;
  elsif cardinality(p_keys) = 2 and p_keys[1] > p_keys[2] then
    perform pg_advisory_xact_lock(p_keys[2]), pg_advisory_xact_lock(p_keys[1]);
    return;
  end if;

  v_keys := array(
    select distinct k.key from unnest(p_keys) as k (key)
    where k.key is not null
    order by k.key);

  if cardinality(v_keys) > c_max_keys then
    raise exception using
      errcode = 'PD008',
      message = format('a call may write at most %s documents, got %s', c_max_keys, cardinality(v_keys)),
      hint = 'Write fewer documents at once.';
  end if;

  foreach v_key in array v_keys loop
    perform pg_advisory_xact_lock(v_key);
  end loop;
end;
$$;

comment on function parlant_internal.lock_keys(bigint[]) is
'Takes the advisory locks of documents in the order that all callers keep.';

revoke all on function parlant_internal.lock_keys(bigint[]) from public, anon, authenticated;
grant execute on function parlant_internal.lock_keys(bigint[]) to service_role;
