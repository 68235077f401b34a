begin;
create extension if not exists pgtap with schema extensions;
select plan(38);

set local role service_role;

select lives_ok(
  $$select public.parlant_create_collection('pgtap_batch_', 'things')$$,
  'a collection'
);

-- One call on the collection.
create function pg_temp.call(p_function text, p_arguments jsonb) returns jsonb language sql as $$
  select jsonb_build_object(
    'function', $1,
    'arguments', jsonb_build_array('{"p_prefix": "pgtap_batch_", "p_collection": "things"}'::jsonb || $2)
  )
$$;

select is(public.parlant_execute('[]'), '{"results": []}'::jsonb, 'no calls have no results');

select is(
  public.parlant_execute(jsonb_build_array(
    pg_temp.call('insert_one', '{"p_document": {"id": "a", "n": 1}}'),
    pg_temp.call('insert_one', '{"p_document": {"id": "b", "n": 2}}'),
    pg_temp.call('update_one', '{"p_filters": {"id": {"$eq": "a"}}, "p_params": {"n": 3}}'),
    pg_temp.call('find_one', '{"p_filters": null, "p_sort": [["n", "desc"]]}')
  )),
  '{"results": [
    {"reply": {"acknowledged": true, "inserted": true}},
    {"reply": {"acknowledged": true, "inserted": true}},
    {"reply": {"matched_count": 1, "modified_count": 1, "updated_document": {"id": "a", "n": 3}}},
    {"reply": {"document": {"id": "a", "n": 3}}}
  ]}'::jsonb,
  'calls are carried out in their order, each with its reply'
);

select is(
  public.parlant_execute(jsonb_build_array(
    pg_temp.call('insert_one', '{"p_document": {"id": "c"}}'),
    pg_temp.call('insert_one', '{"p_document": {"id": "a", "n": 9}}'),
    pg_temp.call('find', '{"p_filters": {"n": {"$x": 1}}}'),
    pg_temp.call('delete_one', '{"p_filters": {"id": {"$eq": "b"}}}')
  )),
  '{"results": [
    {"reply": {"acknowledged": true, "inserted": true}},
    {"error": {
      "code": "PD003", "message": "a different document with that id exists", "detail": null,
      "hint": "Nothing was overwritten. Use update_one to change a document, or another id."
    }},
    {"error": {
      "code": "PD001", "message": "invalid filter at filter[\"n\"][\"$x\"]: unknown operator",
      "detail": null,
      "hint": "The operators are $eq, $ne, $gt, $gte, $lt, $lte, $in and $nin."
    }},
    {"reply": {"deleted_count": 1, "deleted_document": {"id": "b", "n": 2}}}
  ]}'::jsonb,
  'a call that fails has its own error and undoes no other'
);

select is(
  (select array_agg(t.id order by t.id) from public.pgtap_batch_things as t), '{a,c}',
  'what the others did stays'
);

select is(
  public.parlant_execute(jsonb_build_array(
    pg_temp.call('find', '{"p_limit": 1, "p_sort_direction": "desc", "p_cursor": null}'),
    pg_temp.call('find', '{"p_limit": null}')
  )) #> '{results,0,reply}',
  '{"items": [{"id": "c"}], "total_count": 2, "has_more": true,
    "next_cursor": {"creation_utc": "", "id": "c"}}'::jsonb,
  'arguments have their types'
);

select is(
  public.parlant_execute(jsonb_build_array(
    pg_temp.call(
      'update_one',
      '{"p_filters": {"id": {"$eq": "d"}}, "p_params": {"id": "d"}, "p_upsert": true,
        "p_required_fields": ["id", "name"]}'
    )
  )) #>> '{results,0,error,code}',
  'PD009',
  'lists too'
);

select is(
  public.parlant_execute(jsonb_build_array(jsonb_build_object(
    'function', 'update_one',
    'arguments', (
      select
        jsonb_agg(jsonb_build_object(
          'p_prefix', 'pgtap_batch_', 'p_collection', 'things',
          'p_filters', jsonb_build_object('n', jsonb_build_object('$eq', n.n)),
          'p_params', jsonb_build_object('n', n.n + 1)
        ) order by n.n)
      from generate_series(3, 5) as n (n)
    )
  ))),
  '{"results": [
    {"reply": {"matched_count": 1, "modified_count": 1, "updated_document": {"id": "a", "n": 4}}},
    {"reply": {"matched_count": 1, "modified_count": 1, "updated_document": {"id": "a", "n": 5}}},
    {"reply": {"matched_count": 1, "modified_count": 1, "updated_document": {"id": "a", "n": 6}}}
  ]}'::jsonb,
  'each of several calls of one function sees what those before it did'
);

