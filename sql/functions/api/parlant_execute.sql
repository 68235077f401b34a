-- purpose:  Carries out several calls in one request, in their order, each with a reply or an error of its
--           own: a call that fails undoes itself and no other. They are committed together, so if the
--           request as a whole fails, none has happened.
-- p_calls:  [{"function": name without "parlant_", "arguments": [{name: value, ...}, ...]}, ...]: for each
--           function, a list of the arguments of each call of it; those in a list have the same names
-- returns:  {"results": [{"reply": {...}} | {"error": {"code", "message", "detail", "hint"}}, ...]},
--           one for each call, in their order
-- raises:   PD008 invalid argument
-- example:  select public.parlant_execute('[{"function": "get_version", "arguments": [{}]}]');
create or replace function public.parlant_execute(p_calls jsonb)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_calls jsonb;
  v_lists jsonb[];
  v_list jsonb;
  v_replies jsonb[];
  v_results jsonb[] := '{}';
  v_code text;
  v_message text;
  v_detail text;
  v_hint text;
begin
  if coalesce(jsonb_typeof(p_calls), 'null') <> 'array'
    or jsonb_path_exists(p_calls, '$[*] ? (!(exists(@.arguments) && @.arguments.type() == "array"))') then
    raise exception using
      errcode = 'PD008',
      message = 'the calls must be a list of functions, each with a list of arguments',
      hint = 'Write [{"function": "find_one", "arguments": [{...}, ...]}, ...].';
  end if;

  -- What one call locks stays locked until all are committed. So that no two batches ever wait for each
  -- other, each first takes its turn at whatever it is going to write, all of them in one order.
  perform pg_advisory_xact_lock(k.key)
  from (
    select distinct hashtextextended(parlant_internal.write_key(a.value), 0) as key
    from jsonb_array_elements(p_calls) as c
    join pg_catalog.pg_proc as p on p.proname = 'parlant_' || (c.value ->> 'function')
    cross join jsonb_array_elements(c.value -> 'arguments') as a
    where p.pronamespace = 'public'::regnamespace and p.provolatile = 'v'
    order by key
  ) as k;

  -- One statement for all calls of a list costs a quarter less than one for each. If any of them fails, all
  -- are undone, and each is carried out by itself: whatever goes wrong in one call is that call's own result.
  for v_calls in select c.value from jsonb_array_elements(p_calls) as c loop
    v_lists := array[v_calls -> 'arguments'];

    while cardinality(v_lists) > 0 loop
      v_list := v_lists[1];
      v_lists := v_lists[2:];

      begin
        execute parlant_internal.call_statement(v_calls ->> 'function', v_list -> 0)
        into v_replies using v_list;
        v_results := v_results || v_replies;
      exception when others then
        if jsonb_array_length(v_list) > 1 then
          v_lists := array(select jsonb_build_array(a.value) from jsonb_array_elements(v_list) as a);
          continue;
        end if;

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
  end loop;

  return jsonb_build_object('results', to_jsonb(v_results));
end;
$$;

comment on function public.parlant_execute(jsonb) is
'Carries out several calls in one request, each with a result of its own.';

revoke all on function public.parlant_execute(jsonb) from public, anon, authenticated;
grant execute on function public.parlant_execute(jsonb) to service_role;
