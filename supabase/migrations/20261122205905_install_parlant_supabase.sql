-- >>> sql/schema.sql
-- The private half of the installation: registry, table shapes and helper functions.
-- It is not among the exposed schemas, so nothing in it can be reached over HTTP by its own name.
create schema if not exists parlant_internal;

comment on schema parlant_internal is
'Private part of parlant-supabase. Do not add it to the exposed schemas.';

revoke all on schema parlant_internal from public, anon, authenticated;
grant usage on schema parlant_internal to service_role;
-- <<<
-- >>> sql/tables/collections.sql
-- The registry: which table holds which collection. Functions touch the tables named here and no others.
create table if not exists parlant_internal.collections (
  prefix text collate "C" not null,
  collection text collate "C" not null,
  table_name name not null unique,
  failed_table_name name not null unique,
  registered_at timestamptz not null default now(),
  primary key (prefix, collection)
);

comment on table parlant_internal.collections is
'Registry of the tables that parlant-supabase may read and write.';

alter table parlant_internal.collections enable row level security;
revoke all on table parlant_internal.collections from public, anon, authenticated;
grant select on table parlant_internal.collections to service_role;
-- <<<
-- >>> sql/tables/default_indexes.sql
-- Indexes for what Parlant's stores query without ever asking for an index.
-- Applied whenever a collection of that name is created, under any prefix.
create table if not exists parlant_internal.default_indexes (
  collection text collate "C" not null,
  fields text[] not null,
  primary key (collection, fields)
);

comment on table parlant_internal.default_indexes is
'Indexes made with a collection, by its name, beside those that the store asks for.';

alter table parlant_internal.default_indexes enable row level security;
revoke all on table parlant_internal.default_indexes from public, anon, authenticated;
grant select on table parlant_internal.default_indexes to service_role;

insert into parlant_internal.default_indexes (collection, fields)
values
('events', '{session_id,creation_utc,id}'),
('sessions', '{agent_id,creation_utc,id}'),
('sessions', '{customer_id,creation_utc,id}'),
('customer_tag_associations', '{customer_id,tag_id}'),
('customer_tag_associations', '{tag_id}'),
('variable_tag_associations', '{variable_id,tag_id}'),
('variable_tag_associations', '{tag_id}'),
('values', '{variable_id,key}')
on conflict do nothing;
-- <<<
-- >>> sql/tables/document_shape.sql
-- The shape of every collection's table. It never holds rows: tables are made `like` it.
--   data  the document, the only truth; derive_columns() fills the columns before it from data
--   seq   order of insertion, which decides among several matches of find_one, update_one, delete_one
-- Text is compared by code point (collate "C") whatever the database's locale, as Python does.
create table if not exists parlant_internal.document_shape (
  id text collate "C" not null primary key,
  version text collate "C" not null default '',
  creation_utc text collate "C" not null default '',
  session_id text collate "C",
  customer_id text collate "C",
  agent_id text collate "C",
  data jsonb not null,
  seq bigint generated always as identity
);

create index if not exists document_shape_creation_utc_id_idx
on parlant_internal.document_shape (creation_utc, id);

create index if not exists document_shape_version_seq_idx
on parlant_internal.document_shape (version, seq);

comment on table parlant_internal.document_shape is
'Shape of a collection''s table; holds no rows.';

alter table parlant_internal.document_shape enable row level security;
revoke all on table parlant_internal.document_shape from public, anon, authenticated;
-- <<<
-- >>> sql/tables/failed_document_shape.sql
-- The shape of every <table>_failed_migrations table: documents that could not be brought to the
-- store's version. It never holds rows: tables are made `like` it, and those are never dropped.
--   reason  'rejected' (the loader returned None, the document was moved here) or
--           'raised: ...' (the loader failed, the document was copied here and stays readable)
create table if not exists parlant_internal.failed_document_shape (
  id text collate "C",
  data jsonb default '{}'::jsonb,
  reason text not null default 'unknown',
  failed_at timestamptz not null default now(),
  seq bigint generated always as identity primary key
);

create index if not exists failed_document_shape_id_idx
on parlant_internal.failed_document_shape (id);

comment on table parlant_internal.failed_document_shape is
'Shape of a collection''s table of failed documents; holds no rows.';

alter table parlant_internal.failed_document_shape enable row level security;
revoke all on table parlant_internal.failed_document_shape from public, anon, authenticated;
-- <<<
-- >>> sql/tables/installation.sql
-- Which version of the SQL is deployed. One row.
--   sql_version       grows by one with each migration that changes what the adapter can see
--   compatible_since  the oldest sql_version whose adapter still works with what is deployed
create table if not exists parlant_internal.installation (
  singleton boolean not null primary key default true check (singleton),
  sql_version integer not null,
  compatible_since integer not null
);

comment on table parlant_internal.installation is
'Deployed version of the parlant-supabase SQL; read by parlant_get_version().';

alter table parlant_internal.installation enable row level security;
revoke all on table parlant_internal.installation from public, anon, authenticated;
grant select on table parlant_internal.installation to service_role;

insert into parlant_internal.installation (sql_version, compatible_since)
values (1, 1)
on conflict (singleton) do update
  set
    sql_version = excluded.sql_version,
    compatible_since = excluded.compatible_since;
-- <<<
-- >>> sql/functions/internal/adopt_failed_table.sql
-- purpose:  Turns a table of failed documents that was made by hand, or that outlived its collection, into
--           one of ours. Rows are kept.
-- p_table:  the name of a relation that exists
-- returns:  nothing
-- raises:   PD007 table not ours
create or replace function parlant_internal.adopt_failed_table(p_table name)
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_table text := format('%I.%I', 'public', p_table);
  v_policy name;
begin
  if (select c.relkind from pg_catalog.pg_class as c where c.oid = v_table::regclass) <> 'r'
    or (
      select count(*)
      from pg_catalog.pg_attribute as a
      where a.attrelid = v_table::regclass and not a.attisdropped
        and (a.attname, a.atttypid) in (
          ('id', 'pg_catalog.text'::regtype), ('data', 'pg_catalog.jsonb'::regtype))
    ) <> 2
  then
    raise exception using
      errcode = 'PD007',
      message = format('%I exists and is not a table of parlant-supabase', p_table),
      detail = 'A table of failed documents has the columns id text and data jsonb.',
      hint = 'Use another table_prefix, or rename that table.';
  end if;

  if exists (
    select from pg_catalog.pg_attribute as a
    where a.attrelid = v_table::regclass and a.attname = 'seq' and not a.attisdropped
  ) then
    return;
  end if;

  for v_policy in
    select p.policyname from pg_catalog.pg_policies as p
    where p.schemaname = 'public' and p.tablename = p_table
      and p.policyname like 'Allow all operations on %' and p.qual = 'true'
  loop
    execute format('drop policy %I on %s', v_policy, v_table);
    raise warning 'parlant-supabase: dropped policy "%" of table %: it let every key holder read and write all rows',
      v_policy, p_table
      using hint = 'Use the service role key, or see "Row level security" in the README of parlant-supabase.';
  end loop;

  execute format(
    'alter table %s'
    ' alter column id type text collate "C",'
    ' add column if not exists reason text not null default ''unknown'','
    ' add column if not exists failed_at timestamptz not null default now(),'
    ' add column seq bigint generated always as identity primary key', v_table);
  execute format('create index on %s (id)', v_table);
end;
$$;

comment on function parlant_internal.adopt_failed_table(name) is
'Turns a table of failed documents made by hand into one of ours.';

revoke all on function parlant_internal.adopt_failed_table(name)
from public, anon, authenticated, service_role;
-- <<<
-- >>> sql/functions/internal/adopt_table.sql
-- purpose:  Turns a table that was made by hand, from the script of the earlier adapter, into one of ours.
--           Rows are kept. The script's policies that let everybody in are dropped with a warning;
--           policies of the user's own are kept.
-- p_table:  the name of a relation that exists
-- returns:  nothing
-- raises:   PD007 table not ours
create or replace function parlant_internal.adopt_table(p_table name)
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  c_columns constant text[] :=
    '{id,version,creation_utc,session_id,customer_id,agent_id}';
  v_table text := format('%I.%I', 'public', p_table);
  v_missing text;
  v_policy record;
  v_column text;
begin
  select string_agg(s.attname, ', ' order by s.attnum) into v_missing
  from pg_catalog.pg_attribute as s
  left join pg_catalog.pg_attribute as a
    on a.attrelid = v_table::regclass
      and a.attname = s.attname and a.atttypid = s.atttypid and not a.attisdropped
  where s.attrelid = 'parlant_internal.document_shape'::regclass
    and s.attname = any (c_columns || '{data}'::text[])
    and a.attname is null;

  if v_missing is not null
    or (select c.relkind from pg_catalog.pg_class as c where c.oid = v_table::regclass) <> 'r'
    or not exists (
      select from pg_catalog.pg_index as i
      join pg_catalog.pg_attribute as a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
      where i.indrelid = v_table::regclass and i.indisprimary
        and i.indnkeyatts = 1 and a.attname = 'id'
    )
  then
    raise exception using
      errcode = 'PD007',
      message = format('%I exists and is not a table of parlant-supabase', p_table),
      detail = coalesce(
        format('It lacks, with the right type: %s.', v_missing), 'It lacks a primary key on id.'),
      hint = 'Use another table_prefix, or rename that table.';
  end if;

  -- A column that a policy mentions cannot change its collation, so policies step aside meanwhile.
  create temporary table if not exists parlant_kept_policies (
    statement text
  ) on commit drop;
  delete from pg_temp.parlant_kept_policies where true;
  for v_policy in
    select
      p.policyname,
      p.permissive,
      p.cmd,
      p.qual,
      p.with_check,
      (select string_agg(format('%I', r.role), ', ') from unnest(p.roles) as r (role)) as roles
    from pg_catalog.pg_policies as p
    where p.schemaname = 'public' and p.tablename = p_table
  loop
    execute format('drop policy %I on %s', v_policy.policyname, v_table);
    if v_policy.policyname like 'Allow all operations on %' and v_policy.qual = 'true' then
      raise warning 'parlant-supabase: dropped policy "%" of table %: it let every key holder read and write all rows',
        v_policy.policyname, p_table
        using hint = 'Use the service role key, or see "Row level security" in the README of parlant-supabase.';
    else
      insert into pg_temp.parlant_kept_policies (statement)
      values (
        format(
          'create policy %I on %s as %s for %s to %s',
          v_policy.policyname, v_table, v_policy.permissive, v_policy.cmd, v_policy.roles)
        || coalesce(format(' using (%s)', v_policy.qual), '')
        || coalesce(format(' with check (%s)', v_policy.with_check), ''));
    end if;
  end loop;

  foreach v_column in array c_columns loop
    execute format(
      'alter table %s alter column %I type text collate "C"', v_table, v_column);
  end loop;

  -- The earlier adapter kept the whole document in data; rows made otherwise get from their columns
  -- what data lacks.
  execute format(
    'update %1$s as d set data = jsonb_strip_nulls(jsonb_build_object('
    '''id'', d.id, ''version'', d.version, ''creation_utc'', d.creation_utc,'
    ' ''session_id'', d.session_id, ''customer_id'', d.customer_id, ''agent_id'', d.agent_id'
    ')) || d.data where not d.data ? ''id''', v_table);
  execute format(
    'update %1$s as d set'
    ' version = case jsonb_typeof(d.data -> ''version'') when ''string'' then d.data ->> ''version'' else '''' end,'
    ' creation_utc = case jsonb_typeof(d.data -> ''creation_utc'')'
    ' when ''string'' then d.data ->> ''creation_utc'' else '''' end,'
    ' session_id = case jsonb_typeof(d.data -> ''session_id'') when ''string'' then d.data ->> ''session_id'' end,'
    ' customer_id = case jsonb_typeof(d.data -> ''customer_id'') when ''string'' then d.data ->> ''customer_id'' end,'
    ' agent_id = case jsonb_typeof(d.data -> ''agent_id'') when ''string'' then d.data ->> ''agent_id'' end'
    ' where true', v_table);

  execute format(
    'alter table %s'
    ' alter column version set default '''', alter column version set not null,'
    ' alter column creation_utc set default '''', alter column creation_utc set not null,'
    ' alter column data drop default, alter column data set not null,'
    ' add column if not exists seq bigint generated always as identity', v_table);
  execute format('create index on %s (creation_utc, id)', v_table);
  execute format('create index on %s (version, seq)', v_table);

  for v_policy in select k.statement from pg_temp.parlant_kept_policies as k loop
    execute v_policy.statement;
  end loop;

  raise warning 'parlant-supabase: adopted table % with its rows; from now on only service_role may use it', p_table
    using hint = 'Grants to anon and authenticated are revoked; policies of your own are kept.';