select is(
  (
    select jsonb_agg(e.value #> '{reply,inserted}' order by e.ordinality)
    from jsonb_array_elements(
      public.parlant_execute(jsonb_build_array(jsonb_build_object(
        'function', 'insert_one',
        'arguments', (
          select
            jsonb_agg(jsonb_build_object(
              'p_prefix', 'pgtap_batch_', 'p_collection', 'things',
              'p_document', jsonb_build_object('id', d.id)
            ) order by d.position)
          from unnest('{e,a,e,f}'::text[]) with ordinality as d (id, position)
        )
      ))) -> 'results'
    ) with ordinality as e
  ),
  '[true, null, false, true]',
  'one of several calls of one function that fails undoes no other, and none is carried out twice'
);

select is(
  (select array_agg(t.id order by t.id) from public.pgtap_batch_things as t), '{a,c,e,f}',
  'what the others did stays here too'
);

select is(
  public.parlant_execute('[{"function": "get_version", "arguments": []}]'), '{"results": []}'::jsonb,
  'a function without calls has no results'
);

-- Refusals: the call's own, but for what is no list of calls.

select
  is(
    (public.parlant_execute(jsonb_build_array(r.call)) #> '{results,0,error}') - '{hint,detail}'::text[],
    jsonb_build_object('code', r.code, 'message', r.message),
    coalesce(r.call::text, 'null')
  )
from (
  values
  (
    '{"function": "drop_everything", "arguments": [{}]}'::jsonb,
    'PD008', 'there is no function ''drop_everything'' to execute'
  ),
  (
    '{"function": "execute", "arguments": [{"p_calls": []}]}',
    'PD008', 'there is no function ''execute'' to execute'
  ),
  ('{"arguments": [{}]}', 'PD008', 'there is no function NULL to execute'),
  (
    '{"function": "find", "arguments": [{"p_prefix": "p", "p_collection": "c", "p_filter": {}}]}',
    'PD008', 'parlant_find has no argument p_filter'
  ),
  ('{"function": "get_version", "arguments": [{"x": 1}]}', 'PD008', 'parlant_get_version has no argument x'),
  ('{"function": "get_version", "arguments": [7]}', '22023', 'cannot call jsonb_object_keys on a scalar')
) as r (call, code, message);

select is(
  public.parlant_execute('[{"function": "get_version", "arguments": [{}]}]') #> '{results,0,reply}',
  public.parlant_get_version(),
  'a function without arguments can be called'
);

select
  throws_ok(
    format('select public.parlant_execute(%L)', r.calls), 'PD008',
    'the calls must be a list of functions, each with a list of arguments', coalesce(r.calls, 'nothing')
  )
from (
  values
  (null),
  ('{}'),
  ('[7]'),
  ('[{"function": "get_version"}]'),
  ('[{"function": "get_version", "arguments": {}}]'),
  ('[{"function": "get_version", "arguments": [{}]}, null]')
) as r (calls);

select is(
  public.parlant_execute(jsonb_build_array(
    jsonb_build_object('function', 'find', 'arguments', '[{"p_prefix": "x_", "p_collection": "y"}]'::jsonb)
  )) #>> '{results,0,error,message}',
  'collection ''y'' under prefix ''x_'' does not exist',
  'a collection that is not there is an error'
);

-- A null is what it is in a call of its own.

select lives_ok(
  $$select public.parlant_open_store('pgtap_batch_', '{customers,customer_tag_associations}', '1')$$,
  'a store'
);

select is(
  public.parlant_execute(
    '[{"function": "list_customers", "arguments": [{"p_prefix": "pgtap_batch_", "p_tags": null}]},
      {"function": "list_customers", "arguments": [{"p_prefix": "pgtap_batch_", "p_tags": []}]}]'
  ),
  jsonb_build_object('results', jsonb_build_array(
    jsonb_build_object('reply', public.parlant_list_customers('pgtap_batch_', null)),
    jsonb_build_object('reply', public.parlant_list_customers('pgtap_batch_', '{}'))
  )),
  'for a list, too'
);

-- A null for each argument of each function, so that none fails in a batch alone.
create function pg_temp.outcome(p_statement text) returns text language plpgsql as $$
declare
  v_reply jsonb;
begin
  execute p_statement into v_reply;
  return v_reply;
exception when others then
  return sqlstate;
end;
$$;

select is_empty(
  $$
    with calls as (
      select
        p.proname,
        (
          select string_agg(format('%I => null::%s', a.name, a.type::regtype), ', ')
          from unnest(p.proargnames, p.proargtypes::oid[]) as a (name, type)
        ) as arguments,
        (
          select coalesce(jsonb_object_agg(a.name, null), '{}')
          from unnest(p.proargnames) as a (name)
        ) as json
      from pg_catalog.pg_proc as p
      where
        p.pronamespace = 'public'::regnamespace
        and p.proname like 'parlant\_%'
        and p.proname not in ('parlant_execute', 'parlant_diagnose')
    ),

    outcomes as (
      select
        c.proname,
        pg_temp.outcome(
          format('select public.%I(%s)', c.proname, c.arguments)
        ) as alone,
        public.parlant_execute(jsonb_build_array(jsonb_build_object(
          'function', substr(c.proname, 9), 'arguments', jsonb_build_array(c.json)
        ))) #> '{results,0}' as together
      from calls as c
    )

    select o.* from outcomes as o
    where o.alone is distinct from coalesce((o.together -> 'reply')::text, o.together #>> '{error,code}')
  $$,
  'nulls have the same outcome in a batch as in a call alone'
);

select is(
  public.parlant_execute(
    '[{"function": "get_collection",
       "arguments": [{"p_prefix": "pgtap_batch_", "p_collection": "customers", "p_version": null}]}]'
  ) #> '{results,0,reply,table}',
  '"public.pgtap_batch_customers"'::jsonb,
  'a null for a text, too'
);

