-- purpose:  Carries out several calls in one request, in their order, each with a reply or an error of its
--           own: a call that fails undoes itself and no other. They are committed together, so if the
--           request as a whole fails, none has happened.
-- p_calls:  [{"function": name without "parlant_", "arguments": {...}}, ...]
-- returns:  {"results": [{"reply": {...}} | {"error": {"code", "message", "detail", "hint"}}, ...]},
--           one for each call, in their order
-- raises:   PD008 invalid argument
-- example:  select public.parlant_execute('[{"function": "get_version", "arguments": {}}]');
create or replace function public.parlant_execute(p_calls jsonb)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_call jsonb;
  v_shape text;
  -- Many calls in a batch are of few shapes.
  v_statements jsonb := '{}';
  v_reply jsonb;
  v_results jsonb[] := '{}';
  v_code text;
  v_message text;
  v_detail text;
  v_hint text;
begin
  if coalesce(jsonb_typeof(p_calls), 'null') <> 'array' then
    raise exception using
      errcode = 'PD008',
      message = format('the calls must be a list, got %s', coalesce(jsonb_typeof(p_calls), 'null')),
      hint = 'Write [{"function": "find_one", "arguments": {...}}].';
  end if;

  -- What one call locks stays locked until all are committed. So that no two batches ever wait for each
  -- other, each first takes its turn at whatever it is going to write, all of them in one order.
  perform pg_advisory_xact_lock(k.key)
  from (
    select distinct hashtextextended(parlant_internal.write_key(c.value -> 'arguments'), 0) as key
    from jsonb_array_elements(p_calls) as c
    join pg_catalog.pg_proc as p on p.proname = 'parlant_' || (c.value ->> 'function')
    where p.pronamespace = 'public'::regnamespace and p.provolatile = 'v'
    order by key
  ) as k;

  for v_call in select c.value from jsonb_array_elements(p_calls) as c loop
    -- Whatever goes wrong in one call is that call's own result.
    begin
      v_shape := (v_call ->> 'function')
        || array(select jsonb_object_keys(v_call -> 'arguments'))::text;
      if (v_statements ? v_shape) is not true then
        v_statements := v_statements || jsonb_build_object(
          v_shape,
          parlant_internal.call_statement(v_call ->> 'function', v_call -> 'arguments'));
      end if;

      execute v_statements ->> v_shape into v_reply using v_call -> 'arguments';
      v_results := v_results || jsonb_build_object('reply', v_reply);
    exception when others then
      get stacked diagnostics
        v_code = returned_sqlstate,
        v_message = message_text,
        v_detail = pg_exception_detail,
        v_hint = pg_exception_hint;
      v_results := v_results || jsonb_build_object(
        'error', jsonb_build_object(
          'code', v_code,
          'message', v_message,
          'detail', nullif(v_detail, ''),
          'hint', nullif(v_hint, '')));
    end;
  end loop;

  return jsonb_build_object('results', to_jsonb(v_results));
end;
$$;

comment on function public.parlant_execute(jsonb) is
'Carries out several calls in one request, each with a result of its own.';

revoke all on function public.parlant_execute(jsonb) from public, anon, authenticated;
grant execute on function public.parlant_execute(jsonb) to service_role;