end;
$$;

comment on function parlant_internal.adopt_table(name) is
'Turns a table made from the earlier adapter''s script into one of ours.';

revoke all on function parlant_internal.adopt_table(name)
from public, anon, authenticated, service_role;
-- <<<
-- >>> sql/functions/internal/call_statement.sql
-- purpose:     The statement that calls one of the api functions with arguments out of a JSON object, bound
--              as $1. Arguments that are not in the object keep their defaults.
-- p_function:  the function's name without "parlant_"
-- p_arguments: {name of the argument: value, ...}
-- returns:     text of an SQL statement that yields one jsonb
-- raises:      PD008 invalid argument
create or replace function parlant_internal.call_statement(p_function text, p_arguments jsonb)
returns text
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  v_function record;
  v_unknown text;
  v_arguments text;
begin
  select p.proname, p.proargnames as names, p.proargtypes::oid[] as types into v_function
  from pg_catalog.pg_proc as p
  where p.pronamespace = 'public'::regnamespace
    and p.proname = 'parlant_' || p_function
    and p.prorettype = 'pg_catalog.jsonb'::regtype
    and p.proname <> 'parlant_execute';

  if not found then
    raise exception using
      errcode = 'PD008',
      message = format('there is no function %L to execute', p_function),
      hint = 'Name a function of parlant-supabase without parlant_, such as find_one.';
  end if;

  select string_agg(a.name, ', ') into v_unknown
  from jsonb_object_keys(p_arguments) as a (name)
  where a.name <> all (coalesce(v_function.names, '{}'));
  if v_unknown is not null then
    raise exception using
      errcode = 'PD008',
      message = format('%s has no argument %s', v_function.proname, v_unknown),
      hint = 'See the header of the function in sql/functions/api.';
  end if;

  select string_agg(
    format(
      case
        -- As over HTTP, where a JSON null is SQL NULL.
        when a.type = 'pg_catalog.jsonb'::regtype then '%1$I => nullif($1 -> %1$L, ''null''::jsonb)'
        when a.type = 'pg_catalog.text[]'::regtype
          then '%1$I => array(select jsonb_array_elements_text($1 -> %1$L))'
        else '%1$I => ($1 ->> %1$L)::%2$s'
      end,
      a.name, a.type::regtype),
    ', ')
  into v_arguments
  from unnest(v_function.names, v_function.types) as a (name, type)
  where p_arguments ? a.name;

  return format('select public.%I(%s)', v_function.proname, coalesce(v_arguments, ''));
end;
$$;

comment on function parlant_internal.call_statement(text, jsonb) is
'Statement that calls an api function with arguments out of a JSON object.';

revoke all on function parlant_internal.call_statement(text, jsonb)
from public, anon, authenticated;
grant execute on function parlant_internal.call_statement(text, jsonb) to service_role;
-- <<<
-- >>> sql/functions/internal/column_of.sql
-- purpose:  Names the column that a field is sorted and indexed by, for the fields that have one.
-- p_field:  the field's name
-- returns:  the column's name, or NULL
-- raises:   nothing
create or replace function parlant_internal.column_of(p_field text)
returns text
language sql
immutable
parallel safe
security invoker
set search_path = ''
as $$
  select case
    when p_field in ('id', 'version', 'creation_utc', 'session_id', 'customer_id', 'agent_id')
      then p_field
  end
$$;

comment on function parlant_internal.column_of(text) is
'Column that a field is sorted and indexed by, or NULL.';

revoke all on function parlant_internal.column_of(text) from public, anon, authenticated;
grant execute on function parlant_internal.column_of(text) to service_role;
-- <<<
-- >>> sql/functions/internal/compile_equality.sql
-- purpose:    Compiles $eq and $ne. A missing field equals null and differs from everything else.
-- p_field:    the field's name
-- p_operator: '$eq' or '$ne'
-- p_operand:  any JSON value
-- p_path:     where the operand stands in the whole filter
-- returns:    text of an SQL expression that is true for matches, and false or NULL otherwise
-- raises:     nothing
create or replace function parlant_internal.compile_equality(
  p_field text,
  p_operator text,
  p_operand jsonb,
  p_path text[]
)
returns text
language plpgsql
immutable
security invoker
set search_path = ''
as $$
declare
  v_column text := parlant_internal.text_column(p_field);
  v_equal text;
