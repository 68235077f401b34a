-- purpose:  Carries out several calls in one request, in their order, each with a reply or an error of its
--           own: a call that fails undoes itself and no other. They are committed together, so if the
--           request as a whole fails, none has happened.
--           A call that cannot be carried out together with others, because it writes documents that its
--           arguments do not name and somebody holds one of them, or a table with a unique index besides that
--           on the id, has the error 55P03; send it by itself.
-- p_calls:  [{"function": name without "parlant_", "arguments": [{name: value, ...}, ...]}, ...]: for each
--           function, a list of the arguments of each call of it; those in a list have the same names; 200
--           calls at most
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
  -- What they lock stays locked until all are committed, and Postgres ends a statement after 8 seconds.
  c_max_calls constant integer := 200;
  v_count bigint;
  v_has_unique_index boolean;
  v_statement text;
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

  select coalesce(sum(jsonb_array_length(c.value -> 'arguments')), 0) into v_count
  from jsonb_array_elements(p_calls) as c;
  if greatest(v_count, jsonb_array_length(p_calls)) > c_max_calls then
    raise exception using
      errcode = 'PD008',
      message = format('a batch may hold at most %s calls, got %s', c_max_calls, v_count),
      hint = 'Send several batches.';
  end if;

  -- A call by itself waits as it does without a batch, holding nothing.
  if v_count > 1 then
    v_has_unique_index := parlant_internal.lock_batch(p_calls);
    perform set_config('parlant.in_batch', 'on', true);
  end if;

  -- One statement for all calls of a list costs a quarter less than one for each. If any of them fails, all
  -- are undone, and each is carried out by itself: whatever goes wrong in one call is that call's own result.
  for v_calls in select c.value from jsonb_array_elements(p_calls) as c loop
    v_lists := array[v_calls -> 'arguments'];

    while cardinality(v_lists) > 0 loop
      v_list := v_lists[1];
      v_lists := v_lists[2:];

      begin
        -- Refuses what is no function of ours, before it is asked whether it may share a batch.
        v_statement := parlant_internal.call_statement(v_calls ->> 'function', v_list -> 0);
        if v_count > 1 then
          perform parlant_internal.require_batchable(
            v_calls ->> 'function', case when v_has_unique_index then v_list end);
        end if;

        execute v_statement into v_replies using v_list;
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