-- What a batch locks, and what it may not hold.

create function pg_temp.locked_by(p_calls jsonb) returns bigint language plpgsql as $$
declare
  v_before bigint;
begin
  select count(*) into v_before
  from pg_locks as l where l.locktype = 'advisory' and l.pid = pg_backend_pid();
  perform public.parlant_execute(p_calls);
  return (
    select count(*) from pg_locks as l where l.locktype = 'advisory' and l.pid = pg_backend_pid()
  ) - v_before;
end;
$$;

select is(
  pg_temp.locked_by(jsonb_build_array(
    pg_temp.call('insert_one', '{"p_document": {"id": "new 1"}}'),
    pg_temp.call('insert_one', '{"p_document": "{\"id\": \"new 2\"}"}'),
    pg_temp.call('update_one', '{"p_filters": {"id": {"$eq": "new 1"}}, "p_params": {"n": 1}}'),
    pg_temp.call('delete_one', '{"p_filters": {"id": {"$eq": "new 3"}}}')
  )),
  3::bigint, 'a batch locks a key for each document that it names'
);

select is(
  pg_temp.locked_by(jsonb_build_array(
    pg_temp.call('find', '{"p_filters": {"id": {"$eq": "new 4"}}}'),
    pg_temp.call('insert_one', '{"p_prefix": "pgtap_nowhere_", "p_document": {"id": "new 5"}}'),
    pg_temp.call('insert_one', '{"p_document": "no JSON"}'),
    pg_temp.call('drop_everything', '{"p_document": {"id": "new 6"}}')
  )),
  0::bigint, 'and none for a call that writes nothing'
);

select
  throws_ok(
    $$select public.parlant_execute(jsonb_build_array(jsonb_build_object(
      'function', 'get_version', 'arguments', (select jsonb_agg('{}'::jsonb) from generate_series(1, 201)))))$$,
    'PD008', 'a batch may hold at most 200 calls, got 201', 'more than 200 calls are refused'
  );

select is(
  public.parlant_execute(jsonb_build_array(
    pg_temp.call('delete_collection', '{}'), pg_temp.call('find_one', '{"p_filters": {"id": {"$eq": "f"}}}')
  )),
  '{"results": [
    {"error": {
      "code": "55P03", "message": "parlant_delete_collection cannot be carried out together with other calls",
      "detail": null, "hint": "Send this call by itself."
    }},
    {"reply": {"document": {"id": "f"}}}
  ]}'::jsonb,
  'a function that writes what its arguments do not name is not carried out together with others'
);

select is(
  public.parlant_execute(jsonb_build_array(pg_temp.call('ensure_indexes', '{"p_indexes": []}'))),
  '{"results": [{"reply": {"created": 0}}]}'::jsonb, 'by itself it is'
);

select
  throws_ok(
    $$select public.parlant_import_documents('pgtap_batch_', 'things', (
      select jsonb_agg(jsonb_build_object('id', n::text)) from generate_series(1, 1001) as n))$$,
    'PD008', 'at most 1000 documents may be in a call, got 1001', 'a call that writes too many is refused'
  );

-- Equal values of a unique index wait for each other, in whatever order.

select public.parlant_create_collection('pgtap_batch_', 'uniques');
select lives_ok(
  $$select public.parlant_ensure_indexes(
    'pgtap_batch_', 'uniques', '[{"fields": [["k", "asc"]], "unique": true}]')$$,
  'a unique index'
);
select is(
  (
    select array_agg(coalesce(r.value #>> '{error,code}', 'reply') order by r.ordinality)
    from jsonb_array_elements(
      public.parlant_execute(
        jsonb_build_array(
          pg_temp.call('insert_one', '{"p_collection": "uniques", "p_document": {"id": "u1", "k": 1}}'),
          pg_temp.call('find_one', '{"p_collection": "uniques", "p_filters": {}}'),
          pg_temp.call('delete_one', '{"p_collection": "uniques", "p_filters": {"id": {"$eq": "u1"}}}')
        )
      ) -> 'results'
    ) with ordinality as r
  ),
  '{55P03,reply,55P03}', 'a call that writes such a table goes by itself'
);
select is(
  public.parlant_execute(
    jsonb_build_array(
      pg_temp.call('insert_one', '{"p_collection": "uniques", "p_document": {"id": "u1", "k": 1}}')
    )
  ) #> '{results,0,reply,inserted}',
  'true'::jsonb, 'as it may'
);

select f.line from finish() as f (line);

rollback;