begin
  if jsonb_typeof(p_operand) = 'string' and v_column is not null then
    return format(
      case p_operator
        when '$eq' then 'd.%I = ($1 #>> %L::text[])'
        else 'd.%I is distinct from ($1 #>> %L::text[])'
      end,
      v_column, p_path);
  end if;

  v_equal := format(
    'parlant_internal.order_key(d.data -> %1$L) = parlant_internal.order_key($1 #> %2$L::text[])',
    p_field, p_path);

  -- Where the order key does not tell all values apart, the whole value decides.
  if jsonb_typeof(p_operand) in ('array', 'object')
    or (jsonb_typeof(p_operand) = 'string' and length(p_operand #>> '{}') >= 100)
  then
    v_equal := format(
      '(%1$s and coalesce(d.data -> %2$L, ''null''::jsonb) = ($1 #> %3$L::text[]))',
      v_equal, p_field, p_path);
  end if;

  -- The column is no more exact than the field, but it is what the index on it knows.
  if p_operator = '$eq' and jsonb_typeof(p_operand) = 'string'
    and p_field in ('version', 'creation_utc')
  then
    v_equal := format('(%s and d.%I = ($1 #>> %L::text[]))', v_equal, p_field, p_path);
  end if;

  return case p_operator when '$eq' then v_equal else format('not (%s)', v_equal) end;
end;
$$;

comment on function parlant_internal.compile_equality(text, text, jsonb, text[]) is
'Predicate text for $eq and $ne.';

revoke all on function parlant_internal.compile_equality(text, text, jsonb, text[])
from public, anon, authenticated;
grant execute on function parlant_internal.compile_equality(text, text, jsonb, text[])
to service_role;
-- <<<
-- >>> sql/functions/internal/compile_field.sql
-- purpose:     Compiles the operators on one field, ANDed.
-- p_field:     the field's name; a top-level key of the document, never a path
-- p_condition: {op: operand, ...}
-- p_path:      where p_condition stands in the whole filter
-- returns:     text of an SQL expression that is true for matches, and false or NULL otherwise
-- raises:      PD001 invalid filter
create or replace function parlant_internal.compile_field(
  p_field text,
  p_condition jsonb,
  p_path text[]
)
returns text
language plpgsql
immutable
security invoker
set search_path = ''
as $$
declare
  v_operator text;
  v_operand jsonb;
  v_terms text[] := '{}';
begin
  if jsonb_typeof(p_condition) <> 'object' then
    perform parlant_internal.filter_error(
      p_path, format('expected operators, got %s', jsonb_typeof(p_condition)),
      'Write {"field": {"$eq": value}} to compare with a value.');
  end if;

  for v_operator, v_operand in select c.key, c.value from jsonb_each(p_condition) as c loop
    v_terms := v_terms || case
      when v_operator in ('$eq', '$ne')
        then parlant_internal.compile_equality(
          p_field, v_operator, v_operand, p_path || v_operator)
      when v_operator in ('$gt', '$gte', '$lt', '$lte')
        then parlant_internal.compile_range(
          p_field, v_operator, v_operand, p_path || v_operator)
      when v_operator in ('$in', '$nin')
        then case
          when jsonb_typeof(v_operand) = 'array'
            then parlant_internal.compile_membership(
              p_field, v_operator, v_operand,
              format('($1 #> %L::text[])', p_path || v_operator))
        end
    end;

    if v_terms[cardinality(v_terms)] is not null then
      continue;
    end if;

    if v_operator in ('$in', '$nin') then
      perform parlant_internal.filter_error(
        p_path || v_operator,
        format('%s expects a list, got %s', v_operator, jsonb_typeof(v_operand)),
        format('Write {"field": {"%s": [value, value]}}.', v_operator));
    end if;

    perform parlant_internal.filter_error(
      p_path || v_operator, 'unknown operator',
      'The operators are $eq, $ne, $gt, $gte, $lt, $lte, $in and $nin.');
  end loop;

  if cardinality(v_terms) = 0 then
    return 'true';
  end if;

  return array_to_string(v_terms, ' and ');
end;
$$;

comment on function parlant_internal.compile_field(text, jsonb, text[]) is
'Predicate text for the operators on one field.';

revoke all on function parlant_internal.compile_field(text, jsonb, text[])
from public, anon, authenticated;
grant execute on function parlant_internal.compile_field(text, jsonb, text[]) to service_role;
-- <<<
-- >>> sql/functions/internal/compile_filter.sql
-- purpose:  Turns a Parlant filter into a predicate over the alias d of a collection's table.
--           The predicate holds no value of the filter: it refers into the filter, bound as $1.
--           Logical operators and fields in one document are ANDed.
-- p_filter: {field: {op: operand, ...}, "$and": [...], "$or": [...]}; NULL matches everything
-- p_path:   where p_filter stands in the whole filter
-- returns:  text of an SQL expression that is true for matches, and false or NULL otherwise
-- raises:   PD001 invalid filter
create or replace function parlant_internal.compile_filter(
  p_filter jsonb,
  p_path text[] default '{}'
)
returns text
language plpgsql
immutable
security invoker
set search_path = ''
as $$
declare
  -- Deep enough for any filter that a program writes, shallow enough for max_stack_depth.
  c_max_depth constant integer := 200;
  v_key text;
  v_value jsonb;
  v_terms text[] := '{}';
begin
  if p_filter is null then
    return 'true';
  end if;

  if jsonb_typeof(p_filter) <> 'object' then
    perform parlant_internal.filter_error(
      p_path, format('expected an object, got %s', jsonb_typeof(p_filter)),
      'A filter is an object such as {"id": {"$eq": "..."}}.');
  end if;

  if cardinality(p_path) > c_max_depth then
    perform parlant_internal.filter_error(
      p_path[1:4], format('nested deeper than %s levels', c_max_depth / 2),
      'Flatten the $and and $or operators.');
  end if;

  for v_key, v_value in select f.key, f.value from jsonb_each(p_filter) as f loop
    if v_key in ('$and', '$or') then
      v_terms := v_terms
        || parlant_internal.compile_logical(v_key, v_value, p_path || v_key);
    elsif v_key like '$%' then
      perform parlant_internal.filter_error(
        p_path || v_key, 'unknown operator', 'The logical operators are $and and $or.');
    else
      v_terms := v_terms
        || parlant_internal.compile_field(v_key, v_value, p_path || v_key);
    end if;
  end loop;

  if cardinality(v_terms) = 0 then
    return 'true';
  end if;

  return array_to_string(v_terms, ' and ');
end;
$$;

comment on function parlant_internal.compile_filter(jsonb, text[]) is
'Predicate text for a Parlant filter that is bound as $1.';

revoke all on function parlant_internal.compile_filter(jsonb, text[])
from public, anon, authenticated;
grant execute on function parlant_internal.compile_filter(jsonb, text[]) to service_role;
-- <<<
-- >>> sql/functions/internal/compile_logical.sql
-- purpose:    Compiles $and and $or. Lists that differ in one field only become one comparison with an
--             array, because that is what an index can answer: $or of $eq becomes = any, $and of $ne
--             becomes <> all, and what all members of an $or have in common is taken out of it.
-- p_operator: '$and' or '$or'
-- p_members:  JSON array of filters
-- p_path:     where p_members stands in the whole filter
-- returns:    text of an SQL expression that is true for matches, and false or NULL otherwise
-- raises:     PD001 invalid filter
create or replace function parlant_internal.compile_logical(
  p_operator text,
  p_members jsonb,
  p_path text[]
)
returns text
language plpgsql
immutable
security invoker
set search_path = ''
as $$
declare
  v_varying text;
  v_common text;
  v_position bigint;
  v_member jsonb;
  v_terms text[] := '{}';
begin
  if jsonb_typeof(p_members) <> 'array' then
    perform parlant_internal.filter_error(
      p_path, format('%s expects a list of filters, got %s', p_operator, jsonb_typeof(p_members)),
      format('Write {"%s": [{...}, {...}]}.', p_operator));
  end if;

  if jsonb_array_length(p_members) = 0 then
    -- As Python's all([]) and any([]).
    return case p_operator when '$and' then 'true' else 'false' end;
  end if;

  v_varying := parlant_internal.varying_field(p_operator, p_members);
  if v_varying is not null then
    v_common := parlant_internal.compile_filter((p_members -> 0) - v_varying, p_path || '0'::text);
    return format(
      '(%s and %s)',
      v_common,
      parlant_internal.compile_membership(
        v_varying,
        case p_operator when '$or' then '$in' else '$nin' end,
        parlant_internal.operands(
          p_members, v_varying, case p_operator when '$or' then '$eq' else '$ne' end),
        format(
          'parlant_internal.operands($1 #> %L::text[], %L, %L)',
          p_path, v_varying, case p_operator when '$or' then '$eq' else '$ne' end)));
  end if;

  for v_member, v_position in
    select m.value, m.ordinality - 1
    from jsonb_array_elements(p_members) with ordinality as m
  loop
    v_terms := v_terms || format(
      '(%s)', parlant_internal.compile_filter(v_member, p_path || v_position::text));
  end loop;

  return format(
    '(%s)', array_to_string(v_terms, case p_operator when '$and' then ' and ' else ' or ' end));
end;
$$;

comment on function parlant_internal.compile_logical(text, jsonb, text[]) is
'Predicate text for $and and $or.';

revoke all on function parlant_internal.compile_logical(text, jsonb, text[])
from public, anon, authenticated;
grant execute on function parlant_internal.compile_logical(text, jsonb, text[]) to service_role;
-- <<<
-- >>> sql/functions/internal/compile_membership.sql
-- purpose:    Compiles $in and $nin, and the lists that compile_logical() turns into them.
-- p_field:    the field's name
-- p_operator: '$in' or '$nin'
-- p_operands: JSON array of the operands, for choosing how to compare
-- p_source:   text of an immutable SQL expression over $1 that yields the same array
-- returns:    text of an SQL expression that is true for matches, and false or NULL otherwise
-- raises:     nothing
create or replace function parlant_internal.compile_membership(
  p_field text,
  p_operator text,
  p_operands jsonb,
  p_source text
)
returns text
language plpgsql
immutable
security invoker
set search_path = ''
as $$
declare
  v_column text := parlant_internal.text_column(p_field);
  v_member text;
begin
  if jsonb_array_length(p_operands) = 0 then
    return case p_operator when '$in' then 'false' else 'true' end;
  end if;

  if v_column is not null and not exists (
    select from jsonb_array_elements(p_operands) as o where jsonb_typeof(o.value) <> 'string'
  ) then
    return format(
      case p_operator
        when '$in' then 'd.%1$I = any (parlant_internal.text_elements(%2$s))'
        else '(d.%1$I <> all (parlant_internal.text_elements(%2$s)) or d.%1$I is null)'
      end,
      v_column, p_source);
  end if;

  v_member := format(
    'parlant_internal.order_key(d.data -> %L) = any (parlant_internal.order_keys(%s))',
    p_field, p_source);

  if exists (
    select from jsonb_array_elements(p_operands) as o
    where
      jsonb_typeof(o.value) in ('array', 'object')
      or (jsonb_typeof(o.value) = 'string' and length(o.value #>> '{}') >= 100)
  ) then
    v_member := format(
      '(%1$s and coalesce(d.data -> %2$L, ''null''::jsonb)'
      ' = any (parlant_internal.json_elements(%3$s)))',
      v_member, p_field, p_source);
  end if;

  return case p_operator when '$in' then v_member else format('not (%s)', v_member) end;
end;
$$;

comment on function parlant_internal.compile_membership(text, text, jsonb, text) is
'Predicate text for $in and $nin.';

revoke all on function parlant_internal.compile_membership(text, text, jsonb, text)
from public, anon, authenticated;
grant execute on function parlant_internal.compile_membership(text, text, jsonb, text)
to service_role;
-- <<<
-- >>> sql/functions/internal/compile_range.sql
-- purpose:    Compiles $gt, $gte, $lt and $lte. Strings are compared by code point, numbers by value,
--             false before true; a value of another type, null and a missing field never match.
-- p_field:    the field's name
-- p_operator: '$gt', '$gte', '$lt' or '$lte'
-- p_operand:  a string, number, boolean or null
-- p_path:     where the operand stands in the whole filter
-- returns:    text of an SQL expression that is true for matches, and false or NULL otherwise
-- raises:     PD001 invalid filter
create or replace function parlant_internal.compile_range(
  p_field text,
  p_operator text,
  p_operand jsonb,
  p_path text[]
)
returns text
language plpgsql
immutable
security invoker
set search_path = ''
as $$
declare
  v_type text := jsonb_typeof(p_operand);
  v_comparison text := case p_operator
    when '$gt' then '>'
    when '$gte' then '>='
    when '$lt' then '<'
    else '<='
  end;
  v_column text;
  v_range text;
begin
  if v_type in ('array', 'object') then
    perform parlant_internal.filter_error(
      p_path, format('%s cannot compare with %s', p_operator, v_type),
      'Compare with a string, a number or a boolean.');
  end if;

  if v_type = 'null' then
    return 'false';
  end if;

  if v_type = 'string' then
    v_column := parlant_internal.text_column(p_field);
    if v_column is not null then
      return format('d.%I %s ($1 #>> %L::text[])', v_column, v_comparison, p_path);
    end if;
  end if;

  v_range := format(
    '(parlant_internal.order_key(d.data -> %1$L) %2$s parlant_internal.order_key($1 #> %3$L::text[])'
    ' and jsonb_typeof(d.data -> %1$L) = %4$L',
    p_field,
    -- Keys of long strings are equal before the strings are.
    case when v_type = 'string' then left(v_comparison, 1) || '=' else v_comparison end,
    p_path,
    v_type);

  if v_type = 'string' then
    v_range := v_range || format(
      ' and (d.data ->> %1$L) collate "C" %2$s ($1 #>> %3$L::text[])',
      p_field, v_comparison, p_path);
  end if;

  -- The column is no more exact than the field, but it is what the index on it knows.
  if v_type = 'string' and p_field in ('version', 'creation_utc') then
    v_range := v_range || format(
      ' and d.%I %s ($1 #>> %L::text[])', p_field, v_comparison, p_path);
  end if;

  return v_range || ')';
end;
$$;

comment on function parlant_internal.compile_range(text, text, jsonb, text[]) is
'Predicate text for $gt, $gte, $lt and $lte.';

revoke all on function parlant_internal.compile_range(text, text, jsonb, text[])
from public, anon, authenticated;
grant execute on function parlant_internal.compile_range(text, text, jsonb, text[])
to service_role;
-- <<<
-- >>> sql/functions/internal/compile_sort.sql
-- purpose:  Compiles the sort of find_one. Missing fields and null come first, and documents that the sort
--           does not tell apart stay in the order of their insertion, as with Python's stable sort.
-- p_sort:   [[field, "asc" | "desc"], ...]; NULL or [] keeps the order of insertion
-- returns:  text for an ORDER BY clause
-- raises:   PD008 invalid argument
create or replace function parlant_internal.compile_sort(p_sort jsonb)
returns text
language plpgsql
immutable
security invoker
set search_path = ''
as $$
declare
  v_entry jsonb;
  v_field text;
  v_terms text[] := '{}';
begin
  if p_sort is null then
    return 'd.seq';
  end if;

  if jsonb_typeof(p_sort) <> 'array' then
    raise exception using
      errcode = 'PD008',
      message = format('the sort must be a list, got %s', jsonb_typeof(p_sort)),
      hint = 'Write [["field", "asc"], ...].';
  end if;

  for v_entry in select s.value from jsonb_array_elements(p_sort) as s loop
    v_field := parlant_internal.sort_entry_field(v_entry);
    v_terms := v_terms || parlant_internal.order_term(v_field, v_entry ->> 1);
    if parlant_internal.column_of(v_field) is null then
      -- Tells apart what the order key, which ends after 100 characters, does not.
      v_terms := v_terms || format(
        '(case jsonb_typeof(data -> %1$L) when ''string'' then data ->> %1$L end) collate "C" %2$s',
        v_field, v_entry ->> 1);
    end if;
  end loop;

  return array_to_string(v_terms || 'd.seq'::text, ', ');
end;
$$;

comment on function parlant_internal.compile_sort(jsonb) is
'ORDER BY text for the sort of find_one.';

revoke all on function parlant_internal.compile_sort(jsonb) from public, anon, authenticated;
grant execute on function parlant_internal.compile_sort(jsonb) to service_role;
-- <<<
-- >>> sql/functions/internal/create_collection_tables.sql
-- purpose:      Makes and registers the tables of a collection, or adopts the tables that were made by
--               hand for it. Does nothing if the collection is registered.
-- p_prefix:     the store's table prefix
-- p_collection: the collection's name
-- returns:      true if the collection was not registered before
-- raises:       PD006 invalid table name, PD007 table not ours
--
-- Security definer, because making tables needs more than service_role has. It makes tables of one fixed
-- shape, and every name goes through %I.
create or replace function parlant_internal.create_collection_tables(
  p_prefix text,
  p_collection text
)
returns boolean
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
  v_table name := parlant_internal.table_name_for(p_prefix, p_collection);
  v_failed name := (v_table || '_failed_migrations')::name;
  v_clash record;
  v_fields text[];
begin
  -- Two servers that open a store for the first time take turns here.
  lock table parlant_internal.collections in share row exclusive mode;

  if exists (
    select from parlant_internal.collections as c
    where c.prefix = p_prefix and c.collection = p_collection
  ) then
    return false;
  end if;

  if v_table = v_failed then
    raise exception using
      errcode = 'PD006',
      message = format('table name %I is too long', v_table),
      detail = 'Postgres cuts names at 63 bytes, so the table of failed documents would have the same name.',
      hint = 'Use a shorter table_prefix.';
  end if;

  select c.prefix, c.collection into v_clash
  from parlant_internal.collections as c
  where c.table_name in (v_table, v_failed) or c.failed_table_name in (v_table, v_failed);
  if found then
    raise exception using
      errcode = 'PD006',
      message = format(
        'collection %L under prefix %L would share table %I with collection %L under prefix %L',
        p_collection, p_prefix, v_table, v_clash.collection, v_clash.prefix),
      hint = 'Use another table_prefix.';
  end if;

  if to_regclass(format('%I.%I', 'public', v_table)) is null then
    execute format(
      'create table %I.%I (like parlant_internal.document_shape including all)', 'public', v_table);
  else
    perform parlant_internal.adopt_table(v_table);
  end if;

  if to_regclass(format('%I.%I', 'public', v_failed)) is null then
    execute format(
      'create table %I.%I (like parlant_internal.failed_document_shape including all)',
      'public', v_failed);
  else
    perform parlant_internal.adopt_failed_table(v_failed);
  end if;

  execute format(
    'create or replace trigger derive_columns before insert or update on %I.%I'
    ' for each row execute function parlant_internal.derive_columns()', 'public', v_table);
  execute format(
    'comment on table %I.%I is %L', 'public', v_table,
    format('Parlant collection %s, prefix %s. Written by parlant-supabase.', p_collection, p_prefix));
  execute format(
    'comment on table %I.%I is %L', 'public', v_failed,
    format('Documents of %s that could not be migrated. Never dropped by parlant-supabase.', v_table));

  perform parlant_internal.lock_down_table(v_table);
  perform parlant_internal.lock_down_table(v_failed);

  insert into parlant_internal.collections (prefix, collection, table_name, failed_table_name)
  values (p_prefix, p_collection, v_table, v_failed);

  for v_fields in
    select i.fields from parlant_internal.default_indexes as i where i.collection = p_collection
  loop
    perform parlant_internal.create_index(
      p_prefix, p_collection,
      (select jsonb_agg(jsonb_build_array(f.field, 'asc') order by f.position)
        from unnest(v_fields) with ordinality as f (field, position)),
      false);
  end loop;

  return true;
end;
$$;

comment on function parlant_internal.create_collection_tables(text, text) is
'Makes or adopts, and registers, the tables of a collection.';

revoke all on function parlant_internal.create_collection_tables(text, text)
from public, anon, authenticated;
grant execute on function parlant_internal.create_collection_tables(text, text) to service_role;
-- <<<
-- >>> sql/functions/internal/create_index.sql
-- purpose:      Makes one index of a collection, unless it is there.
-- p_prefix:     the store's table prefix
-- p_collection: the collection's name
-- p_fields:     [[field, "asc" | "desc"], ...], at least one
-- p_unique:     whether no two documents may have the same values
-- returns:      nothing
-- raises:       PD004 collection not found, PD008 invalid argument
--
-- Security definer, because only its owner may index a table. It indexes registered tables only.
create or replace function parlant_internal.create_index(
  p_prefix text,
  p_collection text,
  p_fields jsonb,
  p_unique boolean
)
returns void
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
  v_table text := parlant_internal.table_of(p_prefix, p_collection);
  v_name name := parlant_internal.index_name(p_prefix, p_collection, p_fields, p_unique);
  v_keys text;
begin
  select
    string_agg(
      parlant_internal.order_term(parlant_internal.sort_entry_field(f.value), f.value ->> 1),
      ', ' order by f.ordinality)
  into v_keys
  from jsonb_array_elements(p_fields) with ordinality as f;

  -- Two servers that ask at the same moment take turns; the second finds the index.
  perform pg_advisory_xact_lock(v_table::regclass::oid::integer, hashtext(v_name::text));

  execute format(
    'create %s index if not exists %I on %s (%s)',
    case when p_unique then 'unique' else '' end, v_name, v_table, v_keys);
  execute format(
    'comment on index %I.%I is %L', 'public', v_name,
    format('parlant-supabase index on %s%s', p_fields, case when p_unique then ', unique' else '' end));
end;
$$;

comment on function parlant_internal.create_index(text, text, jsonb, boolean) is
'Makes one index of a collection, unless it is there.';

revoke all on function parlant_internal.create_index(text, text, jsonb, boolean)
from public, anon, authenticated;
grant execute on function parlant_internal.create_index(text, text, jsonb, boolean) to service_role;
-- <<<
-- >>> sql/functions/internal/derive_columns.sql
-- purpose:  Trigger of every collection's table: fills the columns from data, the only place that does.
--           A column holds the field's value where that is a string; elsewhere version and creation_utc
--           are '' (Parlant sorts missing as '') and the others NULL.
-- returns:  the row to write
-- raises:   PD002 invalid document
create or replace function parlant_internal.derive_columns()
returns trigger
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  if coalesce(jsonb_typeof(new.data), 'null') <> 'object' then
    raise exception using
      errcode = 'PD002',
      message = format('a document must be an object, got %s', coalesce(jsonb_typeof(new.data), 'null')),
      hint = 'Send the document itself, not its text.';
  end if;

  if coalesce(jsonb_typeof(new.data -> 'id'), 'null') <> 'string' then
    raise exception using
      errcode = 'PD002',
      message = format(
        'the id of a document must be a string, got %s',
        coalesce(jsonb_typeof(new.data -> 'id'), 'no id')),
      hint = 'Give the document an "id".';
  end if;

  new.id := new.data ->> 'id';
  new.version := case jsonb_typeof(new.data -> 'version')
    when 'string' then new.data ->> 'version' else '' end;
  new.creation_utc := case jsonb_typeof(new.data -> 'creation_utc')
    when 'string' then new.data ->> 'creation_utc' else '' end;
  new.session_id := case jsonb_typeof(new.data -> 'session_id')
    when 'string' then new.data ->> 'session_id' end;
  new.customer_id := case jsonb_typeof(new.data -> 'customer_id')
    when 'string' then new.data ->> 'customer_id' end;
  new.agent_id := case jsonb_typeof(new.data -> 'agent_id')
    when 'string' then new.data ->> 'agent_id' end;

  return new;
end;
$$;

comment on function parlant_internal.derive_columns() is
'Fills the columns of a collection''s table from data.';

revoke all on function parlant_internal.derive_columns() from public, anon, authenticated;
-- <<<
-- >>> sql/functions/internal/drop_collection_table.sql
-- purpose:      Drops a collection's table and forgets the collection. The table of its failed documents
--               stays.
-- p_prefix:     the store's table prefix
-- p_collection: the collection's name
-- returns:      nothing
-- raises:       PD004 collection not found
--
-- Security definer, because only its owner may drop a table. It drops registered tables only.
create or replace function parlant_internal.drop_collection_table(
  p_prefix text,
  p_collection text
)
returns void
language plpgsql
volatile
security definer
set search_path = ''
as $$
begin
  lock table parlant_internal.collections in share row exclusive mode;

  execute format('drop table %s', parlant_internal.table_of(p_prefix, p_collection));

  delete from parlant_internal.collections as c
  where c.prefix = p_prefix and c.collection = p_collection;
end;
$$;

comment on function parlant_internal.drop_collection_table(text, text) is
'Drops a collection''s table and its entry in the registry.';

revoke all on function parlant_internal.drop_collection_table(text, text)
from public, anon, authenticated;
grant execute on function parlant_internal.drop_collection_table(text, text) to service_role;
-- <<<
-- >>> sql/functions/internal/failed_table_of.sql
-- purpose:      Finds the table of a collection's failed documents in the registry.
-- p_prefix:     the store's table prefix
-- p_collection: the collection's name
-- returns:      the table's quoted, qualified name, for use in dynamic SQL
-- raises:       PD004 collection not found
create or replace function parlant_internal.failed_table_of(p_prefix text, p_collection text)
returns text
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  -- Raises if there is no such collection.
  perform parlant_internal.table_of(p_prefix, p_collection);

  return (
    select format('%I.%I', 'public', c.failed_table_name)
    from parlant_internal.collections as c
    where c.prefix = p_prefix and c.collection = p_collection
  );
end;
$$;

comment on function parlant_internal.failed_table_of(text, text) is
'Qualified name of the table of a collection''s failed documents.';

revoke all on function parlant_internal.failed_table_of(text, text)
from public, anon, authenticated;
grant execute on function parlant_internal.failed_table_of(text, text) to service_role;
-- <<<
-- >>> sql/functions/internal/filter_error.sql
-- purpose:   Refuses a filter, naming the place inside it.
-- p_path:    keys and positions from the filter's top to the culprit
-- p_message: what is wrong there
-- p_hint:    what to write instead
-- returns:   never
-- raises:    PD001 invalid filter
create or replace function parlant_internal.filter_error(
  p_path text[],
  p_message text,
  p_hint text
)
returns void
language plpgsql
immutable
security invoker
set search_path = ''
as $$
begin
  raise exception using
    errcode = 'PD001',
    message = format('invalid filter at %s: %s', 'filter' || coalesce(
      (select string_agg(case when p.step ~ '^[0-9]+$' then format('[%s]', p.step) else format('[%s]', to_json(p.step)) end, '' order by p.position)
        from unnest(p_path) with ordinality as p (step, position)), ''), p_message),
    hint = p_hint;
end;
$$;

comment on function parlant_internal.filter_error(text[], text, text) is
'Raises PD001 with the path inside the filter.';

revoke all on function parlant_internal.filter_error(text[], text, text)
from public, anon, authenticated;
grant execute on function parlant_internal.filter_error(text[], text, text) to service_role;
-- <<<
-- >>> sql/functions/internal/index_name.sql
-- purpose:      The name of an index, the same for the same definition: part of the table's name for
--               people, a digest for uniqueness within 63 bytes.
-- p_prefix:     the store's table prefix
-- p_collection: the collection's name
-- p_fields:     [[field, "asc" | "desc"], ...]
-- p_unique:     whether the index is unique
-- returns:      the index's name
-- raises:       PD004 collection not found
create or replace function parlant_internal.index_name(
  p_prefix text,
  p_collection text,
  p_fields jsonb,
  p_unique boolean
)
returns name
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return (
    left(parlant_internal.table_name_for(p_prefix, p_collection)::text, 28)
    || '_' || left(md5(jsonb_build_array(p_prefix, p_collection, p_fields, p_unique)::text), 16)
    || '_idx'
  )::name;
end;
$$;

comment on function parlant_internal.index_name(text, text, jsonb, boolean) is
'Name of the index for a definition.';

revoke all on function parlant_internal.index_name(text, text, jsonb, boolean)
from public, anon, authenticated;
grant execute on function parlant_internal.index_name(text, text, jsonb, boolean) to service_role;
-- <<<
-- >>> sql/functions/internal/insert_document.sql
-- purpose:    Inserts a document. If one with that id is there, differing in creation_utc at most, nothing
--             is written: Parlant derives ids from content, so a restarted application creates its
--             variables again, and a repeated insert is safe.
-- p_table:    the table, as table_of() gives it
-- p_document: the document
-- returns:    true if it was inserted, false if it was there
-- raises:     PD002 invalid document, PD003 duplicate document
create or replace function parlant_internal.insert_document(p_table text, p_document jsonb)
returns boolean
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_inserted integer;
  v_stored jsonb;
begin
  loop
    execute format('insert into %s (data) values ($1) on conflict (id) do nothing', p_table)
    using p_document;
    get diagnostics v_inserted = row_count;
    if v_inserted = 1 then
      return true;
    end if;

    execute format('select d.data from %s as d where d.id = $1', p_table)
    into v_stored
    using p_document ->> 'id';

    if v_stored - 'creation_utc' = p_document - 'creation_utc' then
      return false;
    end if;

    -- If the stored one has been deleted meanwhile, there is room now.
    if v_stored is not null then
      raise exception using
        errcode = 'PD003',
        message = 'a different document with that id exists',
        hint = 'Nothing was overwritten. Use update_one to change a document, or another id.';
    end if;
  end loop;
end;
$$;

comment on function parlant_internal.insert_document(text, jsonb) is
'Inserts a document unless the same is there.';

revoke all on function parlant_internal.insert_document(text, jsonb)
from public, anon, authenticated;
grant execute on function parlant_internal.insert_document(text, jsonb) to service_role;
-- <<<
-- >>> sql/functions/internal/json_elements.sql
-- purpose:  The operand of $in and $nin as it is, where order_key() is not enough to tell values apart.
-- p_values: a JSON array
-- returns:  jsonb[]
-- raises:   nothing
create or replace function parlant_internal.json_elements(p_values jsonb)
returns jsonb[]
language sql
immutable
parallel safe
security invoker
set search_path = ''
as $$
  select coalesce(array_agg(v.value), '{}')
  from jsonb_array_elements(p_values) as v
$$;

comment on function parlant_internal.json_elements(jsonb) is
'Elements of a JSON array as jsonb.';

revoke all on function parlant_internal.json_elements(jsonb) from public, anon, authenticated;
grant execute on function parlant_internal.json_elements(jsonb) to service_role;
-- <<<
-- >>> sql/functions/internal/lock_down_table.sql
-- purpose:  Leaves a table of ours to service_role alone: row level security on, no policy of ours, grants
--           to nobody else. Policies that the user wrote are kept.
-- p_table:  the table's name
-- returns:  nothing
-- raises:   nothing
create or replace function parlant_internal.lock_down_table(p_table name)
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  execute format('alter table %I.%I enable row level security', 'public', p_table);
  execute format('revoke all on table %I.%I from public, anon, authenticated', 'public', p_table);
  execute format(
    'grant select, insert, update, delete on table %I.%I to service_role', 'public', p_table);
end;
$$;

comment on function parlant_internal.lock_down_table(name) is
'Enables row level security and grants a table to service_role alone.';

revoke all on function parlant_internal.lock_down_table(name)
from public, anon, authenticated, service_role;
-- <<<
-- >>> sql/functions/internal/lock_first_match.sql
-- purpose:   Locks the first document, in order of insertion, that a filter matches. Waits for whoever
--            holds it, and looks again if it no longer matches then.
-- p_table:   the table, as table_of() gives it
-- p_where:   predicate, as compile_filter() gives it
-- p_filters: the filter that the predicate refers to
-- returns:   the document's id, or NULL if none matches
-- raises:    nothing
create or replace function parlant_internal.lock_first_match(
  p_table text,
  p_where text,
  p_filters jsonb
)
returns text
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_id text;
  v_matches boolean;
begin
  loop
    execute format(
      'select d.id from %s as d where %s order by d.seq limit 1 for update', p_table, p_where)
    into v_id
    using p_filters;

    if v_id is not null then
      return v_id;
    end if;

    -- The first match may have been changed or deleted while we waited for its lock. The statement then
    -- yields nothing, though others may match.
    execute format('select exists (select from %s as d where %s)', p_table, p_where)
    into v_matches
    using p_filters;

    if not v_matches then
      return null;
    end if;
  end loop;
end;
$$;

comment on function parlant_internal.lock_first_match(text, text, jsonb) is
'Locks the first document that a filter matches and returns its id.';

revoke all on function parlant_internal.lock_first_match(text, text, jsonb)
from public, anon, authenticated;
grant execute on function parlant_internal.lock_first_match(text, text, jsonb) to service_role;
-- <<<
-- >>> sql/functions/internal/merge_document.sql
-- purpose:   Merges top-level keys into a document that is locked by this transaction.
-- p_table:   the table, as table_of() gives it
-- p_id:      the document's id
-- p_params:  keys and values to set; may hold another id
-- returns:   the document after the merge
-- raises:    PD002 invalid document, PD003 duplicate document
create or replace function parlant_internal.merge_document(
  p_table text,
  p_id text,
  p_params jsonb
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_document jsonb;
begin
  -- Only a document that gets the id of another can clash, so only that case pays for a savepoint.
  if not p_params ? 'id' or p_params ->> 'id' = p_id then
    execute format(
      'update %s as d set data = d.data || $2 where d.id = $1 returning d.data', p_table)
    into v_document
    using p_id, p_params;
    return v_document;
  end if;

  begin
    execute format(
      'update %s as d set data = d.data || $2 where d.id = $1 returning d.data', p_table)
    into v_document
    using p_id, p_params;
  exception when unique_violation then
    raise exception using
      errcode = 'PD003',
      message = 'another document has the id that this one was to get',
      hint = 'Nothing was changed. Give the document an id of its own.';
  end;

  return v_document;
end;
$$;

comment on function parlant_internal.merge_document(text, text, jsonb) is
'Merges top-level keys into a locked document.';

revoke all on function parlant_internal.merge_document(text, text, jsonb)
from public, anon, authenticated;
grant execute on function parlant_internal.merge_document(text, text, jsonb) to service_role;
-- <<<
-- >>> sql/functions/internal/opened_collection.sql
-- purpose:      What both ways of opening a collection return.
-- p_prefix:     the store's table prefix
-- p_collection: the collection's name
-- p_version:    the store's version; NULL for a loader that sees every document
-- p_created:    whether the collection was created just now
-- returns:      {"created": bool, "table": text, "failed_table": text,
--               "documents": [{"id", "digest", "data"}, ...], "next": {...} | null}
-- raises:       PD004 collection not found
create or replace function parlant_internal.opened_collection(
  p_prefix text,
  p_collection text,
  p_version text,
  p_created boolean
)
returns jsonb
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return jsonb_build_object(
    'created', p_created,
    'table', parlant_internal.table_of(p_prefix, p_collection),
    'failed_table', parlant_internal.failed_table_of(p_prefix, p_collection)
  ) || parlant_internal.page_to_load(
    parlant_internal.table_of(p_prefix, p_collection), p_version, null);
end;
$$;

comment on function parlant_internal.opened_collection(text, text, text, boolean) is
'Reply to opening a collection: its tables and the first documents to load.';

revoke all on function parlant_internal.opened_collection(text, text, text, boolean)
from public, anon, authenticated;
grant execute on function parlant_internal.opened_collection(text, text, text, boolean)
to service_role;
-- <<<
-- >>> sql/functions/internal/operands.sql
-- purpose:    Collects the operands of one operator on one field over the members of $and or $or, so that
--             a list of thousands of equalities is compared as one array.
-- p_members:  JSON array of filters, each with p_field and p_operator in it
-- p_field:    the field's name
-- p_operator: '$eq' or '$ne'
-- returns:    JSON array of the operands
-- raises:     nothing
create or replace function parlant_internal.operands(
  p_members jsonb,
  p_field text,
  p_operator text
)
returns jsonb
language sql
immutable
parallel safe
security invoker
set search_path = ''
as $$
  select coalesce(jsonb_agg(m.value -> p_field -> p_operator), '[]'::jsonb)
  from jsonb_array_elements(p_members) as m
$$;

comment on function parlant_internal.operands(jsonb, text, text) is
'Operands of one operator on one field over the members of a logical operator.';

revoke all on function parlant_internal.operands(jsonb, text, text)
from public, anon, authenticated;
grant execute on function parlant_internal.operands(jsonb, text, text) to service_role;
-- <<<
-- >>> sql/functions/internal/order_key.sql
-- purpose:  One value whose jsonb order is the order of documents' fields, whatever the database's locale:
--           null and missing, strings by code point, numbers, false, true, objects and arrays.
--           It is what ensure_indexes indexes and what filters and sorts compare.
--           Strings become the hex of their first 100 characters, because jsonb compares strings by the
--           database's collation and because an index entry may not pass 2,700 bytes; whoever needs the
--           rest of a longer string compares it too.
-- p_value:  a field's value, or SQL NULL where the field is missing
-- returns:  jsonb, never NULL
-- raises:   nothing
--
-- No `set search_path`: it would keep the planner from inlining the function and from folding it to a
-- constant, and with that from using the indexes. Everything in it resolves in pg_catalog.
create or replace function parlant_internal.order_key(p_value jsonb)
returns jsonb
language sql
immutable
parallel safe
security invoker
as $$
  select coalesce(
    case jsonb_typeof(p_value)
      when 'string' then (
        '"' || encode(replace(left(p_value #>> '{}', 100), '\', '\\')::bytea, 'hex') || '"'
      )::jsonb
      when 'array' then '[[]]'::jsonb
      when 'object' then '{}'::jsonb
      else p_value
    end,
    'null'::jsonb
  )
$$;

comment on function parlant_internal.order_key(jsonb) is
'Value by which a document''s field is indexed, compared and sorted.';

revoke all on function parlant_internal.order_key(jsonb) from public, anon, authenticated;
grant execute on function parlant_internal.order_key(jsonb) to service_role;
-- <<<
-- >>> sql/functions/internal/order_keys.sql
-- purpose:  The operand of $in and $nin as order_key()s, so that it folds to a constant array.
-- p_values: a JSON array
-- returns:  jsonb[], one order_key for each element
-- raises:   nothing
create or replace function parlant_internal.order_keys(p_values jsonb)
returns jsonb[]
language sql
immutable
parallel safe
security invoker
set search_path = ''
as $$
  select coalesce(array_agg(parlant_internal.order_key(v.value)), '{}')
  from jsonb_array_elements(p_values) as v
$$;

comment on function parlant_internal.order_keys(jsonb) is
'Elements of a JSON array as order keys.';

revoke all on function parlant_internal.order_keys(jsonb) from public, anon, authenticated;
grant execute on function parlant_internal.order_keys(jsonb) to service_role;
-- <<<
-- >>> sql/functions/internal/order_term.sql
-- purpose:     The SQL expression by which a field is indexed and sorted: its column, or its order key.
--              create_index and compile_sort both take it from here; an index serves a sort only if the
--              two are the same to the letter. Missing comes before everything else.
-- p_field:     the field's name
-- p_direction: 'asc' or 'desc'
-- returns:     text of one term of an index definition or an ORDER BY clause
-- raises:      nothing
create or replace function parlant_internal.order_term(p_field text, p_direction text)
returns text
language sql
immutable
parallel safe
security invoker
set search_path = ''
as $$
  select
    coalesce(
      quote_ident(parlant_internal.column_of(p_field)),
      format('(parlant_internal.order_key(data -> %L))', p_field))
    || case p_direction when 'asc' then ' asc' else ' desc' end
    || case
      when parlant_internal.column_of(p_field) is null
        or p_field in ('id', 'version', 'creation_utc') then ''
      when p_direction = 'asc' then ' nulls first'
      else ' nulls last'
    end
$$;

comment on function parlant_internal.order_term(text, text) is
'SQL expression by which a field is indexed and sorted.';

revoke all on function parlant_internal.order_term(text, text)
from public, anon, authenticated;
grant execute on function parlant_internal.order_term(text, text) to service_role;
-- <<<
-- >>> sql/functions/internal/page_to_load.sql
-- purpose:      Reads the next documents that a store's loader has to see: those of another version than
--               the store's, or, where the store has none, every document. A page ends at 500 documents
--               or past 4 MB, so that neither side needs memory for more.
-- p_table:      the table, as table_of() gives it
-- p_version:    the store's version, or NULL for every document
-- p_after:      "next" of the page before, or NULL for the first
-- returns:      {"documents": [{"id", "digest", "data"}, ...], "next": {...} | null};
--               digest tells whether a document has changed since it was read
-- raises:       nothing
create or replace function parlant_internal.page_to_load(
  p_table text,
  p_version text,
  p_after jsonb
)
returns jsonb
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  c_max_documents constant integer := 500;
  c_max_characters constant integer := 4000000;
  v_row record;
  v_text text;
  v_characters integer := 0;
  v_documents jsonb[] := '{}';
begin
  for v_row in execute format(
    case
      -- Two ranges instead of <>, so that a store of current documents is opened at the same cost
      -- whatever their number.
      when p_version is not null then
        '(select d.id, d.version, d.seq, d.data from %1$s as d'
        ' where d.version < $1 and (d.version, d.seq) > ($2 ->> ''version'', ($2 ->> ''seq'')::bigint)'
        ' order by d.version, d.seq limit $3)'
        ' union all '
        '(select d.id, d.version, d.seq, d.data from %1$s as d'
        ' where d.version > $1 and (d.version, d.seq) > ($2 ->> ''version'', ($2 ->> ''seq'')::bigint)'
        ' order by d.version, d.seq limit $3)'
      else
        'select d.id, d.version, d.seq, d.data from %1$s as d'
        ' where d.id > ($2 ->> ''id'') order by d.id limit $3'
    end, p_table)
  using
    p_version,
    coalesce(p_after, '{"version": "", "seq": -1, "id": ""}'::jsonb),
    c_max_documents + 1
  loop
    if cardinality(v_documents) = c_max_documents or v_characters > c_max_characters then
      return jsonb_build_object('documents', to_jsonb(v_documents), 'next', p_after);
    end if;

    v_text := v_row.data::text;
    v_characters := v_characters + length(v_text);
    v_documents := v_documents
      || jsonb_build_object('id', v_row.id, 'digest', md5(v_text), 'data', v_row.data);
    p_after := jsonb_build_object('version', v_row.version, 'seq', v_row.seq, 'id', v_row.id);
  end loop;

  return jsonb_build_object('documents', to_jsonb(v_documents), 'next', null);
end;
$$;

comment on function parlant_internal.page_to_load(text, text, jsonb) is
'Next page of documents that a store''s loader has to see.';

revoke all on function parlant_internal.page_to_load(text, text, jsonb)
from public, anon, authenticated;
grant execute on function parlant_internal.page_to_load(text, text, jsonb) to service_role;
-- <<<
-- >>> sql/functions/internal/read_document.sql
-- purpose:    Takes a document as the adapter sends it: as an object, or, where only that keeps a float a
--             float (1e22 is an integer to jsonb, 10000000000000000000000.0 is not), as its JSON text.
-- p_document: an object, or a string that holds one
-- returns:    the document
-- raises:     PD002 invalid document
create or replace function parlant_internal.read_document(p_document jsonb)
returns jsonb
language plpgsql
immutable
security invoker
set search_path = ''
as $$
declare
  v_document jsonb := p_document;
begin
  if jsonb_typeof(p_document) = 'string' then
    v_document := (p_document #>> '{}')::jsonb;
  end if;

  if coalesce(jsonb_typeof(v_document), 'null') <> 'object' then
    raise exception using
      errcode = 'PD002',
      message = format('a document must be an object, got %s', coalesce(jsonb_typeof(v_document), 'null')),
      hint = 'Send a JSON object.';
  end if;

  return v_document;
end;
$$;

comment on function parlant_internal.read_document(jsonb) is
'Document sent as an object or as its JSON text.';

revoke all on function parlant_internal.read_document(jsonb) from public, anon, authenticated;
grant execute on function parlant_internal.read_document(jsonb) to service_role;
-- <<<
-- >>> sql/functions/internal/sort_entry_field.sql
-- purpose:  Checks one entry of a sort or of an index definition.
-- p_entry:  [field, "asc" | "desc"]
-- returns:  the field's name
-- raises:   PD008 invalid argument
create or replace function parlant_internal.sort_entry_field(p_entry jsonb)
returns text
language plpgsql
immutable
security invoker
set search_path = ''
as $$
begin
  if jsonb_typeof(p_entry) = 'array'
    and jsonb_array_length(p_entry) = 2
    and jsonb_typeof(p_entry -> 0) = 'string'
    and p_entry -> 1 in ('"asc"'::jsonb, '"desc"'::jsonb)
  then
    return p_entry ->> 0;
  end if;

  raise exception using
    errcode = 'PD008',
    message = 'a sort or index field must be a pair of a field name and a direction',
    hint = 'Write ["field", "asc"] or ["field", "desc"].';
end;
$$;

comment on function parlant_internal.sort_entry_field(jsonb) is
'Field name of a checked [field, direction] pair.';

revoke all on function parlant_internal.sort_entry_field(jsonb) from public, anon, authenticated;
grant execute on function parlant_internal.sort_entry_field(jsonb) to service_role;
-- <<<
-- >>> sql/functions/internal/table_name_for.sql
-- purpose:      The name of a collection's table: the prefix itself if the prefix, less trailing
--               underscores, ends with the collection's name, else prefix and name; cut at 63 bytes as
--               Postgres cuts names.
-- p_prefix:     the store's table prefix
-- p_collection: the collection's name
-- returns:      the table's name
-- raises:       PD006 invalid table name
create or replace function parlant_internal.table_name_for(p_prefix text, p_collection text)
returns name
language plpgsql
immutable
security invoker
set search_path = ''
as $$
begin
  if coalesce(p_prefix, '') = '' or coalesce(p_collection, '') = '' then
    raise exception using
      errcode = 'PD006',
      message = 'the table prefix and the collection name must not be empty',
      hint = 'Give each store a table_prefix of its own, such as parlant_sessions_.';
  end if;

  if right(rtrim(p_prefix, '_'), length(p_collection)) = p_collection then
    return p_prefix::name;
  end if;

  return (p_prefix || p_collection)::name;
end;
$$;

comment on function parlant_internal.table_name_for(text, text) is
'Table name of a collection under a prefix.';

revoke all on function parlant_internal.table_name_for(text, text)
from public, anon, authenticated;
grant execute on function parlant_internal.table_name_for(text, text) to service_role;
-- <<<
-- >>> sql/functions/internal/table_of.sql
-- purpose:      Finds the table of a collection in the registry.
-- p_prefix:     the store's table prefix
-- p_collection: the collection's name
-- returns:      the table's quoted, qualified name, for use in dynamic SQL
-- raises:       PD004 collection not found
create or replace function parlant_internal.table_of(p_prefix text, p_collection text)
returns text
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  v_table text;
begin
  select format('%I.%I', 'public', c.table_name) into v_table
  from parlant_internal.collections as c
  where c.prefix = p_prefix and c.collection = p_collection;

  if v_table is null then
    raise exception using
      errcode = 'PD004',
      message = format('collection %L under prefix %L does not exist', p_collection, p_prefix),
      hint = 'Open it with get_or_create_collection first.';
  end if;

  return v_table;
end;
$$;

comment on function parlant_internal.table_of(text, text) is
'Qualified table name of a registered collection.';

revoke all on function parlant_internal.table_of(text, text) from public, anon, authenticated;
grant execute on function parlant_internal.table_of(text, text) to service_role;
-- <<<
-- >>> sql/functions/internal/text_column.sql
-- purpose:  Names the column that holds a field's value wherever that value is a string, and NULL
--           elsewhere, so that a string may be compared with the column alone.
-- p_field:  the field's name
-- returns:  the column's name, or NULL if the field has no such column
-- raises:   nothing
create or replace function parlant_internal.text_column(p_field text)
returns text
language sql
immutable
parallel safe
security invoker
set search_path = ''
as $$
  select case when p_field in ('id', 'session_id', 'customer_id', 'agent_id') then p_field end
$$;

comment on function parlant_internal.text_column(text) is
'Column that is equivalent to a field for strings, or NULL.';

revoke all on function parlant_internal.text_column(text) from public, anon, authenticated;
grant execute on function parlant_internal.text_column(text) to service_role;
-- <<<
-- >>> sql/functions/internal/text_elements.sql
-- purpose:  The operand of $in and $nin on a text column, so that it folds to a constant array.
-- p_values: a JSON array of strings
-- returns:  text[]
-- raises:   nothing
create or replace function parlant_internal.text_elements(p_values jsonb)
returns text[]
language sql
immutable
parallel safe
security invoker
set search_path = ''
as $$
  select coalesce(array_agg(v.value), '{}')
  from jsonb_array_elements_text(p_values) as v
$$;

comment on function parlant_internal.text_elements(jsonb) is
'Elements of a JSON array of strings as text.';

revoke all on function parlant_internal.text_elements(jsonb) from public, anon, authenticated;
grant execute on function parlant_internal.text_elements(jsonb) to service_role;
-- <<<
-- >>> sql/functions/internal/varying_field.sql
-- purpose:    Finds the one field in which the members of a logical operator differ, if they can be
--             compared as one array: all have the same keys, all but one key have the same condition in
--             every member, and that one holds nothing but $eq (under $or) or, alone, $ne (under $and).
-- p_operator: '$and' or '$or'
-- p_members:  JSON array, not empty
-- returns:    the field's name, or NULL
-- raises:     nothing
create or replace function parlant_internal.varying_field(p_operator text, p_members jsonb)
returns text
language plpgsql
immutable
security invoker
set search_path = ''
as $$
declare
  v_count integer := jsonb_array_length(p_members);
  v_operand_key text := case p_operator when '$or' then '$eq' else '$ne' end;
  v_varying text[];
begin
  if v_count < 2 or exists (
    select from jsonb_array_elements(p_members) as m
    where jsonb_typeof(m.value) <> 'object' or m.value = '{}'::jsonb
  ) then
    return null;
  end if;

  if exists (
    select from jsonb_array_elements(p_members) as m, jsonb_each(m.value) as f
    group by f.key
    having count(*) <> v_count
  ) then
    return null;
  end if;

  v_varying := array(
    select f.key
    from jsonb_array_elements(p_members) as m, jsonb_each(m.value) as f
    group by f.key
    having count(distinct f.value) > 1
  );

  if cardinality(v_varying) <> 1 or v_varying[1] like '$%' then
    return null;
  end if;

  -- not (a and b) is no list of inequalities, so under $and the field must stand alone.
  if p_operator = '$and' and (select count(*) from jsonb_object_keys(p_members -> 0)) <> 1 then
    return null;
  end if;

  if exists (
    select from jsonb_array_elements(p_members) as m
    where
      jsonb_typeof(m.value -> v_varying[1]) <> 'object'
      or not (m.value -> v_varying[1]) ? v_operand_key
      or (m.value -> v_varying[1]) - v_operand_key <> '{}'::jsonb
  ) then
    return null;
  end if;

  return v_varying[1];
end;
$$;

comment on function parlant_internal.varying_field(text, jsonb) is
'The one field in which the members of $and or $or differ, or NULL.';

revoke all on function parlant_internal.varying_field(text, jsonb)
from public, anon, authenticated;
grant execute on function parlant_internal.varying_field(text, jsonb) to service_role;
-- <<<
-- >>> sql/functions/api/parlant_create_collection.sql
-- purpose:      Creates a collection that is not there yet.
-- p_prefix:     the store's table prefix
-- p_collection: the collection's name
-- returns:      {"created": true}
-- raises:       PD005 collection exists, PD006 invalid table name, PD007 table not ours
-- example:      select public.parlant_create_collection('parlant_sessions_', 'events');
create or replace function public.parlant_create_collection(p_prefix text, p_collection text)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  if not parlant_internal.create_collection_tables(p_prefix, p_collection) then
    raise exception using
      errcode = 'PD005',
      message = format('collection %L under prefix %L exists', p_collection, p_prefix),
      hint = 'Open it with get_or_create_collection, or delete it first.';
  end if;

  return jsonb_build_object('created', true);
end;
$$;

comment on function public.parlant_create_collection(text, text) is
'Creates a Parlant document collection.';

revoke all on function public.parlant_create_collection(text, text)
from public, anon, authenticated;
grant execute on function public.parlant_create_collection(text, text) to service_role;
-- <<<
-- >>> sql/functions/api/parlant_delete_collection.sql
-- purpose:      Deletes a collection with its documents. The table of its failed documents stays.
-- p_prefix:     the store's table prefix
-- p_collection: the collection's name
-- returns:      {"deleted": true}
-- raises:       PD004 collection not found
-- example:      select public.parlant_delete_collection('parlant_sessions_', 'events');
create or replace function public.parlant_delete_collection(p_prefix text, p_collection text)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  perform parlant_internal.drop_collection_table(p_prefix, p_collection);

  return jsonb_build_object('deleted', true);
end;
$$;

comment on function public.parlant_delete_collection(text, text) is
'Deletes a Parlant document collection.';

revoke all on function public.parlant_delete_collection(text, text)
from public, anon, authenticated;
grant execute on function public.parlant_delete_collection(text, text) to service_role;
-- <<<
-- >>> sql/functions/api/parlant_delete_one.sql
-- purpose:      Deletes the first document, in order of insertion, that a filter matches. Calls at the same
--               moment with the same filter delete different documents.
-- p_prefix:     the store's table prefix
-- p_collection: the collection's name
-- p_filters:    a Parlant filter; NULL or {} matches every document
-- returns:      {"deleted_count": 0 | 1, "deleted_document": {...} | null}
-- raises:       PD001 invalid filter, PD004 collection not found
-- example:      select public.parlant_delete_one(
--                 'parlant_customers_', 'customers', '{"id": {"$eq": "c1"}}');
create or replace function public.parlant_delete_one(
  p_prefix text,
  p_collection text,
  p_filters jsonb
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_table text := parlant_internal.table_of(p_prefix, p_collection);
  v_where text := parlant_internal.compile_filter(p_filters);
  v_id text;
  v_document jsonb;
begin
  -- Whoever deletes at the same moment holds another match; only if all are held is there one to wait for.
  execute format(
    'select d.id from %s as d where %s order by d.seq limit 1 for update skip locked',
    v_table, v_where)
  into v_id
  using p_filters;

  if v_id is null then
    v_id := parlant_internal.lock_first_match(v_table, v_where, p_filters);
  end if;

  if v_id is not null then
    execute format('delete from %s as d where d.id = $1 returning d.data', v_table)
    into v_document
    using v_id;
  end if;

  return jsonb_build_object(
    'deleted_count', case when v_id is null then 0 else 1 end,
    'deleted_document', v_document);
end;
$$;

comment on function public.parlant_delete_one(text, text, jsonb) is
'Deletes the first matching document of a Parlant document collection.';

revoke all on function public.parlant_delete_one(text, text, jsonb)
from public, anon, authenticated;
grant execute on function public.parlant_delete_one(text, text, jsonb) to service_role;
-- <<<
-- >>> sql/functions/api/parlant_ensure_indexes.sql
-- purpose:      Makes the indexes that are missing. The primary key on id and the index on
--               (creation_utc, id) are there from the start.
-- p_prefix:     the store's table prefix
-- p_collection: the collection's name
-- p_indexes:    [{"fields": [[field, "asc" | "desc"], ...], "unique": bool}, ...]
-- returns:      {"created": int}
-- raises:       PD004 collection not found, PD008 invalid argument
-- example:      select public.parlant_ensure_indexes(
--                 'parlant_sessions_', 'events',
--                 '[{"fields": [["session_id", "asc"], ["offset", "asc"]], "unique": false}]');
--
-- An index on a large table takes longer than a request may.
create or replace function public.parlant_ensure_indexes(
  p_prefix text,
  p_collection text,
  p_indexes jsonb
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
set statement_timeout = '55s'
as $$
declare
  v_table text := parlant_internal.table_of(p_prefix, p_collection);
  v_index jsonb;
  v_fields jsonb;
  v_unique boolean;
  v_created integer := 0;
begin
  if coalesce(jsonb_typeof(p_indexes), 'null') <> 'array' then
    raise exception using
      errcode = 'PD008',
      message = format('the indexes must be a list, got %s', coalesce(jsonb_typeof(p_indexes), 'null')),
      hint = 'Write [{"fields": [["field", "asc"]], "unique": false}].';
  end if;

  for v_index in select i.value from jsonb_array_elements(p_indexes) as i loop
    v_fields := v_index -> 'fields';
    v_unique := coalesce(v_index -> 'unique' = 'true'::jsonb, false);

    if coalesce(jsonb_typeof(v_fields), 'null') <> 'array' or v_fields = '[]'::jsonb then
      raise exception using
        errcode = 'PD008',
        message = 'an index needs a list of at least one field',
        hint = 'Write {"fields": [["field", "asc"]], "unique": false}.';
    end if;

    perform parlant_internal.sort_entry_field(f.value) from jsonb_array_elements(v_fields) as f;

    if v_fields in ('[["id", "asc"]]'::jsonb, '[["id", "desc"]]'::jsonb)
      or (v_fields = '[["creation_utc", "asc"], ["id", "asc"]]'::jsonb and not v_unique)
      or exists (
        select from pg_catalog.pg_index as x
        join pg_catalog.pg_class as c on c.oid = x.indexrelid
        where
          x.indrelid = v_table::regclass
          and c.relname = parlant_internal.index_name(p_prefix, p_collection, v_fields, v_unique)
      )
    then
      continue;
    end if;

    perform parlant_internal.create_index(p_prefix, p_collection, v_fields, v_unique);
    v_created := v_created + 1;
  end loop;

  return jsonb_build_object('created', v_created);
end;
$$;

comment on function public.parlant_ensure_indexes(text, text, jsonb) is
'Makes the missing indexes of a Parlant document collection.';

revoke all on function public.parlant_ensure_indexes(text, text, jsonb)
from public, anon, authenticated;
grant execute on function public.parlant_ensure_indexes(text, text, jsonb) to service_role;
-- <<<
-- >>> sql/functions/api/parlant_execute.sql
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

  for v_call in select c.value from jsonb_array_elements(p_calls) as c loop
    -- Whatever goes wrong in one call is that call's own result.
    begin
      v_shape := (v_call ->> 'function')
        || array(select jsonb_object_keys(v_call -> 'arguments'))::text;
      if not v_statements ? v_shape then
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
-- <<<
-- >>> sql/functions/api/parlant_find.sql
-- purpose:          Reads the documents that a filter matches, ordered by (creation_utc, id), page by page.
-- p_prefix:         the store's table prefix
-- p_collection:     the collection's name
-- p_filters:        a Parlant filter; NULL or {} matches every document
-- p_limit:          the most documents to return; NULL for all, 0 for an empty page
-- p_cursor:         {"creation_utc": text, "id": text}; only documents strictly after it, in the direction
--                   of the sort, are returned
-- p_sort_direction: "asc" (also if NULL) or "desc"
-- returns:          {"items": [...], "total_count": int, "has_more": bool,
--                   "next_cursor": {"creation_utc", "id"} | null};
--                   total_count counts the matches after the cursor, before the limit
-- raises:           PD001 invalid filter, PD004 collection not found, PD008 invalid argument
-- example:          select public.parlant_find(
--                     'parlant_sessions_', 'sessions', '{"customer_id": {"$eq": "c1"}}', 20, null, 'desc');
create or replace function public.parlant_find(
  p_prefix text,
  p_collection text,
  p_filters jsonb default null,
  p_limit bigint default null,
  p_cursor jsonb default null,
  p_sort_direction text default null
)
returns jsonb
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  v_table text := parlant_internal.table_of(p_prefix, p_collection);
  v_where text := parlant_internal.compile_filter(p_filters);
  v_direction text := coalesce(p_sort_direction, 'asc');
  v_items jsonb[];
  v_total bigint;
  v_last jsonb;
begin
  if v_direction not in ('asc', 'desc') then
    raise exception using
      errcode = 'PD008',
      message = format('unknown sort direction %L', p_sort_direction),
      hint = 'The sort direction is asc or desc.';
  end if;

  if p_limit < 0 then
    raise exception using
      errcode = 'PD008',
      message = 'the limit must not be negative',
      hint = 'Leave the limit out to get all documents.';
  end if;

  if p_cursor is not null then
    if coalesce(jsonb_typeof(p_cursor -> 'creation_utc'), 'null') <> 'string'
      or coalesce(jsonb_typeof(p_cursor -> 'id'), 'null') <> 'string'
    then
      raise exception using
        errcode = 'PD008',
        message = 'a cursor must hold the strings creation_utc and id',
        hint = 'Pass on next_cursor of the page before.';
    end if;

    v_where := format(
      '(%s) and (d.creation_utc, d.id) %s ($2 ->> ''creation_utc'', $2 ->> ''id'')',
      v_where, case v_direction when 'asc' then '>' else '<' end);
  end if;

  execute format(
    'select coalesce(array_agg(page.data), ''{}'') from ('
    'select d.data from %s as d where %s order by d.creation_utc %3$s, d.id %3$s limit $3'
    ') as page',
    v_table, v_where, v_direction)
  into v_items
  using p_filters, p_cursor, least(p_limit, 2147483646) + 1;

  if cardinality(v_items) <= coalesce(p_limit, cardinality(v_items)) then
    return jsonb_build_object(
      'items', to_jsonb(v_items),
      'total_count', cardinality(v_items),
      'has_more', false,
      'next_cursor', null);
  end if;

  execute format('select count(*) from %s as d where %s', v_table, v_where)
  into v_total
  using p_filters, p_cursor;

  v_last := v_items[p_limit::integer];
  return jsonb_build_object(
    'items', to_jsonb(v_items[1:p_limit::integer]),
    'total_count', v_total,
    'has_more', true,
    'next_cursor', case when p_limit > 0 then
      jsonb_build_object(
        'creation_utc', case jsonb_typeof(v_last -> 'creation_utc')
          when 'string' then v_last ->> 'creation_utc' else '' end,
        'id', v_last ->> 'id')
    end);
end;
$$;

comment on function public.parlant_find(text, text, jsonb, bigint, jsonb, text) is
'Matching documents of a Parlant document collection, page by page.';

revoke all on function public.parlant_find(text, text, jsonb, bigint, jsonb, text)
from public, anon, authenticated;
grant execute on function public.parlant_find(text, text, jsonb, bigint, jsonb, text)
to service_role;
-- <<<
-- >>> sql/functions/api/parlant_find_one.sql
-- purpose:      Reads the first document that a filter matches.
-- p_prefix:     the store's table prefix
-- p_collection: the collection's name
-- p_filters:    a Parlant filter; NULL or {} matches every document
-- p_sort:       [[field, "asc" | "desc"], ...]; NULL means order of insertion
-- returns:      {"document": {...} | null}
-- raises:       PD001 invalid filter, PD004 collection not found, PD008 invalid argument
-- example:      select public.parlant_find_one(
--                 'parlant_sessions_', 'events',
--                 '{"session_id": {"$eq": "s1"}}', '[["offset", "desc"]]');
create or replace function public.parlant_find_one(
  p_prefix text,
  p_collection text,
  p_filters jsonb,
  p_sort jsonb default null
)
returns jsonb
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  v_document jsonb;
begin
  execute format(
    'select d.data from %s as d where %s order by %s limit 1',
    parlant_internal.table_of(p_prefix, p_collection),
    parlant_internal.compile_filter(p_filters),
    parlant_internal.compile_sort(p_sort))
  into v_document
  using p_filters;

  return jsonb_build_object('document', v_document);
end;
$$;

comment on function public.parlant_find_one(text, text, jsonb, jsonb) is
'First matching document of a Parlant document collection.';

revoke all on function public.parlant_find_one(text, text, jsonb, jsonb)
from public, anon, authenticated;
grant execute on function public.parlant_find_one(text, text, jsonb, jsonb) to service_role;
-- <<<
-- >>> sql/functions/api/parlant_get_collection.sql
-- purpose:      Opens a collection that exists and reads the first documents that its loader has to see.
-- p_prefix:     the store's table prefix
-- p_collection: the collection's name
-- p_version:    the store's version; NULL for a loader that sees every document
-- returns:      {"created": false, "table": text, "failed_table": text,
--               "documents": [{"id", "digest", "data"}, ...], "next": {...} | null}
-- raises:       PD004 collection not found
-- example:      select public.parlant_get_collection('parlant_sessions_', 'events', '0.9.0');
create or replace function public.parlant_get_collection(
  p_prefix text,
  p_collection text,
  p_version text default null
)
returns jsonb
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return parlant_internal.opened_collection(p_prefix, p_collection, p_version, false);
end;
$$;

comment on function public.parlant_get_collection(text, text, text) is
'Opens an existing Parlant document collection.';

revoke all on function public.parlant_get_collection(text, text, text)
from public, anon, authenticated;
grant execute on function public.parlant_get_collection(text, text, text) to service_role;
-- <<<
-- >>> sql/functions/api/parlant_get_or_create_collection.sql
-- purpose:      Opens a collection, creating it if need be, and reads the first documents that its loader
--               has to see.
-- p_prefix:     the store's table prefix
-- p_collection: the collection's name
-- p_version:    the store's version; NULL for a loader that sees every document
-- returns:      {"created": bool, "table": text, "failed_table": text,
--               "documents": [{"id", "digest", "data"}, ...], "next": {...} | null}
-- raises:       PD006 invalid table name, PD007 table not ours
-- example:      select public.parlant_get_or_create_collection('parlant_sessions_', 'events', '0.9.0');
create or replace function public.parlant_get_or_create_collection(
  p_prefix text,
  p_collection text,
  p_version text default null
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_created boolean := false;
begin
  if not exists (
    select from parlant_internal.collections as c
    where c.prefix = p_prefix and c.collection = p_collection
  ) then
    v_created := parlant_internal.create_collection_tables(p_prefix, p_collection);
  end if;

  return parlant_internal.opened_collection(p_prefix, p_collection, p_version, v_created);
end;
$$;

comment on function public.parlant_get_or_create_collection(text, text, text) is
'Opens a Parlant document collection, creating it if need be.';

revoke all on function public.parlant_get_or_create_collection(text, text, text)
from public, anon, authenticated;
grant execute on function public.parlant_get_or_create_collection(text, text, text)
to service_role;
-- <<<
-- >>> sql/functions/api/parlant_get_version.sql
-- purpose:  Tells which version of the SQL is deployed, for the adapter's handshake.
-- returns:  {"sql_version": int, "compatible_since": int}
-- raises:   nothing
-- example:  select public.parlant_get_version();
create or replace function public.parlant_get_version()
returns jsonb
language sql
stable
security invoker
set search_path = ''
as $$
  select jsonb_build_object(
    'sql_version', i.sql_version,
    'compatible_since', i.compatible_since
  )
  from parlant_internal.installation as i
$$;

comment on function public.parlant_get_version() is
'Version of the deployed parlant-supabase SQL.';

revoke all on function public.parlant_get_version() from public, anon, authenticated;
grant execute on function public.parlant_get_version() to service_role;
-- <<<
-- >>> sql/functions/api/parlant_insert_one.sql
-- purpose:      Inserts a document. One with the same id and, but for creation_utc, the same content is
--               acknowledged without writing.
-- p_prefix:     the store's table prefix
-- p_collection: the collection's name
-- p_document:   the document; its "id" is a string
-- returns:      {"acknowledged": true, "inserted": bool}
-- raises:       PD002 invalid document, PD003 duplicate document, PD004 collection not found
-- example:      select public.parlant_insert_one(
--                 'parlant_customers_', 'customers', '{"id": "c1", "name": "Ann"}');
create or replace function public.parlant_insert_one(
  p_prefix text,
  p_collection text,
  p_document jsonb
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  return jsonb_build_object(
    'acknowledged', true,
    'inserted', parlant_internal.insert_document(
      parlant_internal.table_of(p_prefix, p_collection),
      parlant_internal.read_document(p_document)));
end;
$$;

comment on function public.parlant_insert_one(text, text, jsonb) is
'Inserts a document into a Parlant document collection.';

revoke all on function public.parlant_insert_one(text, text, jsonb)
from public, anon, authenticated;
grant execute on function public.parlant_insert_one(text, text, jsonb) to service_role;
-- <<<
-- >>> sql/functions/api/parlant_save_loaded_documents.sql
-- purpose:      Stores what a loader made of a page of documents, and reads the next page. A document that
--               was changed or removed since it was read is left alone: another server has seen to it.
--               - changed:  the document is replaced
--               - rejected: it moves to the table of failed documents
--               - raised:   it stays, and a copy is kept in the table of failed documents, once
-- p_prefix:     the store's table prefix
-- p_collection: the collection's name
-- p_results:    [{"id", "digest", "outcome": "changed", "data"} | {"id", "digest", "outcome": "rejected"}
--               | {"id", "digest", "outcome": "raised", "reason"}, ...]
-- p_version:    the store's version; NULL for a loader that sees every document
-- p_after:      "next" of the page that the results are for; NULL if there is no next page to read
-- returns:      {"changed": int, "rejected": int, "raised": int, "documents": [...], "next": {...} | null}
-- raises:       PD002 invalid document, PD003 duplicate document, PD004 collection not found
-- example:      select public.parlant_save_loaded_documents(
--                 'parlant_sessions_', 'events',
--                 '[{"id": "a", "digest": "900150983cd24fb0d6963f7d28e17f72", "outcome": "rejected"}]',
--                 '0.9.0', null);
create or replace function public.parlant_save_loaded_documents(
  p_prefix text,
  p_collection text,
  p_results jsonb,
  p_version text default null,
  p_after jsonb default null
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_table text := parlant_internal.table_of(p_prefix, p_collection);
  v_failed text := parlant_internal.failed_table_of(p_prefix, p_collection);
  v_result jsonb;
  v_stored jsonb;
  v_document jsonb;
  v_counts jsonb := '{"changed": 0, "rejected": 0, "raised": 0}';
  v_outcome text;
  v_page jsonb := '{"documents": [], "next": null}';
begin
  for v_result in select r.value from jsonb_array_elements(p_results) as r loop
    execute format('select d.data from %s as d where d.id = $1 for update', v_table)
    into v_stored
    using v_result ->> 'id';

    if md5(v_stored::text) is distinct from v_result ->> 'digest' then
      continue;
    end if;

    v_outcome := v_result ->> 'outcome';
    if v_outcome = 'changed' then
      v_document := parlant_internal.read_document(v_result -> 'data');
      begin
        execute format('update %s as d set data = $2 where d.id = $1', v_table)
        using v_result ->> 'id', v_document;
      exception when unique_violation then
        raise exception using
          errcode = 'PD003',
          message = 'the loader gave a document the id of another',
          hint = 'Nothing of this page was changed. A loader has to keep ids apart.';
      end;
    elsif v_outcome in ('rejected', 'raised') then
      execute format(
        'insert into %1$s (id, data, reason) select $1, $2, $3'
        ' where not exists (select from %1$s as f where f.id = $1 and f.data = $2)', v_failed)
      using
        v_result ->> 'id',
        v_stored,
        case v_outcome when 'raised' then 'raised: ' || (v_result ->> 'reason') else v_outcome end;
      if v_outcome = 'rejected' then
        execute format('delete from %s as d where d.id = $1', v_table)
        using v_result ->> 'id';
      end if;
    else
      raise exception using
        errcode = 'PD008',
        message = format('unknown outcome %L', v_outcome),
        hint = 'The outcomes are changed, rejected and raised.';
    end if;

    v_counts := v_counts
      || jsonb_build_object(v_outcome, (v_counts ->> v_outcome)::integer + 1);
  end loop;

  if p_after is not null then
    v_page := parlant_internal.page_to_load(v_table, p_version, p_after);
  end if;

  return v_counts || v_page;
end;
$$;

comment on function public.parlant_save_loaded_documents(text, text, jsonb, text, jsonb) is
'Stores what a loader made of a page of documents.';

revoke all on function public.parlant_save_loaded_documents(text, text, jsonb, text, jsonb)
from public, anon, authenticated;
grant execute on function public.parlant_save_loaded_documents(text, text, jsonb, text, jsonb)
to service_role;
-- <<<
-- >>> sql/functions/api/parlant_update_one.sql
-- purpose:           Merges top-level keys into the first document, in order of insertion, that a filter
--                    matches; with p_upsert, inserts p_params if none does.
-- p_prefix:          the store's table prefix
-- p_collection:      the collection's name
-- p_filters:         a Parlant filter; NULL or {} matches every document
-- p_params:          keys and values to set; may hold another id
-- p_upsert:          whether to insert p_params, as they are, where nothing matches
-- p_required_fields: the fields that a document inserted by p_upsert must have
-- returns:           {"matched_count": 0 | 1, "modified_count": 0 | 1, "updated_document": {...} | null};
--                    after an insert both counts are 0 and updated_document is p_params
-- raises:            PD001 invalid filter, PD002 invalid document, PD003 duplicate document,
--                    PD004 collection not found, PD009 incomplete document
-- example:           select public.parlant_update_one(
--                      'parlant_customers_', 'customers',
--                      '{"id": {"$eq": "c1"}}', '{"name": "Anna"}');
create or replace function public.parlant_update_one(
  p_prefix text,
  p_collection text,
  p_filters jsonb,
  p_params jsonb,
  p_upsert boolean default false,
  p_required_fields text[] default '{}'
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_table text := parlant_internal.table_of(p_prefix, p_collection);
  v_where text := parlant_internal.compile_filter(p_filters);
  v_params jsonb := parlant_internal.read_document(p_params);
  v_id text := parlant_internal.lock_first_match(v_table, v_where, p_filters);
  v_missing text;
begin
  if v_id is null and p_upsert then
    -- Upserts with the same filter take turns, so that the second finds the document of the first.
    perform pg_advisory_xact_lock(
      v_table::regclass::oid::integer, hashtext(coalesce(p_filters::text, '')));
    v_id := parlant_internal.lock_first_match(v_table, v_where, p_filters);
  end if;

  if v_id is null and p_upsert then
    select string_agg(r.field, ', ' order by r.position) into v_missing
    from unnest(p_required_fields) with ordinality as r (field, position)
    where not v_params ? r.field;
    if v_missing is not null then
      raise exception using
        errcode = 'PD009',
        message = format('the document to insert lacks the fields %s', v_missing),
        hint = 'An upsert that finds nothing inserts its params as they are, so they must be complete.';
    end if;

    begin
      perform parlant_internal.insert_document(v_table, v_params);
    exception when sqlstate 'PD003' then
      -- Another call inserted that id since we looked. If it matches the filter, it is the one to update.
      v_id := parlant_internal.lock_first_match(v_table, v_where, p_filters);
      if v_id is null then
        raise;
      end if;
    end;
  end if;

  if v_id is null then
    return jsonb_build_object(
      'matched_count', 0,
      'modified_count', 0,
      'updated_document', case when p_upsert then v_params end);
  end if;

  return jsonb_build_object(
    'matched_count', 1,
    'modified_count', 1,
    'updated_document', parlant_internal.merge_document(v_table, v_id, v_params));
end;
$$;

comment on function
public.parlant_update_one(text, text, jsonb, jsonb, boolean, text[]) is
'Merges keys into the first matching document of a Parlant document collection, or upserts.';

revoke all on function
public.parlant_update_one(text, text, jsonb, jsonb, boolean, text[])
from public, anon, authenticated;
grant execute on function
public.parlant_update_one(text, text, jsonb, jsonb, boolean, text[]) to service_role;
-- <<<
-- >>> sql/default_stores.sql
-- The tables of the three stores under their default prefixes, so that they stand in the dashboard
-- before the first agent starts. Other prefixes get theirs on first use, by the same function.
select parlant_internal.create_collection_tables(s.prefix, s.collection)
from (
  values
  ('parlant_sessions_', 'metadata'),
  ('parlant_sessions_', 'sessions'),
  ('parlant_sessions_', 'events'),
  ('parlant_customers_', 'metadata'),
  ('parlant_customers_', 'customers'),
  ('parlant_customers_', 'customer_tag_associations'),
  ('parlant_context_variables_', 'metadata'),
  ('parlant_context_variables_', 'variables'),
  ('parlant_context_variables_', 'variable_tag_associations'),
  ('parlant_context_variables_', 'values')
) as s (prefix, collection);
-- <<<
-- >>> sql/reload.sql
-- PostgREST learns of new functions. On a hosted project an event trigger says the same; elsewhere nothing
-- else would.
notify pgrst, 'reload schema';
-- <<<
