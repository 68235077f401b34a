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
-- >>> sql/tables/view_definitions.sql
-- The views that people read, as templates: a file in sql/views/ writes a row each. They are made for every
-- row of view_sets.
--   name         what follows the set's prefix in the view's name
--   collections  what the view reads
--   query        a template for format(): %1$L is the pattern of a moment as Parlant writes it, %2$s the
--                table of the first of the collections, %3$s that of the second, and so on
--   comment      what the view shows
create table if not exists parlant_internal.view_definitions (
  name text collate "C" not null primary key,
  collections text[] not null,
  query text not null,
  comment text not null
);

comment on table parlant_internal.view_definitions is
'Templates of the views that people read.';

alter table parlant_internal.view_definitions enable row level security;
revoke all on table parlant_internal.view_definitions from public, anon, authenticated;
grant select on table parlant_internal.view_definitions to service_role;
-- <<<
-- >>> sql/tables/view_sets.sql
-- The prefixes of views, and those of the stores whose tables the views read. Written by
-- parlant_create_views; default_stores.sql adds those of the default stores.
create table if not exists parlant_internal.view_sets (
  prefix text collate "C" not null primary key,
  session_prefix text collate "C" not null,
  customer_prefix text collate "C" not null,
  variable_prefix text collate "C" not null
);

comment on table parlant_internal.view_sets is
'Which stores have views for people, and what the names of the views begin with.';

alter table parlant_internal.view_sets enable row level security;
revoke all on table parlant_internal.view_sets from public, anon, authenticated;
grant select on table parlant_internal.view_sets to service_role;
-- <<<
-- >>> sql/functions/internal/adoption/adopt_failed_table.sql
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
set search_path = pg_catalog, pg_temp
as $$
declare
  v_table text := format('%I.%I', 'public', p_table);
  v_policies text[];
  v_statement text;
begin
  if (select c.relkind from pg_catalog.pg_class as c where c.oid = v_table::regclass) <> 'r'
    or (
      select count(*)
      from pg_catalog.pg_attribute as a
      where a.attrelid = v_table::regclass and not a.attisdropped
        and (a.attname, a.atttypid) in (
          ('id', 'pg_catalog.text'::regtype), ('data', 'pg_catalog.jsonb'::regtype))
    ) <> 2
    or exists (
      select from pg_catalog.pg_index as i
      join pg_catalog.pg_attribute as a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
      where i.indrelid = v_table::regclass and i.indisprimary and a.attname <> 'seq'
    )
  then
    raise exception using
      errcode = 'PD007',
      message = format('%I exists and is not a table of parlant-supabase', p_table),
      detail = 'A table of failed documents has the columns id text and data jsonb, and no primary key.',
      hint = 'Use another table_prefix, or rename that table.';
  end if;

  if exists (
    select from pg_catalog.pg_attribute as a
    where a.attrelid = v_table::regclass and a.attname = 'seq' and not a.attisdropped
  ) then
    return;
  end if;

  v_policies := parlant_internal.set_aside_policies(p_table);

  execute format(
    'alter table %s'
    ' alter column id type text collate "C",'
    ' add column if not exists reason text not null default ''unknown'','
    ' add column if not exists failed_at timestamptz not null default now(),'
    ' add column seq bigint generated always as identity primary key', v_table);
  execute format('create index on %s (id)', v_table);

  foreach v_statement in array v_policies loop
    execute v_statement;
  end loop;
end;
$$;

comment on function parlant_internal.adopt_failed_table(name) is
'Turns a table of failed documents made by hand into one of ours.';

revoke all on function parlant_internal.adopt_failed_table(name)
from public, anon, authenticated, service_role;
-- <<<
-- >>> sql/functions/internal/adoption/adopt_table.sql
-- purpose:  Turns a table that was made by hand, from the script of the earlier adapter, into one of ours.
--           Rows are kept. The script's policies that let everybody in and its indexes, which no query of
--           ours uses, are dropped; policies of the user's own are kept.
-- p_table:  the name of a relation that exists
-- returns:  nothing
-- raises:   PD007 table not ours
create or replace function parlant_internal.adopt_table(p_table name)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_table text := format('%I.%I', 'public', p_table);
  v_missing text;
  v_unreadable bigint;
  v_policies text[];
  v_statement text;
  v_keys text;
  v_message text;
  v_detail text;
begin
  select string_agg(s.attname, ', ' order by s.attnum) into v_missing
  from pg_catalog.pg_attribute as s
  left join pg_catalog.pg_attribute as a
    on a.attrelid = v_table::regclass
      and a.attname = s.attname and a.atttypid = s.atttypid and not a.attisdropped
  where s.attrelid = 'parlant_internal.document_shape'::regclass
    and s.attnum > 0
    and s.attname <> 'seq'
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
        'It lacks, with the right type: ' || v_missing || '.', 'It lacks a primary key on id.'),
      hint = 'Use another table_prefix, or rename that table.';
  end if;

  execute format(
    'select count(*) from %s as d where jsonb_typeof(d.data) is distinct from ''object''', v_table)
  into v_unreadable;
  if v_unreadable > 0 then
    raise exception using
      errcode = 'PD007',
      message = format('%I exists and cannot become a table of parlant-supabase', p_table),
      detail = format('In %s of its rows, data is not a JSON object.', v_unreadable),
      hint = 'Correct or delete those rows, or rename that table.';
  end if;

  v_policies := parlant_internal.set_aside_policies(p_table);

  for v_statement in
    select format('drop index %s', i.indexrelid::regclass)
    from unnest('{creation_utc,session_id,customer_id,agent_id,data_gin}'::text[]) as n (suffix)
    join pg_catalog.pg_class as c on c.relname = format('idx_%s_%s', p_table, n.suffix)::name
    join pg_catalog.pg_index as i on i.indexrelid = c.oid
    where i.indrelid = v_table::regclass and not i.indisunique
  loop
    execute v_statement;
  end loop;

  execute format(
    'create or replace trigger derive_columns before insert or update on %s'
    ' for each row execute function parlant_internal.derive_columns()', v_table);

  begin
    -- The earlier adapter kept the whole document in data; rows made otherwise get from their columns
    -- what data lacks. The trigger does the rest.
    execute format(
      'update %s as d set data = case jsonb_typeof(d.data -> ''id'') when ''string'' then d.data else'
      ' jsonb_strip_nulls(jsonb_build_object('
      '''version'', d.version, ''creation_utc'', d.creation_utc, ''session_id'', d.session_id,'
      ' ''customer_id'', d.customer_id, ''agent_id'', d.agent_id'
      ')) || d.data || jsonb_build_object(''id'', d.id) end'
      ' where true', v_table);

    -- After the update, because this writes the table anew and drops what the update has left behind.
    -- Not if the table was ours before: a column that a view of ours reads cannot be altered.
    if exists (
      select from pg_catalog.pg_attribute as s
      left join pg_catalog.pg_attribute as a
        on a.attrelid = v_table::regclass
          and a.attname = s.attname and a.attcollation = s.attcollation and a.attnotnull = s.attnotnull
      where s.attrelid = 'parlant_internal.document_shape'::regclass
        and s.attnum > 0
        and a.attname is null
    ) then
      execute format(
        'alter table %s'
        ' alter column id type text collate "C",'
        ' alter column version type text collate "C",'
        ' alter column version set default '''', alter column version set not null,'
        ' alter column creation_utc type text collate "C",'
        ' alter column creation_utc set default '''', alter column creation_utc set not null,'
        ' alter column session_id type text collate "C",'
        ' alter column customer_id type text collate "C",'
        ' alter column agent_id type text collate "C",'
        ' alter column data drop default, alter column data set not null,'
        ' add column if not exists seq bigint generated always as identity', v_table);
    end if;
  exception
    when unique_violation then
      raise exception using
        errcode = 'PD007',
        message = format('%I exists and cannot become a table of parlant-supabase', p_table),
        detail = 'Two of its rows have the same id in data.',
        hint = 'Correct or delete one of them, or rename that table.';
    when feature_not_supported then
      get stacked diagnostics v_message = message_text, v_detail = pg_exception_detail;
      raise exception using
        errcode = 'PD007',
        message = format('%I exists and cannot become a table of parlant-supabase', p_table),
        detail = format('%s: %s.', v_message, v_detail),
        hint = 'Drop what depends on its columns and make it again afterwards, or rename that table.';
  end;

  foreach v_keys in array '{"creation_utc, id","version, seq"}'::text[] loop
    if not exists (
      select from pg_catalog.pg_index as i
      where i.indrelid = v_table::regclass
        and pg_get_indexdef(i.indexrelid) like '% USING btree (' || v_keys || ')'
    ) then
      execute format('create index on %s (%s)', v_table, v_keys);
    end if;
  end loop;

  foreach v_statement in array v_policies loop
    execute v_statement;
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
-- >>> sql/functions/internal/batches/call_statement.sql
-- purpose:     The statement that calls one of the api functions several times, with arguments out of a JSON
--              array of objects, bound as $1. Arguments that are not in the objects keep their defaults.
-- p_function:  the function's name without "parlant_"
-- p_arguments: one of the objects, {name of the argument: value, ...}; all have the same names
-- returns:     text of an SQL statement that yields one jsonb[]: {"reply": {...}} for each object, in their
--              order
-- raises:      PD008 invalid argument
create or replace function parlant_internal.call_statement(p_function text, p_arguments jsonb)
returns text
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_function record;
  v_unknown text;
  v_arguments text;
  v_columns text;
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

  select
    string_agg(format('%1$I => a.%1$I', a.name), ', '),
    string_agg(format('%I %s', a.name, a.type::regtype), ', ')
  into v_arguments, v_columns
  from unnest(v_function.names, v_function.types) as a (name, type)
  where p_arguments ? a.name;

  -- PostgREST converts the arguments of a call in the same way, so a batch takes what a call takes. A record
  -- needs a column, even if the function is called without arguments.
  return format(
    'select array_agg(jsonb_build_object(''reply'', public.%I(%s))) from jsonb_to_recordset($1) as a (%s)',
    v_function.proname, coalesce(v_arguments, ''), coalesce(v_columns, '_ jsonb'));
end;
$$;

comment on function parlant_internal.call_statement(text, jsonb) is
'Statement that calls an api function several times, with arguments out of a JSON array.';

revoke all on function parlant_internal.call_statement(text, jsonb)
from public, anon, authenticated;
grant execute on function parlant_internal.call_statement(text, jsonb) to service_role;
-- <<<
-- >>> sql/functions/internal/documents/changed_labels.sql
-- purpose:   The labels of a session after some were added and others removed, in the order in which they
--            came.
-- p_labels:  the labels before: a JSON array, or null or NULL for none
-- p_added:   labels to add where they are missing; NULL for none
-- p_removed: labels to remove; NULL for none
-- returns:   JSON array
-- raises:    PD002 invalid document, if the labels before are not a list
create or replace function parlant_internal.changed_labels(
  p_labels jsonb,
  p_added text[],
  p_removed text[]
)
returns jsonb
language plpgsql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_type text := coalesce(jsonb_typeof(p_labels), 'null');
begin
  if v_type not in ('array', 'null') then
    raise exception using
      errcode = 'PD002',
      message = format('the labels of the stored session must be a list, got %s', v_type),
      hint = 'Nothing was changed. Correct the stored session first, with update_one on labels.';
  end if;

  return (
    select coalesce(jsonb_agg(l.label order by l.first), '[]'::jsonb)
    from (
      select
        a.label,
        min(a.position) as first
      from unnest(array(select jsonb_array_elements_text(nullif(p_labels, 'null'))) || p_added)
        with ordinality as a (label, position)
      where a.label <> all (coalesce(p_removed, '{}'))
      group by a.label
    ) as l
  );
end;
$$;

comment on function parlant_internal.changed_labels(jsonb, text[], text[]) is
'Labels of a session after a change.';

revoke all on function parlant_internal.changed_labels(jsonb, text[], text[])
from public, anon, authenticated;
grant execute on function parlant_internal.changed_labels(jsonb, text[], text[]) to service_role;
-- <<<
-- >>> sql/functions/internal/filters/column_of.sql
-- purpose:  Names the column that a field is sorted and indexed by, for the fields that have one.
-- p_field:  the field's name
-- returns:  the column's name, or NULL
-- raises:   nothing
--
-- In PL/pgSQL for the same reason as text_column().
create or replace function parlant_internal.column_of(p_field text)
returns text
language plpgsql
immutable
parallel safe
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return case
    when p_field in ('id', 'version', 'creation_utc', 'session_id', 'customer_id', 'agent_id')
      then p_field
  end;
end;
$$;

comment on function parlant_internal.column_of(text) is
'Column that a field is sorted and indexed by, or NULL.';

revoke all on function parlant_internal.column_of(text) from public, anon, authenticated;
grant execute on function parlant_internal.column_of(text) to service_role;
-- <<<
-- >>> sql/functions/internal/filters/compile_equality.sql
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
set search_path = pg_catalog, pg_temp
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
    '%s = %s',
    parlant_internal.order_key(format('d.data -> %L', p_field)),
    parlant_internal.order_key(format('$1 #> %L::text[]', p_path)));

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
-- >>> sql/functions/internal/filters/compile_field.sql
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
set search_path = pg_catalog, pg_temp
as $$
declare
  v_operator text;
  v_operand jsonb;
  v_terms text[] := '{}';
begin
  if p_field like '$%' and jsonb_typeof(p_condition) <> 'object' then
    perform parlant_internal.filter_error(
      p_path, 'unknown operator', 'The logical operators are $and and $or.');
  end if;

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
-- >>> sql/functions/internal/filters/compile_filter.sql
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
set search_path = pg_catalog, pg_temp
as $$
declare
  -- Deep enough for any filter that a program writes, shallow enough for max_stack_depth.
  c_max_depth constant integer := 200;
  -- About 1,600 conditions, which take Postgres a second to plan. While it plans 30,000 it heeds no
  -- statement_timeout, and takes so much memory that the server goes down.
  c_max_characters constant integer := 1000000;
  v_key text;
  v_value jsonb;
  v_terms text[] := '{}';
  v_predicate text;
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
    else
      v_terms := v_terms
        || parlant_internal.compile_field(v_key, v_value, p_path || v_key);
    end if;
  end loop;

  if cardinality(v_terms) = 0 then
    return 'true';
  end if;

  v_predicate := array_to_string(v_terms, ' and ');

  if length(v_predicate) > c_max_characters then
    perform parlant_internal.filter_error(
      p_path[1:4], 'too many conditions',
      'Ask for several values of one field with $in or $nin, or ask several times.');
  end if;

  return v_predicate;
end;
$$;

comment on function parlant_internal.compile_filter(jsonb, text[]) is
'Predicate text for a Parlant filter that is bound as $1.';

revoke all on function parlant_internal.compile_filter(jsonb, text[])
from public, anon, authenticated;
grant execute on function parlant_internal.compile_filter(jsonb, text[]) to service_role;
-- <<<
-- >>> sql/functions/internal/filters/compile_logical.sql
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
set search_path = pg_catalog, pg_temp
as $$
declare
  v_varying text;
  v_common text;
  v_position bigint;
  v_member jsonb;
  v_term text;
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
    -- In two steps: an append that is itself in the middle of being evaluated, further up, copies the array.
    v_term := format(
      '(%s)', parlant_internal.compile_filter(v_member, p_path || v_position::text));
    v_terms := v_terms || v_term;
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
-- >>> sql/functions/internal/filters/compile_membership.sql
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
set search_path = pg_catalog, pg_temp
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
    '%s = any (parlant_internal.order_keys(%s))',
    parlant_internal.order_key(format('d.data -> %L', p_field)), p_source);

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
-- >>> sql/functions/internal/filters/compile_range.sql
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
set search_path = pg_catalog, pg_temp
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
    '(%s %s %s and jsonb_typeof(d.data -> %L) = %L',
    parlant_internal.order_key(format('d.data -> %L', p_field)),
    -- Keys of long strings are equal before the strings are.
    case when v_type = 'string' then left(v_comparison, 1) || '=' else v_comparison end,
    parlant_internal.order_key(format('$1 #> %L::text[]', p_path)),
    p_field,
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
-- >>> sql/functions/internal/filters/compile_sort.sql
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
set search_path = pg_catalog, pg_temp
as $$
declare
  -- As many as an index may have.
  c_max_fields constant integer := 32;
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

  if jsonb_array_length(p_sort) > c_max_fields then
    raise exception using
      errcode = 'PD008',
      message = format('the sort names more than %s fields', c_max_fields),
      hint = 'Name the few that matter.';
  end if;

  for v_entry in select s.value from jsonb_array_elements(p_sort) as s loop
    v_field := parlant_internal.sort_entry_field(v_entry);
    v_terms := v_terms || parlant_internal.order_term(v_field, v_entry ->> 1);
    if parlant_internal.column_of(v_field) is null then
      -- Tells apart what the order key, which ends after 100 characters, does not.
      v_terms := v_terms || format(
        '(case jsonb_typeof(data -> %1$L) when ''string'' then data ->> %1$L end) collate "C" %2$s',
        v_field, v_entry ->> 1);
    elsif v_field <> 'id' then
      -- Tells apart what the column, which holds strings alone, does not.
      v_terms := v_terms || format(
        '(%s) %s', parlant_internal.order_key(format('data -> %L', v_field)), v_entry ->> 1);
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
-- >>> sql/functions/internal/documents/count_rows.sql
-- purpose:  Counts the rows of a table of ours: to the row up to 10,000, beyond that by what Postgres has
--           last estimated, so that a count costs the same however large the table is.
-- p_table:  the table's oid
-- returns:  {"count": int, "exact": bool}, or NULL if the caller may not read the table
-- raises:   nothing
create or replace function parlant_internal.count_rows(p_table regclass)
returns jsonb
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  c_exact_up_to constant bigint := 10000;
  v_count bigint;
begin
  if not has_table_privilege(p_table, 'select') then
    return null;
  end if;

  execute format('select count(*) from (select from %s limit $1) as t', p_table)
  into v_count
  using c_exact_up_to + 1;

  if v_count > c_exact_up_to then
    return jsonb_build_object(
      'count',
      (
        select greatest(v_count, c.reltuples::bigint)
        from pg_catalog.pg_class as c
        where c.oid = p_table
      ),
      'exact', false);
  end if;

  return jsonb_build_object('count', v_count, 'exact', true);
end;
$$;

comment on function parlant_internal.count_rows(regclass) is
'Number of rows of a table, estimated where it is large.';

revoke all on function parlant_internal.count_rows(regclass) from public, anon, authenticated;
grant execute on function parlant_internal.count_rows(regclass) to service_role;
-- <<<
-- >>> sql/functions/internal/collections/create_collection_tables.sql
-- purpose:      Makes and registers the tables of a collection, or adopts the tables that were made by
--               hand for it, and the views that wait for them. Does nothing if the collection is
--               registered.
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
set search_path = pg_catalog, pg_temp
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
    execute format(
      'create trigger derive_columns before insert or update on %I.%I'
      ' for each row execute function parlant_internal.derive_columns()', 'public', v_table);
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

  perform parlant_internal.make_views(s.prefix, p_collection)
  from parlant_internal.view_sets as s
  where p_prefix in (s.session_prefix, s.customer_prefix, s.variable_prefix);

  return true;
end;
$$;

comment on function parlant_internal.create_collection_tables(text, text) is
'Makes or adopts, and registers, the tables of a collection.';

revoke all on function parlant_internal.create_collection_tables(text, text)
from public, anon, authenticated;
grant execute on function parlant_internal.create_collection_tables(text, text) to service_role;
-- <<<
-- >>> sql/functions/internal/collections/create_index.sql
-- purpose:      Makes one index of a collection, unless it is there.
-- p_prefix:     the store's table prefix
-- p_collection: the collection's name
-- p_fields:     [[field, "asc" | "desc"], ...], at least one
-- p_unique:     whether no two documents may have equal values, as $eq compares; a missing field is null
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
set search_path = pg_catalog, pg_temp
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

  -- Two servers that ask at the same moment take turns; the second finds the index. They do so for all
  -- indexes of a table at once, so that neither waits for one that the other makes while holding another.
  perform pg_advisory_xact_lock(v_table::regclass::oid::bigint);

  -- A unique index begins like any other, for the same lookups and sorts, and ends with what is unique. Its
  -- columns may be NULL, which the key at its end tells from other NULLs.
  execute format(
    case
      when p_unique then 'create unique index if not exists %I on %s (%s, (%s)) nulls not distinct'
      else 'create index if not exists %I on %s (%s)'
    end,
    v_name, v_table, v_keys, parlant_internal.unique_key(p_fields));
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
-- >>> sql/functions/internal/views/create_views.sql
-- purpose:           Notes for which stores there are to be views, and makes them.
-- p_prefix:          what the names of the views begin with
-- p_session_prefix:  table prefix of the session store
-- p_customer_prefix: table prefix of the customer store
-- p_variable_prefix: table prefix of the context variable store
-- returns:           {view's name: "made" | "waiting" | "left alone", ...}, as make_views() says
-- raises:            PD006 invalid table name
--
-- Security definer, because making views needs more than service_role has. It makes the views that are
-- defined, and every name goes through %I.
create or replace function parlant_internal.create_views(
  p_prefix text,
  p_session_prefix text,
  p_customer_prefix text,
  p_variable_prefix text
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_states jsonb;
begin
  if coalesce(p_prefix, '') = '' then
    raise exception using
      errcode = 'PD006',
      message = 'the prefix of views must not be empty',
      hint = 'Give them one of their own, such as acme_.';
  end if;

  -- Whoever makes tables or views takes turns here.
  lock table parlant_internal.collections in share row exclusive mode;

  insert into parlant_internal.view_sets (prefix, session_prefix, customer_prefix, variable_prefix)
  values (p_prefix, p_session_prefix, p_customer_prefix, p_variable_prefix)
  on conflict (prefix) do update
    set
      session_prefix = excluded.session_prefix,
      customer_prefix = excluded.customer_prefix,
      variable_prefix = excluded.variable_prefix;

  v_states := parlant_internal.make_views(p_prefix, null);
  -- They are for the API, too.
  perform pg_notify('pgrst', 'reload schema');

  return v_states;
end;
$$;

comment on function parlant_internal.create_views(text, text, text, text) is
'Notes for which stores there are to be views, and makes them.';

revoke all on function parlant_internal.create_views(text, text, text, text)
from public, anon, authenticated;
grant execute on function parlant_internal.create_views(text, text, text, text) to service_role;
-- <<<
-- >>> sql/functions/internal/collections/default_prefix.sql
-- purpose:   The table prefix of a store that is given none of its own.
-- p_prefix:  what the prefixes of all three stores begin with, such as parlant_
-- p_store:   the store's name, as store_collections() has it
-- returns:   such as parlant_sessions_
-- raises:    nothing
create or replace function parlant_internal.default_prefix(p_prefix text, p_store text)
returns text
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select p_prefix || p_store || '_'
$$;

comment on function parlant_internal.default_prefix(text, text) is
'Table prefix of a store that is given none of its own.';

revoke all on function parlant_internal.default_prefix(text, text) from public, anon, authenticated;
grant execute on function parlant_internal.default_prefix(text, text) to service_role;
-- <<<
-- >>> sql/functions/internal/tags/delete_tagged.sql
-- purpose:  Deletes a customer or a variable, then its tags.
-- p_prefix: the store's table prefix
-- p_kind:   'customer' or 'variable'
-- p_id:     its id
-- returns:  whether it was there; its tags are left alone if it was not
-- raises:   PD004 collection not found
create or replace function parlant_internal.delete_tagged(p_prefix text, p_kind text, p_id text)
returns boolean
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_deleted integer;
begin
  execute format(
    'delete from %s as d where d.id = $1', parlant_internal.table_of(p_prefix, p_kind || 's'))
  using p_id;
  get diagnostics v_deleted = row_count;

  if v_deleted = 0 then
    return false;
  end if;

  execute format(
    'delete from %s as a where %s',
    parlant_internal.table_of(p_prefix, p_kind || '_tag_associations'),
    parlant_internal.owner_condition(p_kind, '$1'))
  using p_id;
  return true;
end;
$$;

comment on function parlant_internal.delete_tagged(text, text, text) is
'Deletes a customer or variable with its tags.';

revoke all on function parlant_internal.delete_tagged(text, text, text)
from public, anon, authenticated;
grant execute on function parlant_internal.delete_tagged(text, text, text) to service_role;
-- <<<
-- >>> sql/functions/internal/documents/derive_columns.sql
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
set search_path = pg_catalog, pg_temp
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
-- >>> sql/functions/internal/diagnosis/diagnose_functions.sql
-- purpose:     Whether the caller may execute the functions that it needs, and which functions of ours are
--              open to the public roles.
-- p_functions: names of functions that the caller needs; those that begin with parlant_ are api functions
-- returns:     {"missing": [name, ...], "denied": [name, ...], "open": {role: [name, ...], ...}};
--              open is what anon and authenticated may execute
-- raises:      nothing
create or replace function parlant_internal.diagnose_functions(p_functions text[])
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  with ours as (
    select p.proname::text as name, p.oid
    from pg_catalog.pg_proc as p
    inner join pg_catalog.pg_namespace as n on p.pronamespace = n.oid
    where
      p.pronamespace = 'parlant_internal'::regnamespace
      or (n.nspname = 'public' and starts_with(p.proname, 'parlant_'))
  )

  select jsonb_build_object(
    'missing',
    (
      select coalesce(jsonb_agg(f.name order by f.name), '[]')
      from unnest(p_functions) as f (name)
      where f.name not in (select o.name from ours as o)
    ),
    'denied',
    (
      select coalesce(jsonb_agg(o.name order by o.name), '[]')
      from ours as o
      where o.name = any (p_functions) and not has_function_privilege(o.oid, 'execute')
    ),
    'open',
    (
      select coalesce(jsonb_object_agg(g.role, g.names), '{}')
      from (
        select r.rolname as role, jsonb_agg(o.name order by o.name) as names
        from pg_catalog.pg_roles as r
        cross join ours as o
        where
          r.rolname in ('anon', 'authenticated')
          and has_function_privilege(r.oid, o.oid, 'execute')
        group by r.rolname
      ) as g
    )
  )
$$;

comment on function parlant_internal.diagnose_functions(text[]) is
'Which functions the caller lacks, and which are open to the public roles.';

revoke all on function parlant_internal.diagnose_functions(text[])
from public, anon, authenticated;
grant execute on function parlant_internal.diagnose_functions(text[]) to service_role;
-- <<<
-- >>> sql/functions/internal/diagnosis/diagnose_indexes.sql
-- purpose:      Which of the indexes that a collection's table should have are there, with the
--               statements that make the others.
-- p_prefix:     the store's table prefix
-- p_collection: the collection's name; its table exists
-- p_requested:  what a store of Parlant's gives to ensure_indexes for such a collection:
--               [{"fields": [[field, "asc" | "desc"], ...], "unique": bool}, ...], or NULL
-- returns:      [{"fields": [[field, direction], ...], "origin": "table" | "default" | "requested",
--               "present": bool, "repair": text | null}, ...]; an index that is both is a default one
-- raises:       PD004 collection not found
create or replace function parlant_internal.diagnose_indexes(
  p_prefix text,
  p_collection text,
  p_requested jsonb
)
returns jsonb
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_table text := parlant_internal.table_of(p_prefix, p_collection);
begin
  return (
    with
    -- The indexes that come with the table itself have names of Postgres's choice.
    of_table as (
      select
        t.fields,
        'table' as origin,
        exists (
          select
          from pg_catalog.pg_index as i
          where
            i.indrelid = v_table::regclass
            and i.indisvalid
            and t.columns = array(
              select a.attname::text
              from unnest(i.indkey) with ordinality as k (attnum, position)
              inner join pg_catalog.pg_attribute as a
                on a.attrelid = i.indrelid and k.attnum = a.attnum
              order by k.position
            )
        ) as present,
        t.repair
      from (
        values
        (
          '[["id", "asc"]]'::jsonb, '{id}'::text[],
          format('alter table %s add primary key (id);', v_table)
        ),
        (
          '[["creation_utc", "asc"], ["id", "asc"]]', '{creation_utc,id}',
          format('create index on %s (creation_utc, id);', v_table)
        ),
        (
          '[["version", "asc"], ["seq", "asc"]]', '{version,seq}',
          format('create index on %s (version, seq);', v_table)
        )
      ) as t (fields, columns, repair)
    ),

    by_definition as (
      select
        (
          select jsonb_agg(jsonb_build_array(f.field, 'asc') order by f.position)
          from unnest(d.fields) with ordinality as f (field, position)
        ) as fields,
        false as is_unique,
        'default' as origin
      from parlant_internal.default_indexes as d
      where d.collection = p_collection
      union all
      select
        r.value -> 'fields' as fields,
        (r.value -> 'unique')::boolean as is_unique,
        'requested' as origin
      from jsonb_array_elements(coalesce(p_requested, '[]')) as r
    ),

    wanted as (
      select t.fields, t.origin, t.present, t.repair
      from of_table as t
      union all
      select
        d.fields,
        min(d.origin) as origin,
        exists (
          select
          from pg_catalog.pg_index as i
          inner join pg_catalog.pg_class as c on i.indexrelid = c.oid
          where
            i.indrelid = v_table::regclass
            and i.indisvalid
            and c.relname
            = parlant_internal.index_name(p_prefix, p_collection, d.fields, d.is_unique)
        ) as present,
        format(
          'select parlant_internal.create_index(%L, %L, %L, %s);',
          p_prefix, p_collection, d.fields, d.is_unique::text) as repair
      from by_definition as d
      where d.is_unique or d.fields not in (select t.fields from of_table as t)
      group by d.fields, d.is_unique
    )

    select
      jsonb_agg(
        jsonb_build_object(
          'fields', w.fields, 'origin', w.origin, 'present', w.present,
          'repair', case when not w.present then w.repair end)
        order by w.origin, w.fields)
    from wanted as w
  );
end;
$$;

comment on function parlant_internal.diagnose_indexes(text, text, jsonb) is
'Which of the indexes that a collection''s table should have are there.';

revoke all on function parlant_internal.diagnose_indexes(text, text, jsonb)
from public, anon, authenticated;
grant execute on function parlant_internal.diagnose_indexes(text, text, jsonb) to service_role;
-- <<<
-- >>> sql/functions/internal/diagnosis/diagnose_table.sql
-- purpose:  What can be wrong with one table of a collection, with the statements that repair what is.
-- p_table:  the table's name, as the registry has it
-- returns:  {"table": text, "exists": false}, or
--           {"table": text, "exists": true, "rows": {"count": int, "exact": bool} | null,
--            "row_level_security": bool, "policies": int, "lacking": [privilege, ...],
--            "granted": {role: [privilege, ...], ...},
--            "repairs": {"row_level_security": text, "lacking": text, "granted": text}};
--           lacking is what the caller may not do, granted what anon and authenticated may; of the repairs
--           there are only those that are needed
-- raises:   nothing
create or replace function parlant_internal.diagnose_table(p_table name)
returns jsonb
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  c_needed constant text[] := '{select,insert,update,delete}';
  v_name text := format('%I.%I', 'public', p_table);
  v_table regclass := to_regclass(v_name);
  v_row_level_security boolean;
  v_lacking jsonb;
  v_granted jsonb;
begin
  if v_table is null then
    return jsonb_build_object('table', p_table, 'exists', false);
  end if;

  select c.relrowsecurity into v_row_level_security
  from pg_catalog.pg_class as c
  where c.oid = v_table;

  select coalesce(jsonb_agg(n.privilege), '[]') into v_lacking
  from unnest(c_needed) as n (privilege)
  where not has_table_privilege(v_table, n.privilege);

  select coalesce(jsonb_object_agg(g.role, g.privileges), '{}') into v_granted
  from (
    select r.rolname as role, jsonb_agg(n.privilege order by n.position) as privileges
    from pg_catalog.pg_roles as r
    cross join unnest(c_needed || '{truncate}'::text[]) with ordinality as n (privilege, position)
    where r.rolname in ('anon', 'authenticated')
      and (
        has_table_privilege(r.oid, v_table, n.privilege)
        or (
          n.privilege in ('select', 'insert', 'update')
          and has_any_column_privilege(r.oid, v_table, n.privilege)
        )
      )
    group by r.rolname
  ) as g;

  return jsonb_build_object(
    'table', p_table,
    'exists', true,
    'rows', parlant_internal.count_rows(v_table),
    'row_level_security', v_row_level_security,
    'policies', (select count(*) from pg_catalog.pg_policy as p where p.polrelid = v_table),
    'lacking', v_lacking,
    'granted', v_granted,
    'repairs', jsonb_strip_nulls(jsonb_build_object(
      'row_level_security',
      case when not v_row_level_security
        then format('alter table %s enable row level security;', v_name) end,
      'lacking',
      case when v_lacking <> '[]'
        then format('grant select, insert, update, delete on table %s to %I;', v_name, current_user) end,
      'granted',
      case when v_granted <> '{}'
        then format('revoke all on table %s from public, anon, authenticated;', v_name) end)));
end;
$$;

comment on function parlant_internal.diagnose_table(name) is
'What can be wrong with one table of a collection.';

revoke all on function parlant_internal.diagnose_table(name) from public, anon, authenticated;
grant execute on function parlant_internal.diagnose_table(name) to service_role;
-- <<<
-- >>> sql/functions/internal/diagnosis/diagnose_views.sql
-- purpose:  Which of the views for people are there, with the statements that make those that are not.
-- returns:  [{"view": text, "state": "made" | "waiting" | "missing" | "left alone", "repair": text}, ...];
--           waiting for tables that are not there yet; missing though its tables are there; left alone
--           because something else has the name. The last two have a repair
-- raises:   nothing
create or replace function parlant_internal.diagnose_views()
returns jsonb
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_definition record;
  v_view regclass;
  v_state text;
  v_repair text;
  v_views jsonb := '[]';
begin
  for v_definition in
    select
      s.prefix || d.name as view_name,
      count(
        case
          when c.table_name is not null then to_regclass(format('%I.%I', 'public', c.table_name))
        end
      ) = cardinality(d.collections) as has_tables,
      format(
        'select %I.parlant_create_views(%L, %L, %L, %L);',
        'public', s.prefix, s.session_prefix, s.customer_prefix, s.variable_prefix) as make
    from parlant_internal.view_sets as s
    cross join parlant_internal.view_definitions as d
    left join parlant_internal.collections as c
      on c.collection = any (d.collections)
        and c.prefix = parlant_internal.store_prefix(
          c.collection, s.session_prefix, s.customer_prefix, s.variable_prefix)
    group by s.prefix, d.name
    order by 1
  loop
    v_view := to_regclass(format('%I.%I', 'public', v_definition.view_name));
    v_repair := null;

    if parlant_internal.is_our_view(v_view) then
      v_state := 'made';
    elsif v_view is not null then
      v_state := 'left alone';
      v_repair := format(
        'alter table %s rename to %I; %s',
        v_view, left(v_definition.view_name, 59) || '_own', v_definition.make);
    elsif v_definition.has_tables then
      v_state := 'missing';
      v_repair := v_definition.make;
    else
      v_state := 'waiting';
    end if;

    v_views := v_views || jsonb_strip_nulls(
      jsonb_build_object('view', v_definition.view_name, 'state', v_state, 'repair', v_repair));
  end loop;

  return v_views;
end;
$$;

comment on function parlant_internal.diagnose_views() is
'Which of the views for people are there.';

revoke all on function parlant_internal.diagnose_views() from public, anon, authenticated;
grant execute on function parlant_internal.diagnose_views() to service_role;
-- <<<
-- >>> sql/functions/internal/collections/drop_collection_table.sql
-- purpose:      Drops a collection's table with the views of ours that read it, and forgets the collection.
--               The table of its failed documents stays.
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
set search_path = pg_catalog, pg_temp
as $$
declare
  v_table text;
begin
  lock table parlant_internal.collections in share row exclusive mode;

  v_table := parlant_internal.table_of(p_prefix, p_collection);
  perform parlant_internal.drop_views_on(to_regclass(v_table));
  execute format('drop table %s', v_table);

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
-- >>> sql/functions/internal/views/drop_views_on.sql
-- purpose:  Drops the views of ours that read a table which is about to be dropped. A view of the user's own
--           that reads one of them keeps them all, and the table: Postgres refuses with 2BP01.
-- p_table:  the table
-- returns:  nothing
-- raises:   nothing
create or replace function parlant_internal.drop_views_on(p_table regclass)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_view regclass;
begin
  for v_view in
    select distinct r.ev_class
    from pg_catalog.pg_depend as d
    join pg_catalog.pg_rewrite as r on r.oid = d.objid
    where d.classid = 'pg_catalog.pg_rewrite'::regclass
      and d.refclassid = 'pg_catalog.pg_class'::regclass
      and d.refobjid = p_table
      and parlant_internal.is_our_view(r.ev_class)
  loop
    execute format('drop view %s', v_view);
  end loop;
end;
$$;

comment on function parlant_internal.drop_views_on(regclass) is
'Drops the views of ours that read a table.';

revoke all on function parlant_internal.drop_views_on(regclass)
from public, anon, authenticated, service_role;
-- <<<
-- >>> sql/functions/internal/documents/event_condition.sql
-- purpose:           The SQL condition for events of a session, alias d, that parlant_list_events and
--                    parlant_check_events describe by their arguments. The session's id is $1.
-- p_source:          whether there is $2, the only source
-- p_trace_id:        whether there is $3, the only trace
-- p_kinds:           whether there is $4, the kinds
-- p_min_offset:      whether there is $5, the least offset
-- p_exclude_deleted: whether to leave out deleted events
-- returns:           text of an SQL expression
-- raises:            nothing
create or replace function parlant_internal.event_condition(
  p_source boolean,
  p_trace_id boolean,
  p_kinds boolean,
  p_min_offset boolean,
  p_exclude_deleted boolean
)
returns text
language plpgsql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return concat(
    'd.session_id = $1',
    case when p_source then ' and d.data ->> ''source'' = $2' end,
    case when p_trace_id then ' and d.data ->> ''trace_id'' = $3' end,
    case when p_kinds then ' and d.data ->> ''kind'' = any ($4)' end,
    -- Spelled as the index is.
    case when p_min_offset then
      format(' and %s >= to_jsonb($5)', parlant_internal.order_key('d.data -> ''offset'''))
    end,
    case when p_exclude_deleted then ' and d.data -> ''deleted'' = ''false''' end);
end;
$$;

comment on function parlant_internal.event_condition(boolean, boolean, boolean, boolean, boolean) is
'SQL condition for events of a session.';

revoke all on function
parlant_internal.event_condition(boolean, boolean, boolean, boolean, boolean)
from public, anon, authenticated;
grant execute on function
parlant_internal.event_condition(boolean, boolean, boolean, boolean, boolean) to service_role;
-- <<<
-- >>> sql/functions/internal/collections/failed_table_of.sql
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
set search_path = pg_catalog, pg_temp
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
-- >>> sql/functions/internal/filters/filter_error.sql
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
set search_path = pg_catalog, pg_temp
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
-- >>> sql/functions/internal/documents/find_page.sql
-- purpose:          Reads one page of a collection's documents, ordered by (creation_utc, id).
-- p_table:          the table, as table_of() gives it
-- p_where:          predicate over the alias d, referring to p_parameters as $1
-- p_parameters:     what the predicate refers to, such as the filter that compile_filter() compiled
-- p_limit:          the most documents to return; NULL for all, 0 for an empty page
-- p_cursor:         {"creation_utc": text, "id": text}; only documents strictly after it, in the direction
--                   of the sort, are returned
-- p_sort_direction: "asc" (also if NULL) or "desc"
-- p_item:           SQL expression over the alias d for what to return of each document
-- returns:          {"items": [...], "total_count": int, "has_more": bool,
--                   "next_cursor": {"creation_utc", "id"} | null};
--                   total_count counts the matches after the cursor, before the limit. It stops at 10,000
--                   more than the limit, where counting would cost more than all the rest of the call
-- raises:           PD008 invalid argument
create or replace function parlant_internal.find_page(
  p_table text,
  p_where text,
  p_parameters jsonb,
  p_limit bigint,
  p_cursor jsonb,
  p_sort_direction text,
  p_item text default 'd.data'
)
returns jsonb
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  c_counted_beyond_page constant bigint := 10000;
  v_where text := p_where;
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
    'select coalesce(array_agg(page.item), ''{}''), (array_agg(page.data))[$3 - 1] from ('
    'select d.data, %s as item from %s as d where %s order by d.creation_utc %4$s, d.id %4$s limit $3'
    ') as page',
    p_item, p_table, v_where, v_direction)
  into v_items, v_last
  using p_parameters, p_cursor, least(p_limit, 2147483646) + 1;

  if cardinality(v_items) <= coalesce(p_limit, cardinality(v_items)) then
    return jsonb_build_object(
      'items', to_jsonb(v_items),
      'total_count', cardinality(v_items),
      'has_more', false,
      'next_cursor', null);
  end if;

  execute format('select count(*) from (select from %s as d where %s limit $3) as counted', p_table, v_where)
  into v_total
  using p_parameters, p_cursor, p_limit + c_counted_beyond_page;

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

comment on function parlant_internal.find_page(text, text, jsonb, bigint, jsonb, text, text) is
'One page of the documents that a predicate matches.';

revoke all on function parlant_internal.find_page(text, text, jsonb, bigint, jsonb, text, text)
from public, anon, authenticated;
grant execute on function parlant_internal.find_page(text, text, jsonb, bigint, jsonb, text, text)
to service_role;
-- <<<
-- >>> sql/functions/internal/loading/import_document.sql
-- purpose:    Inserts a document unless one with its id is there.
-- p_table:    the table, as table_of() gives it
-- p_document: the document
-- p_replace:  whether it takes the place of a different one
-- returns:    'inserted'; 'unchanged' if it is there, exactly as it is; 'replaced' or, without p_replace,
--             'different' if another one has its id
-- raises:     PD002 invalid document
create or replace function parlant_internal.import_document(
  p_table text,
  p_document jsonb,
  p_replace boolean
)
returns text
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_written integer;
  v_stored jsonb;
begin
  loop
    execute format('insert into %s (data) values ($1) on conflict (id) do nothing', p_table)
    using p_document;
    get diagnostics v_written = row_count;
    if v_written = 1 then
      return 'inserted';
    end if;

    execute format('select d.data from %s as d where d.id = $1', p_table)
    into v_stored
    using p_document ->> 'id';

    -- As text, because 1 and 1.0 are equal as jsonb, and what counts as there comes back as it was.
    if v_stored::text = p_document::text then
      return 'unchanged';
    end if;

    -- One that is not seen has been deleted meanwhile, so there is room now, or is hidden by row level
    -- security.
    if not p_replace and (v_stored is not null or row_security_active(p_table)) then
      return 'different';
    end if;

    if p_replace then
      execute format('update %s as d set data = $2 where d.id = $1', p_table)
      using p_document ->> 'id', p_document;
      get diagnostics v_written = row_count;
      if v_written = 1 then
        return 'replaced';
      elsif row_security_active(p_table) then
        return 'different';
      end if;
    end if;
  end loop;
end;
$$;

comment on function parlant_internal.import_document(text, jsonb, boolean) is
'Inserts a document unless one with its id is there.';

revoke all on function parlant_internal.import_document(text, jsonb, boolean)
from public, anon, authenticated;
grant execute on function parlant_internal.import_document(text, jsonb, boolean) to service_role;
-- <<<
-- >>> sql/functions/internal/collections/index_name.sql
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
set search_path = pg_catalog, pg_temp
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
-- >>> sql/functions/internal/documents/insert_document.sql
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
set search_path = pg_catalog, pg_temp
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

    -- As text, because 1 and 1.0 are equal as jsonb, and what is acknowledged comes back as it was.
    if (v_stored - 'creation_utc')::text = (p_document - 'creation_utc')::text then
      return false;
    end if;

    -- If the stored one has been deleted meanwhile, there is room now; if it is hidden by row level security,
    -- there never is.
    if v_stored is not null or row_security_active(p_table) then
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
-- >>> sql/functions/internal/tags/insert_tag.sql
-- purpose:       Gives a customer or a variable a tag, unless it has it. The owner is locked before its
--                associations are looked at, so that the same tag given twice at once is there once.
-- p_prefix:      the store's table prefix
-- p_kind:        'customer' or 'variable'
-- p_association: the association to insert, with "tag_id" and the owner's id
-- returns:       true if it was inserted, false if the owner has the tag, NULL if there is no such owner
-- raises:        PD002 invalid document, PD003 duplicate document, PD004 collection not found
create or replace function parlant_internal.insert_tag(p_prefix text, p_kind text, p_association jsonb)
returns boolean
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_table text := parlant_internal.table_of(p_prefix, p_kind || '_tag_associations');
  v_owner_id text := p_association ->> (p_kind || '_id');
  v_has_tag boolean;
begin
  if not parlant_internal.lock_document(
    parlant_internal.table_of(p_prefix, p_kind || 's'), v_owner_id)
  then
    return null;
  end if;

  execute format(
    'select exists (select from %s as a where %s and a.data -> ''tag_id'' = $2)',
    v_table, parlant_internal.owner_condition(p_kind, '$1'))
  into v_has_tag
  using v_owner_id, p_association -> 'tag_id';
  if v_has_tag then
    return false;
  end if;

  perform parlant_internal.insert_document(v_table, p_association);
  return true;
end;
$$;

comment on function parlant_internal.insert_tag(text, text, jsonb) is
'Gives a customer or variable a tag, unless it has it.';

revoke all on function parlant_internal.insert_tag(text, text, jsonb)
from public, anon, authenticated;
grant execute on function parlant_internal.insert_tag(text, text, jsonb) to service_role;
-- <<<
-- >>> sql/functions/internal/views/is_our_view.sql
-- purpose:    Whether a relation is a view that make_views() made. Its comment says so, which a dump of the
--             database keeps.
-- p_relation: the relation
-- returns:    false also if there is none
-- raises:     nothing
create or replace function parlant_internal.is_our_view(p_relation regclass)
returns boolean
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select
    coalesce(
      (
        select c.relkind = 'v' and obj_description(c.oid, 'pg_class') like '% View of parlant-supabase.'
        from pg_catalog.pg_class as c
        where c.oid = p_relation
      ),
      false)
$$;

comment on function parlant_internal.is_our_view(regclass) is
'Whether a relation is a view of parlant-supabase.';

revoke all on function parlant_internal.is_our_view(regclass) from public, anon, authenticated;
grant execute on function parlant_internal.is_our_view(regclass) to service_role;
-- <<<
-- >>> sql/functions/internal/filters/json_elements.sql
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
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(array_agg(v.value), '{}')
  from jsonb_array_elements(p_values) as v
$$;

comment on function parlant_internal.json_elements(jsonb) is
'Elements of a JSON array as jsonb.';

revoke all on function parlant_internal.json_elements(jsonb) from public, anon, authenticated;
grant execute on function parlant_internal.json_elements(jsonb) to service_role;
-- <<<
-- >>> sql/functions/internal/tags/list_tagged.sql
-- purpose:          Reads a page of customers or variables with their tags, ordered by (creation_utc, id).
-- p_prefix:         the store's table prefix
-- p_kind:           'customer' or 'variable'
-- p_tags:           only those with any of these tags, or, if empty, without tags; NULL for all
-- p_limit:          the most to return; NULL for all, 0 for an empty page
-- p_cursor:         {"creation_utc": text, "id": text}; only what is strictly after it is returned
-- p_sort_direction: "asc" (also if NULL) or "desc"
-- returns:          {"items": [{"document": {...}, "tags": [...]}, ...], "total_count": int,
--                   "has_more": bool, "next_cursor": {"creation_utc", "id"} | null};
--                   counted as find_page() does
-- raises:           PD004 collection not found, PD008 invalid argument
create or replace function parlant_internal.list_tagged(
  p_prefix text,
  p_kind text,
  p_tags text[],
  p_limit bigint,
  p_cursor jsonb,
  p_sort_direction text
)
returns jsonb
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_associations text := parlant_internal.table_of(p_prefix, p_kind || '_tag_associations');
  v_where text := 'true';
begin
  if cardinality(p_tags) > 0 then
    v_where := format(
      'd.id in (select a.data ->> %L from %s as a where'
      ' %s = any (array(select %s from jsonb_array_elements($1) as t))'
      ' and a.data ->> ''tag_id'' = any (array(select jsonb_array_elements_text($1))))',
      p_kind || '_id',
      v_associations,
      parlant_internal.order_key('a.data -> ''tag_id'''),
      parlant_internal.order_key('t.value'));
  elsif p_tags is not null then
    v_where := format(
      'not exists (select from %s as a where %s)',
      v_associations, parlant_internal.owner_condition(p_kind, 'd.id'));
  end if;

  return parlant_internal.find_page(
    parlant_internal.table_of(p_prefix, p_kind || 's'),
    v_where,
    to_jsonb(p_tags),
    p_limit,
    p_cursor,
    p_sort_direction,
    format(
      'jsonb_build_object(''document'', d.data, ''tags'', %s)',
      parlant_internal.tags_expression(p_kind, v_associations, 'd.id')));
end;
$$;

comment on function parlant_internal.list_tagged(text, text, text[], bigint, jsonb, text) is
'Customers or variables with their tags, page by page.';

revoke all on function parlant_internal.list_tagged(text, text, text[], bigint, jsonb, text)
from public, anon, authenticated;
grant execute on function parlant_internal.list_tagged(text, text, text[], bigint, jsonb, text)
to service_role;
-- <<<
-- >>> sql/functions/internal/documents/lock_document.sql
-- purpose: Locks a document until the end of the transaction, against whoever else locks, changes or
--          deletes it; readers do not wait. Waits for whoever holds it.
-- p_table: the table, as table_of() gives it
-- p_id:    the document's id
-- returns: whether the document is there
-- raises:  nothing
create or replace function parlant_internal.lock_document(p_table text, p_id text)
returns boolean
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_id text;
begin
  execute format('select d.id from %s as d where d.id = $1 for no key update', p_table)
  into v_id
  using p_id;

  return v_id is not null;
end;
$$;

comment on function parlant_internal.lock_document(text, text) is
'Locks a document and tells whether it is there.';

revoke all on function parlant_internal.lock_document(text, text)
from public, anon, authenticated;
grant execute on function parlant_internal.lock_document(text, text) to service_role;
-- <<<
-- >>> sql/functions/internal/collections/lock_down_table.sql
-- purpose:  Leaves a table of ours to service_role alone: row level security on, no policy of ours, grants
--           to nobody else, whatever the project's default privileges have granted. Policies that the user
--           wrote are kept.
-- p_table:  the table's name
-- returns:  nothing
-- raises:   nothing
create or replace function parlant_internal.lock_down_table(p_table name)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  execute format('alter table %I.%I enable row level security', 'public', p_table);
  execute format(
    'revoke all on table %I.%I, %s from public, anon, authenticated, service_role',
    'public', p_table, pg_get_serial_sequence(format('%I.%I', 'public', p_table), 'seq'));
  execute format(
    'grant select, insert, update, delete on table %I.%I to service_role', 'public', p_table);
end;
$$;

comment on function parlant_internal.lock_down_table(name) is
'Enables row level security and grants a table to service_role alone.';

revoke all on function parlant_internal.lock_down_table(name)
from public, anon, authenticated, service_role;
-- <<<
-- >>> sql/functions/internal/documents/lock_first_match.sql
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
set search_path = pg_catalog, pg_temp
as $$
declare
  -- Under row level security a document may match and yet never be ours to change.
  c_attempts_under_policies constant integer := 10;
  v_id text;
  v_matches boolean;
  v_attempts integer := 0;
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

    v_attempts := v_attempts + 1;
    if not v_matches
      or (v_attempts = c_attempts_under_policies and row_security_active(p_table))
    then
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
-- >>> sql/functions/internal/views/make_views.sql
-- purpose:      Makes the views of one set, or brings them to what their definitions say now. A relation of
--               the user's own that has a view's name is left alone, with a warning. Grants that the user
--               gave on a view of ours are kept.
-- p_prefix:     the set's prefix
-- p_collection: only views that read this collection; NULL for all
-- returns:      {view's name: "made" | "waiting" | "left alone", ...}; waiting for tables that are not there
-- raises:       PD006 invalid table name
create or replace function parlant_internal.make_views(p_prefix text, p_collection text)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  -- All that matches can be cast: days that the month has, no year 0, offsets that Postgres takes. It is
  -- not a function, which readers of the views would need the right to execute.
  c_moment constant text :=
    '^((?!0000)[0-9]{4}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])'
    '|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))'
    '|([0-9]{2}(0[48]|[2468][048]|[13579][26])|(0[48]|[2468][048]|[13579][26])00)-02-29)'
    'T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?'
    '(Z|[+-](0[0-9]|1[0-5]):[0-5][0-9])$';
  v_definition record;
  v_view text;
  v_relation regclass;
  v_state text;
  v_states jsonb := '{}';
begin
  for v_definition in
    select
      p_prefix || d.name as view_name,
      d.query,
      d.comment,
      count(c.table_name) = cardinality(d.collections) as is_complete,
      array_agg(format('%I.%I', 'public', c.table_name) order by n.position)
        filter (where c.table_name is not null) as tables
    from parlant_internal.view_sets as s
    cross join parlant_internal.view_definitions as d
    cross join unnest(d.collections) with ordinality as n (collection, position)
    left join parlant_internal.collections as c
      on c.collection = n.collection
        and c.prefix = parlant_internal.store_prefix(
          n.collection, s.session_prefix, s.customer_prefix, s.variable_prefix)
    where s.prefix = p_prefix
      and (p_collection is null or p_collection = any (d.collections))
    group by d.name
    order by d.name
  loop
    if octet_length(v_definition.view_name) > 63 then
      raise exception using
        errcode = 'PD006',
        message = format('view name %I is too long', v_definition.view_name),
        detail = 'Postgres cuts names at 63 bytes.',
        hint = 'Give the views a shorter prefix.';
    end if;

    v_view := format('%I.%I', 'public', v_definition.view_name);
    v_relation := to_regclass(v_view);

    if v_relation is not null and not parlant_internal.is_our_view(v_relation) then
      v_state := 'left alone';
      raise warning 'parlant-supabase: % is not a view of parlant-supabase and was left alone', v_view
        using hint = 'To have the view too, rename yours and call parlant_create_views again.';
    elsif not v_definition.is_complete then
      v_state := 'waiting';
      -- It would go on showing the rows of stores that the set was for before. Not while collections are
      -- being made: in a database restored without the registry it reads a table that comes next.
      if p_collection is null then
        execute format('drop view if exists %s', v_view);
      end if;
    else
      v_state := 'made';
      execute format(
        'create or replace view %s with (security_invoker = true) as %s',
        v_view, format(v_definition.query, variadic c_moment || v_definition.tables));
      execute format(
        'comment on view %s is %L', v_view, v_definition.comment || ' View of parlant-supabase.');
      -- Default privileges of the project may have granted anything.
      if v_relation is null then
        execute format('revoke all on table %s from public, anon, authenticated, service_role', v_view);
        execute format('grant select on table %s to service_role', v_view);
      end if;
    end if;

    v_states := v_states || jsonb_build_object(v_definition.view_name, v_state);
  end loop;

  return v_states;
end;
$$;

comment on function parlant_internal.make_views(text, text) is
'Makes the views of one set.';

revoke all on function parlant_internal.make_views(text, text)
from public, anon, authenticated, service_role;
-- <<<
-- >>> sql/functions/internal/documents/merge_document.sql
-- purpose:   Merges top-level keys into a document that is locked by this transaction.
-- p_table:   the table, as table_of() gives it
-- p_id:      the document's id
-- p_params:  keys and values to set; may hold another id
-- returns:   the document after the merge; NULL if it was not changed
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
set search_path = pg_catalog, pg_temp
as $$
declare
  v_document jsonb;
  v_taken boolean;
begin
  -- Only a document that gets the id of another can clash, so only that case pays for a savepoint.
  if not p_params ? 'id' or p_params ->> 'id' = p_id then
    execute format(
      'update %s as d set data = d.data || $2 where d.id = $1 returning d.data', p_table)
    into v_document
    using p_id, p_params;
    return v_document;
  end if;

  -- Documents that are given one another's ids at the same moment would wait for each other for ever.
  perform pg_advisory_xact_lock(k.key)
  from (
    select hashtextextended(p_table || i.id, 0) as key
    from unnest(array[p_id, p_params ->> 'id']) as i (id)
    order by key
  ) as k;

  begin
    execute format(
      'update %s as d set data = d.data || $2 where d.id = $1 returning d.data', p_table)
    into v_document
    using p_id, p_params;
  exception when unique_violation then
    execute format('select exists (select from %s as d where d.id = $1)', p_table)
    into v_taken
    using p_params ->> 'id';

    -- Otherwise it clashes in a unique index that ensure_indexes made.
    if not v_taken then
      raise;
    end if;

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
-- >>> sql/functions/internal/documents/merged_object.sql
-- purpose:  An object that a stored document holds in a field, with keys set and others removed. A field that
--           is missing or null counts as an empty object.
-- p_field:  the field's name
-- p_stored: the field's value in the stored document, or NULL where it is missing
-- p_set:    keys to set, with their values
-- p_unset:  keys to remove; NULL for none
-- returns:  the object after the change
-- raises:   PD002 invalid document, if the stored value is not an object
create or replace function parlant_internal.merged_object(
  p_field text,
  p_stored jsonb,
  p_set jsonb,
  p_unset text[]
)
returns jsonb
language plpgsql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_type text := coalesce(jsonb_typeof(p_stored), 'null');
begin
  if v_type not in ('object', 'null') then
    raise exception using
      errcode = 'PD002',
      message = format('the field %s of the stored document must be an object, got %s', p_field, v_type),
      hint = format('Nothing was changed. Correct the stored document first, with update_one on %s.', p_field);
  end if;

  return (case v_type when 'object' then p_stored else '{}' end || p_set) - coalesce(p_unset, '{}');
end;
$$;

comment on function parlant_internal.merged_object(text, jsonb, jsonb, text[]) is
'Object of a stored document after keys were set and removed.';

revoke all on function parlant_internal.merged_object(text, jsonb, jsonb, text[])
from public, anon, authenticated;
grant execute on function parlant_internal.merged_object(text, jsonb, jsonb, text[]) to service_role;
-- <<<
-- >>> sql/functions/internal/collections/opened_collection.sql
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
set search_path = pg_catalog, pg_temp
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
-- >>> sql/functions/internal/filters/operands.sql
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
set search_path = pg_catalog, pg_temp
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
-- >>> sql/functions/internal/filters/order_key.sql
-- purpose:  The SQL expression of one value whose jsonb order is the order of documents' fields, whatever the
--           database's locale: null and missing, strings by code point, numbers, false, true, objects and
--           arrays. It is what ensure_indexes indexes and what filters and sorts compare.
--           Strings become the hex of their first 100 characters, because jsonb compares strings by the
--           database's collation and because an index entry may not pass 2,700 bytes; whoever needs the
--           rest of a longer string compares it too.
-- p_source: text of an SQL expression that yields the field's value as jsonb, or NULL where it is missing
-- returns:  text of an SQL expression that yields jsonb, never NULL
-- raises:   nothing
--
-- An expression, because the planner has to see through it, to fold it to a constant and to recognise the
-- indexes; a function with a search_path is opaque to it, and called for each row 2 to 9 times as slow.
create or replace function parlant_internal.order_key(p_source text)
returns text
language plpgsql
immutable
parallel safe
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return format(
    'coalesce(case jsonb_typeof(%1$s)'
    ' when ''string'' then'
    ' (''"'' || encode(replace(left(%1$s #>> ''{}'', 100), ''\'', ''\\'')::bytea, ''hex'') || ''"'')::jsonb'
    ' when ''array'' then ''[[]]''::jsonb'
    ' when ''object'' then ''{}''::jsonb'
    ' else %1$s end, ''null''::jsonb)',
    format('(%s)', p_source));
end;
$$;

comment on function parlant_internal.order_key(text) is
'SQL expression by which a document''s field is indexed, compared and sorted.';

revoke all on function parlant_internal.order_key(text) from public, anon, authenticated;
grant execute on function parlant_internal.order_key(text) to service_role;
-- <<<
-- >>> sql/functions/internal/filters/order_keys.sql
-- purpose:  The operand of $in and $nin as order_key()s, so that it folds to a constant array.
-- p_values: a JSON array
-- returns:  jsonb[], one order_key for each element
-- raises:   nothing
create or replace function parlant_internal.order_keys(p_values jsonb)
returns jsonb[]
language plpgsql
immutable
parallel safe
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_keys jsonb[];
begin
  execute format(
    'select coalesce(array_agg(%s), ''{}'') from jsonb_array_elements($1) as v',
    parlant_internal.order_key('v.value'))
  into v_keys
  using p_values;

  return v_keys;
end;
$$;

comment on function parlant_internal.order_keys(jsonb) is
'Elements of a JSON array as order keys.';

revoke all on function parlant_internal.order_keys(jsonb) from public, anon, authenticated;
grant execute on function parlant_internal.order_keys(jsonb) to service_role;
-- <<<
-- >>> sql/functions/internal/filters/order_term.sql
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
set search_path = pg_catalog, pg_temp
as $$
  select
    coalesce(
      quote_ident(parlant_internal.column_of(p_field)),
      format('(%s)', parlant_internal.order_key(format('data -> %L', p_field))))
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
-- >>> sql/functions/internal/collections/owner_condition.sql
-- purpose:  The SQL condition under which an association, alias a, is one of a customer's or a variable's,
--           spelled as the index on the owner is, be it on a column or on the field.
-- p_kind:   'customer' or 'variable'
-- p_id:     SQL expression of type text for the owner's id
-- returns:  text of an SQL expression
-- raises:   nothing
create or replace function parlant_internal.owner_condition(p_kind text, p_id text)
returns text
language plpgsql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_field text := p_kind || '_id';
begin
  if parlant_internal.text_column(v_field) is not null then
    return format('a.%I = %s', v_field, p_id);
  end if;

  return format(
    '%s = %s and a.data ->> %L = %s',
    parlant_internal.order_key(format('a.data -> %L', v_field)),
    parlant_internal.order_key(format('to_jsonb(%s)', p_id)),
    v_field,
    p_id);
end;
$$;

comment on function parlant_internal.owner_condition(text, text) is
'SQL condition under which an association is one of a customer or variable.';

revoke all on function parlant_internal.owner_condition(text, text)
from public, anon, authenticated;
grant execute on function parlant_internal.owner_condition(text, text) to service_role;
-- <<<
-- >>> sql/functions/internal/loading/page_to_load.sql
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
set search_path = pg_catalog, pg_temp
as $$
declare
  c_max_documents constant integer := 500;
  c_max_characters constant integer := 4000000;
  c_last_seq constant bigint := 9223372036854775807;
  v_after jsonb := coalesce(p_after, '{"version": "", "seq": -1}'::jsonb);
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
        ' where (d.version, d.seq) > ($4 ->> ''version'', ($4 ->> ''seq'')::bigint)'
        ' order by d.version, d.seq limit $3)'
      else
        'select d.id, d.version, d.seq, d.data from %1$s as d'
        ' where $2 ->> ''id'' is null or d.id > ($2 ->> ''id'') order by d.id limit $3'
    end, p_table)
  using
    p_version,
    v_after,
    c_max_documents + 1,
    -- One bound, not two: an index scan begins at one of them, and walked all documents of the version.
    case
      when (v_after ->> 'version') collate "C" > p_version then v_after
      else jsonb_build_object('version', p_version, 'seq', c_last_seq)
    end
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
-- >>> sql/functions/internal/documents/read_document.sql
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
set search_path = pg_catalog, pg_temp
as $$
declare
  v_document jsonb := p_document;
begin
  if jsonb_typeof(p_document) = 'string' then
    begin
      v_document := (p_document #>> '{}')::jsonb;
    exception when invalid_text_representation then
      raise exception using
        errcode = 'PD002',
        message = 'a document must be an object, got text that is not JSON',
        hint = 'Send a JSON object.';
    end;
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
-- >>> sql/functions/internal/tags/read_tagged.sql
-- purpose:  Reads a customer or a variable with its tags.
-- p_prefix: the store's table prefix
-- p_kind:   'customer' or 'variable'
-- p_id:     its id
-- returns:  {"document": {...} | null, "tags": [tag id, ...]}
-- raises:   PD004 collection not found
create or replace function parlant_internal.read_tagged(p_prefix text, p_kind text, p_id text)
returns jsonb
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_reply jsonb;
begin
  execute format(
    'select jsonb_build_object('
    '''document'', (select d.data from %s as d where d.id = $1), ''tags'', %s)',
    parlant_internal.table_of(p_prefix, p_kind || 's'),
    parlant_internal.tags_expression(
      p_kind, parlant_internal.table_of(p_prefix, p_kind || '_tag_associations'), '$1'))
  into v_reply
  using p_id;

  return v_reply;
end;
$$;

comment on function parlant_internal.read_tagged(text, text, text) is
'A customer or variable with its tags.';

revoke all on function parlant_internal.read_tagged(text, text, text)
from public, anon, authenticated;
grant execute on function parlant_internal.read_tagged(text, text, text) to service_role;
-- <<<
-- >>> sql/functions/internal/tags/remove_tag.sql
-- purpose:  Takes a tag from a customer or a variable. The owner is locked before its association.
-- p_prefix: the store's table prefix
-- p_kind:   'customer' or 'variable'
-- p_id:     the owner's id
-- p_tag_id: the tag's id
-- returns:  whether an association was deleted
-- raises:   PD004 collection not found
create or replace function parlant_internal.remove_tag(
  p_prefix text,
  p_kind text,
  p_id text,
  p_tag_id text
)
returns boolean
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_table text := parlant_internal.table_of(p_prefix, p_kind || '_tag_associations');
  v_filter jsonb := jsonb_build_object(
    p_kind || '_id', jsonb_build_object('$eq', p_id),
    'tag_id', jsonb_build_object('$eq', p_tag_id));
  v_association_id text;
  v_removed integer;
begin
  perform parlant_internal.lock_document(
    parlant_internal.table_of(p_prefix, p_kind || 's'), p_id);

  v_association_id := parlant_internal.lock_first_match(
    v_table, parlant_internal.compile_filter(v_filter), v_filter);
  execute format('delete from %s as d where d.id = $1', v_table) using v_association_id;
  get diagnostics v_removed = row_count;

  return v_removed > 0;
end;
$$;

comment on function parlant_internal.remove_tag(text, text, text, text) is
'Takes a tag from a customer or variable.';

revoke all on function parlant_internal.remove_tag(text, text, text, text)
from public, anon, authenticated;
grant execute on function parlant_internal.remove_tag(text, text, text, text) to service_role;
-- <<<
-- >>> sql/functions/internal/filters/require_list.sql
-- purpose: Refuses an argument that is no list.
-- p_value: the argument
-- p_what:  what is in it, in the plural
-- p_hint:  how to write it
-- returns: nothing
-- raises:  PD008 invalid argument
create or replace function parlant_internal.require_list(p_value jsonb, p_what text, p_hint text)
returns void
language plpgsql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  if coalesce(jsonb_typeof(p_value), 'null') <> 'array' then
    raise exception using
      errcode = 'PD008',
      message = format('the %s must be a list, got %s', p_what, coalesce(jsonb_typeof(p_value), 'null')),
      hint = p_hint;
  end if;
end;
$$;

comment on function parlant_internal.require_list(jsonb, text, text) is
'Refuses an argument that is no list.';

revoke all on function parlant_internal.require_list(jsonb, text, text)
from public, anon, authenticated;
grant execute on function parlant_internal.require_list(jsonb, text, text) to service_role;
-- <<<
-- >>> sql/functions/internal/loading/restore_document.sql
-- purpose:     Puts one failed document, converted, where it belongs, unless something newer is there.
-- p_table:     the collection's table, as table_of() gives it
-- p_id:        the failed document's id
-- p_failed:    the document as it failed, or NULL if it is not known
-- p_stayed:    whether it stayed in the collection when it failed
-- p_converted: what the loader has made of it now
-- p_version:   the store's version
-- returns:     'restored', 'replaced', 'settled', 'occupied' or 'deleted', as
--              parlant_restore_failed_documents explains them
-- raises:      PD002 invalid document
create or replace function parlant_internal.restore_document(
  p_table text,
  p_id text,
  p_failed jsonb,
  p_stayed boolean,
  p_converted jsonb,
  p_version text
)
returns text
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_stored jsonb;
  v_written integer;
begin
  execute format('select d.data from %s as d where d.id = $1 for update', p_table)
  into v_stored
  using p_id;

  if v_stored is null and p_stayed then
    return 'deleted';
  end if;

  if v_stored = p_converted or (p_stayed and v_stored ->> 'version' = p_version) then
    return 'settled';
  end if;

  -- A failed document whose data is NULL tells nothing about the stored one.
  if v_stored is not null and v_stored is distinct from p_failed then
    return 'occupied';
  end if;

  -- Another document may have the id, or be the same by a unique index.
  begin
    if v_stored is null then
      execute format('insert into %s (data) values ($1)', p_table)
      using p_converted;
      return 'restored';
    end if;

    execute format('update %s as d set data = $2 where d.id = $1', p_table)
    using p_id, p_converted;
    get diagnostics v_written = row_count;
    -- Row level security may let the caller lock a document and not change it.
    return case when v_written = 1 then 'replaced' else 'occupied' end;
  exception when unique_violation then
    return 'occupied';
  end;
end;
$$;

comment on function parlant_internal.restore_document(text, text, jsonb, boolean, jsonb, text) is
'Puts one failed document, converted, where it belongs.';

revoke all on function
parlant_internal.restore_document(text, text, jsonb, boolean, jsonb, text)
from public, anon, authenticated;
grant execute on function
parlant_internal.restore_document(text, text, jsonb, boolean, jsonb, text) to service_role;
-- <<<
-- >>> sql/functions/internal/adoption/set_aside_policies.sql
-- purpose:  Drops the policies of a table that is being adopted: a column that a policy mentions cannot
--           change its collation. Those of the earlier adapter's script, which let everybody in, are gone
--           for good, with a warning; policies of the user's own are to be made again.
-- p_table:  the table's name
-- returns:  the statements that make the user's policies again
-- raises:   nothing
create or replace function parlant_internal.set_aside_policies(p_table name)
returns text[]
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_table text := format('%I.%I', 'public', p_table);
  v_policy record;
  v_statements text[] := '{}';
begin
  for v_policy in
    select
      p.polname as name,
      s.permissive,
      s.cmd as command,
      s.qual,
      s.with_check,
      (select string_agg(format('%I', r.name), ', ') from unnest(s.roles) as r (name)) as roles,
      obj_description(p.oid, 'pg_policy') as comment
    from pg_catalog.pg_policy as p
    join pg_catalog.pg_policies as s
      on s.schemaname = 'public' and s.tablename = p_table and s.policyname = p.polname
    where p.polrelid = v_table::regclass
  loop
    execute format('drop policy %I on %s', v_policy.name, v_table);

    if v_policy.name like 'Allow all operations on %' and v_policy.qual = 'true' then
      raise warning 'parlant-supabase: dropped policy "%" of table %: it let every key holder read and write all rows',
        v_policy.name, p_table
        using hint = 'Use the service role key, or see "Row level security" in the README of parlant-supabase.';
      continue;
    end if;

    v_statements := v_statements || (
      format(
        'create policy %I on %s as %s for %s to %s',
        v_policy.name, v_table, v_policy.permissive, v_policy.command, v_policy.roles)
      || coalesce(' using (' || v_policy.qual || ')', '')
      || coalesce(' with check (' || v_policy.with_check || ')', ''));
    if v_policy.comment is not null then
      v_statements := v_statements
        || format('comment on policy %I on %s is %L', v_policy.name, v_table, v_policy.comment);
    end if;
  end loop;

  return v_statements;
end;
$$;

comment on function parlant_internal.set_aside_policies(name) is
'Drops the policies of a table and returns the statements that make the user''s again.';

revoke all on function parlant_internal.set_aside_policies(name)
from public, anon, authenticated, service_role;
-- <<<
-- >>> sql/functions/internal/filters/sort_entry_field.sql
-- purpose:  Checks one entry of a sort or of an index definition.
-- p_entry:  [field, "asc" | "desc"]
-- returns:  the field's name
-- raises:   PD008 invalid argument
create or replace function parlant_internal.sort_entry_field(p_entry jsonb)
returns text
language plpgsql
immutable
security invoker
set search_path = pg_catalog, pg_temp
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
-- >>> sql/functions/internal/collections/store_collections.sql
-- purpose:  Parlant's three persistable stores and the collections of each. store_layout.py of the adapter
--           holds the same.
-- returns:  a row for each collection: the store's name, with which its default table prefix ends, and the
--           collection's name
-- raises:   nothing
create or replace function parlant_internal.store_collections()
returns table (store text, collection text)
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  values
    ('sessions', 'metadata'),
    ('sessions', 'sessions'),
    ('sessions', 'events'),
    ('customers', 'metadata'),
    ('customers', 'customers'),
    ('customers', 'customer_tag_associations'),
    ('context_variables', 'metadata'),
    ('context_variables', 'variables'),
    ('context_variables', 'variable_tag_associations'),
    ('context_variables', 'values')
$$;

comment on function parlant_internal.store_collections() is
'Parlant''s three persistable stores and the collections of each.';

revoke all on function parlant_internal.store_collections() from public, anon, authenticated;
grant execute on function parlant_internal.store_collections() to service_role;
-- <<<
-- >>> sql/functions/internal/collections/store_prefix.sql
-- purpose:           The table prefix of the store that a collection belongs to.
-- p_collection:      the collection's name
-- p_session_prefix:  table prefix of the session store
-- p_customer_prefix: table prefix of the customer store
-- p_variable_prefix: table prefix of the context variable store
-- returns:           one of the three; NULL for metadata, which each store has, and for any other
-- raises:            nothing
create or replace function parlant_internal.store_prefix(
  p_collection text,
  p_session_prefix text,
  p_customer_prefix text,
  p_variable_prefix text
)
returns text
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select
    case s.store
      when 'sessions' then p_session_prefix
      when 'customers' then p_customer_prefix
      else p_variable_prefix
    end
  from parlant_internal.store_collections() as s
  where s.collection = p_collection and s.collection <> 'metadata'
$$;

comment on function parlant_internal.store_prefix(text, text, text, text) is
'Table prefix of the store that a collection belongs to.';

revoke all on function parlant_internal.store_prefix(text, text, text, text)
from public, anon, authenticated;
grant execute on function parlant_internal.store_prefix(text, text, text, text) to service_role;
-- <<<
-- >>> sql/functions/internal/collections/table_name_for.sql
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
set search_path = pg_catalog, pg_temp
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
-- >>> sql/functions/internal/collections/table_of.sql
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
set search_path = pg_catalog, pg_temp
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
-- >>> sql/functions/internal/tags/tags_expression.sql
-- purpose:        The SQL expression for the tags of a customer or a variable.
-- p_kind:         'customer' or 'variable'
-- p_associations: the table of associations, as table_of() gives it
-- p_id:           SQL expression of type text for the id
-- returns:        text of an SQL expression that yields a JSON array of tag ids, in the order of the
--                 associations
-- raises:         nothing
create or replace function parlant_internal.tags_expression(
  p_kind text,
  p_associations text,
  p_id text
)
returns text
language plpgsql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return format(
    'coalesce((select jsonb_agg(a.data -> ''tag_id'' order by a.creation_utc, a.id)'
    ' from %s as a where %s), ''[]'')',
    p_associations, parlant_internal.owner_condition(p_kind, p_id));
end;
$$;

comment on function parlant_internal.tags_expression(text, text, text) is
'SQL expression for the tags of a customer or variable.';

revoke all on function parlant_internal.tags_expression(text, text, text)
from public, anon, authenticated;
grant execute on function parlant_internal.tags_expression(text, text, text) to service_role;
-- <<<
-- >>> sql/functions/internal/filters/text_column.sql
-- purpose:  Names the column that holds a field's value wherever that value is a string, and NULL
--           elsewhere, so that a string may be compared with the column alone.
-- p_field:  the field's name
-- returns:  the column's name, or NULL if the field has no such column
-- raises:   nothing
--
-- In PL/pgSQL, as what is called for every filter is: a function in SQL that sets search_path is parsed and
-- planned anew in every transaction, which took 40 us of the 230 that find_one takes in the database.
create or replace function parlant_internal.text_column(p_field text)
returns text
language plpgsql
immutable
parallel safe
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return case when p_field in ('id', 'session_id', 'customer_id', 'agent_id') then p_field end;
end;
$$;

comment on function parlant_internal.text_column(text) is
'Column that is equivalent to a field for strings, or NULL.';

revoke all on function parlant_internal.text_column(text) from public, anon, authenticated;
grant execute on function parlant_internal.text_column(text) to service_role;
-- <<<
-- >>> sql/functions/internal/filters/text_elements.sql
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
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(array_agg(v.value), '{}')
  from jsonb_array_elements_text(p_values) as v
$$;

comment on function parlant_internal.text_elements(jsonb) is
'Elements of a JSON array of strings as text.';

revoke all on function parlant_internal.text_elements(jsonb) from public, anon, authenticated;
grant execute on function parlant_internal.text_elements(jsonb) to service_role;
-- <<<
-- >>> sql/functions/internal/collections/unique_key.sql
-- purpose:  The SQL expression that is equal for two documents if and only if their values of some fields
--           are, as $eq compares: 1 equals 1.0, and a field that is missing equals null. A unique index ends
--           with it: order keys do not tell all values apart, and an entry has no room for a long value.
-- p_fields: [[field, "asc" | "desc"], ...], at least one
-- returns:  text of an SQL expression that yields bytea, never NULL
-- raises:   PD008 invalid argument
--
-- Equal jsonb values have the same text but for zeros that end a fraction. Those are taken out of every
-- number in the text and of no string: the pattern takes a string as a whole and puts it back as it was. It
-- is an expression, as order_key() is, so that whoever writes documents needs no privilege on a function.
create or replace function parlant_internal.unique_key(p_fields jsonb)
returns text
language plpgsql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  c_fraction constant text := '("(?:[^"\\]|\\.)*")|(-?[0-9]+)(?:\.0+|(\.[0-9]*[1-9])0+)(?=[],}]|$)';
  v_values text;
begin
  select
    string_agg(
      format('coalesce(data -> %L, ''null''::jsonb)::text', parlant_internal.sort_entry_field(f.value)),
      ' || '','' || ' order by f.ordinality)
  into v_values
  from jsonb_array_elements(p_fields) with ordinality as f;

  -- The pattern takes most of the time, and few values have a point.
  return format(
    'sha256(replace(case strpos(%1$s, ''.'') when 0 then %1$s'
    ' else regexp_replace((%1$s) collate "C", %2$L, ''\1\2\3'', ''g'') end, ''\'', ''\\'')::bytea)',
    v_values, c_fraction);
end;
$$;

comment on function parlant_internal.unique_key(jsonb) is
'SQL expression that is equal where the values of some fields are.';

revoke all on function parlant_internal.unique_key(jsonb)
from public, anon, authenticated, service_role;
-- <<<
-- >>> sql/functions/internal/documents/utc_now.sql
-- purpose: The present moment as Parlant writes it: Python's datetime.isoformat() in UTC, which drops a
--          microsecond part of zero.
-- returns: text such as 2026-05-04T10:20:30.000400+00:00
-- raises:  nothing
--
-- In PL/pgSQL for the same reason as text_column().
create or replace function parlant_internal.utc_now()
returns text
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return replace(
    to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'), '.000000', ''
  ) || '+00:00';
end;
$$;

comment on function parlant_internal.utc_now() is
'The present moment as Parlant writes it.';

revoke all on function parlant_internal.utc_now()
from public, anon, authenticated;
grant execute on function parlant_internal.utc_now() to service_role;
-- <<<
-- >>> sql/functions/internal/filters/varying_field.sql
-- purpose:    Finds the one field in which the members of a logical operator differ, if they can be
--             compared as one array. Either each member is one field with nothing but $eq (under $or) or
--             $ne (under $and), or, under $or, they have other fields besides, with the same conditions in
--             every member.
-- p_operator: '$and' or '$or'
-- p_members:  JSON array, not empty
-- returns:    the field's name, or NULL
-- raises:     nothing
create or replace function parlant_internal.varying_field(p_operator text, p_members jsonb)
returns text
language plpgsql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_count integer := jsonb_array_length(p_members);
  v_operand_key text := case p_operator when '$or' then '$eq' else '$ne' end;
  v_fields text[];
  v_varying text[];
begin
  if v_count < 2 or exists (
    select from jsonb_array_elements(p_members) as m
    where jsonb_typeof(m.value) <> 'object' or m.value = '{}'::jsonb
  ) then
    return null;
  end if;

  -- The usual case, which is told in a fifth of the time that the general one takes.
  v_fields := array(select k.name from jsonb_object_keys(p_members -> 0) as k (name));
  if cardinality(v_fields) = 1 and v_fields[1] not in ('$and', '$or') and not exists (
    select from jsonb_array_elements(p_members) as m
    where case jsonb_typeof(m.value -> v_fields[1])
      when 'object' then
        m.value - v_fields[1] <> '{}'::jsonb
        or not (m.value -> v_fields[1]) ? v_operand_key
        or (m.value -> v_fields[1]) - v_operand_key <> '{}'::jsonb
      else true
    end
  ) then
    return v_fields[1];
  end if;

  if p_operator = '$and' then
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

  if cardinality(v_varying) <> 1 or v_varying[1] in ('$and', '$or') then
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
-- >>> sql/functions/internal/documents/write_key.sql
-- purpose:     Says which document a call is going to write, as far as its arguments tell: two calls that may
--              wait for each other have the same key. What the two stand for is not always the same document,
--              which costs a wait and nothing else.
-- p_arguments: the call's arguments
-- returns:     text, or NULL if they name no document
-- raises:      nothing
create or replace function parlant_internal.write_key(p_arguments jsonb)
returns text
language plpgsql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return (p_arguments ->> 'p_prefix') || coalesce(
    p_arguments ->> 'p_session_id',
    p_arguments ->> 'p_customer_id',
    p_arguments ->> 'p_variable_id',
    -- Documents that came as text, which none but large numbers are for, are told apart as they are.
    p_arguments #>> '{p_event,session_id}', p_arguments ->> 'p_event',
    p_arguments #>> '{p_association,customer_id}',
    p_arguments #>> '{p_association,variable_id}',
    p_arguments #>> '{p_filters,id,$eq}', p_arguments ->> 'p_filters',
    p_arguments #>> '{p_document,id}', p_arguments ->> 'p_document',
    p_arguments #>> '{p_customer,id}',
    p_arguments #>> '{p_variable,id}'
  );
end;
$$;

comment on function parlant_internal.write_key(jsonb) is
'Which document a call is going to write.';

revoke all on function parlant_internal.write_key(jsonb) from public, anon, authenticated;
grant execute on function parlant_internal.write_key(jsonb) to service_role;
-- <<<
-- >>> sql/functions/api/parlant_add_variable_tag.sql
-- purpose:       Gives a variable a tag, unless it has it.
-- p_prefix:      the store's table prefix
-- p_association: the association to insert, with "variable_id" and "tag_id"
-- returns:       {"document": {...} | null, "tags": [tag id, ...]}, the variable after the change; null if
--                there is no such variable, or none that the caller may change
-- raises:        PD002 invalid document, PD003 duplicate document, PD004 collection not found
-- example:       select public.parlant_add_variable_tag(
--                  'parlant_context_variables_', '{"id": "a1", "variable_id": "v1", "tag_id": "vip"}');
create or replace function public.parlant_add_variable_tag(p_prefix text, p_association jsonb)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  if parlant_internal.insert_tag(p_prefix, 'variable', p_association) is null then
    return '{"document": null, "tags": []}';
  end if;

  return parlant_internal.read_tagged(p_prefix, 'variable', p_association ->> 'variable_id');
end;
$$;

comment on function public.parlant_add_variable_tag(text, jsonb) is
'Gives a Parlant context variable a tag.';

revoke all on function public.parlant_add_variable_tag(text, jsonb)
from public, anon, authenticated;
grant execute on function public.parlant_add_variable_tag(text, jsonb) to service_role;
-- <<<
-- >>> sql/functions/api/parlant_adopt_collections.sql
-- purpose:       Registers those of some collections whose tables are there, made by hand from the script of
--                the earlier adapter, and makes none.
-- p_prefix:      the prefix of the tables
-- p_collections: names of collections
-- returns:       {"collections": [text, ...]}; those of the collections that are registered now
-- raises:        PD006 invalid table name, PD007 table not ours
-- example:       select public.parlant_adopt_collections('chat_', '{sessions,events,customers}');
--
-- Tables that are there are adopted, which takes longer than a request may if they hold many rows.
create or replace function public.parlant_adopt_collections(p_prefix text, p_collections text[])
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
set statement_timeout = '55s'
as $$
declare
  v_collection text;
begin
  foreach v_collection in array p_collections loop
    if to_regclass(
      format('%I.%I', 'public', parlant_internal.table_name_for(p_prefix, v_collection))) is not null
      and not exists (
        select from parlant_internal.collections as c
        where c.table_name = parlant_internal.table_name_for(p_prefix, v_collection)
      )
    then
      perform parlant_internal.create_collection_tables(p_prefix, v_collection);
    end if;
  end loop;

  return jsonb_build_object(
    'collections',
    (
      select coalesce(jsonb_agg(c.collection order by c.collection), '[]')
      from parlant_internal.collections as c
      where c.prefix = p_prefix and c.collection = any (p_collections)
    ));
end;
$$;

comment on function public.parlant_adopt_collections(text, text[]) is
'Adopts the tables of Parlant document collections that were made by hand.';

revoke all on function public.parlant_adopt_collections(text, text[])
from public, anon, authenticated;
grant execute on function public.parlant_adopt_collections(text, text[]) to service_role;
-- <<<
-- >>> sql/functions/api/parlant_check_events.sql
-- purpose:   Tells, for any number of clients that wait for events, whether there are any. Deleted events do
--            not count.
-- p_prefix:  the store's table prefix
-- p_watches: [{"session_id": text, "source": text, "trace_id": text, "kinds": [text, ...],
--            "min_offset": int}, ...]; all but session_id may be missing or null, which means any
-- returns:   {"results": [bool | null, ...]}, one for each, in their order; null if there is no such session
-- raises:    PD004 collection not found, PD008 invalid argument
-- example:   select public.parlant_check_events(
--              'parlant_sessions_', '[{"session_id": "s1", "min_offset": 4, "kinds": ["message"]}]');
create or replace function public.parlant_check_events(p_prefix text, p_watches jsonb)
returns jsonb
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_sessions text := parlant_internal.table_of(p_prefix, 'sessions');
  v_events text := parlant_internal.table_of(p_prefix, 'events');
  v_watch jsonb;
  v_found boolean;
  v_results jsonb[] := '{}';
begin
  perform parlant_internal.require_list(
    p_watches, 'watches', 'Write [{"session_id": "...", "min_offset": 0}].');

  for v_watch in select w.value from jsonb_array_elements(p_watches) as w loop
    execute format(
      'select case when exists (select from %s as s where s.id = $1)'
      ' then exists (select from %s as d where %s) end',
      v_sessions,
      v_events,
      parlant_internal.event_condition(
        v_watch ->> 'source' is not null,
        v_watch ->> 'trace_id' is not null,
        v_watch ->> 'kinds' is not null,
        v_watch ->> 'min_offset' is not null,
        true))
    into v_found
    using
      v_watch ->> 'session_id',
      v_watch ->> 'source',
      v_watch ->> 'trace_id',
      array(select k.value from jsonb_array_elements_text(nullif(v_watch -> 'kinds', 'null')) as k),
      (v_watch ->> 'min_offset')::bigint;
    v_results := v_results || to_jsonb(v_found);
  end loop;

  return jsonb_build_object('results', to_jsonb(v_results));
end;
$$;

comment on function public.parlant_check_events(text, jsonb) is
'Whether there are events that clients of Parlant sessions wait for.';

revoke all on function public.parlant_check_events(text, jsonb)
from public, anon, authenticated;
grant execute on function public.parlant_check_events(text, jsonb) to service_role;
-- <<<
-- >>> sql/functions/api/parlant_count_failed_documents.sql
-- purpose:      Counts the failed documents of every collection.
-- p_prefix:     the store's table prefix; NULL for every prefix
-- p_collection: the collection's name; NULL for every collection
-- returns:      {"collections": [{"prefix": text, "collection": text, "rejected": int, "raised": int,
--               "unknown": int}, ...]}, collections without failed documents among them; unknown are those
--               of tables that were not made by parlant-supabase
-- raises:       nothing
-- example:      select public.parlant_count_failed_documents('parlant_sessions_');
create or replace function public.parlant_count_failed_documents(
  p_prefix text default null,
  p_collection text default null
)
returns jsonb
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_collection record;
  v_counts jsonb;
  v_collections jsonb[] := '{}';
begin
  for v_collection in
    select c.prefix, c.collection, format('%I.%I', 'public', c.failed_table_name) as failed_table
    from parlant_internal.collections as c
    where (p_prefix is null or c.prefix = p_prefix)
      and (p_collection is null or c.collection = p_collection)
      and to_regclass(format('%I.%I', 'public', c.failed_table_name)) is not null
    order by c.prefix, c.collection
  loop
    execute format(
      'select jsonb_build_object('
      ' ''rejected'', count(*) filter (where f.reason = ''rejected''),'
      ' ''raised'', count(*) filter (where starts_with(f.reason, ''raised'')),'
      ' ''unknown'', count(*) filter ('
      'where f.reason <> ''rejected'' and not starts_with(f.reason, ''raised'')))'
      ' from %s as f', v_collection.failed_table)
    into v_counts;

    v_collections := v_collections || (
      v_counts || jsonb_build_object(
        'prefix', v_collection.prefix, 'collection', v_collection.collection));
  end loop;

  return jsonb_build_object('collections', to_jsonb(v_collections));
end;
$$;

comment on function public.parlant_count_failed_documents(text, text) is
'Number of failed documents of every Parlant document collection.';

revoke all on function public.parlant_count_failed_documents(text, text)
from public, anon, authenticated;
grant execute on function public.parlant_count_failed_documents(text, text) to service_role;
-- <<<
-- >>> sql/functions/api/parlant_create_collection.sql
-- purpose:      Creates a collection that is not there yet.
-- p_prefix:     the store's table prefix
-- p_collection: the collection's name
-- returns:      {"created": true}
-- raises:       PD005 collection exists, PD006 invalid table name, PD007 table not ours
-- example:      select public.parlant_create_collection('acme_', 'notes');
--
-- Tables that are there are adopted, which takes longer than a request may if they hold many rows.
create or replace function public.parlant_create_collection(p_prefix text, p_collection text)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
set statement_timeout = '55s'
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
-- >>> sql/functions/api/parlant_create_customer.sql
-- purpose:        Inserts a customer with its tags, unless the same customer, but for creation_utc, is there.
-- p_prefix:       the store's table prefix
-- p_customer:     the customer
-- p_associations: JSON array of the associations with its tags
-- returns:        {"created": bool}
-- raises:         PD002 invalid document, PD003 duplicate document, PD004 collection not found
-- example:        select public.parlant_create_customer('parlant_customers_', '{"id": "c1", "name": "Ann"}');
--
-- Lock order, here and wherever a customer and its tags change together: the customer first, then the tags.
create or replace function public.parlant_create_customer(
  p_prefix text,
  p_customer jsonb,
  p_associations jsonb default '[]'
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_table text := parlant_internal.table_of(p_prefix, 'customers');
  v_customer jsonb := parlant_internal.read_document(p_customer);
  v_created boolean := parlant_internal.insert_document(v_table, v_customer);
begin
  if v_created then
    perform parlant_internal.insert_document(
      parlant_internal.table_of(p_prefix, 'customer_tag_associations'), a.value)
    from jsonb_array_elements(p_associations) as a;
  end if;

  return jsonb_build_object('created', v_created);
end;
$$;

comment on function public.parlant_create_customer(text, jsonb, jsonb) is
'Inserts a Parlant customer with its tags.';

revoke all on function public.parlant_create_customer(text, jsonb, jsonb)
from public, anon, authenticated;
grant execute on function public.parlant_create_customer(text, jsonb, jsonb) to service_role;
-- <<<
-- >>> sql/functions/api/parlant_create_event.sql
-- purpose:  Appends an event to a session. Its offset is one more than the greatest so far, and its
--           creation_utc, unless given, is the database's clock; both are taken while the session is
--           locked, so that several servers write to one session without a gap or a repetition and list
--           its events in the order of their offsets. Offsets that are no number from 0 to 2^53 - 1 are
--           not counted. The same event sent again is acknowledged.
-- p_prefix: the store's table prefix
-- p_event:  the event but for its offset; "id" and "session_id" are strings
-- returns:  {"offset": int, "creation_utc": text} of the stored event, or {"offset": null,
--           "creation_utc": null} if there is no such session
-- raises:   PD002 invalid document, PD003 duplicate document, PD004 collection not found
-- example:  select public.parlant_create_event(
--             'parlant_sessions_', '{"id": "e2", "session_id": "s1", "kind": "message"}');
--
-- Lock order, here and wherever a session and its events change together: the session first, then events.
create or replace function public.parlant_create_event(p_prefix text, p_event jsonb)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_table text := parlant_internal.table_of(p_prefix, 'events');
  v_event jsonb := parlant_internal.read_document(p_event);
  v_stored jsonb;
begin
  if not parlant_internal.lock_document(
    parlant_internal.table_of(p_prefix, 'sessions'), v_event ->> 'session_id')
  then
    return jsonb_build_object('offset', null, 'creation_utc', null);
  end if;

  execute format(
    'insert into %1$s (data) select'
    ' jsonb_build_object(''creation_utc'', parlant_internal.utc_now()) || $1'
    ' || jsonb_build_object(''offset'', coalesce(('
    'select (d.data -> ''offset'')::bigint + 1 from %1$s as d'
    ' where d.session_id = $1 ->> ''session_id'''
    -- Only what can be counted on from: anybody who may write an event may write any offset.
    ' and %3$s between ''0'' and ''9007199254740991'''
    ' order by %2$s limit 1'
    '), 0))'
    ' on conflict (id) do nothing returning data',
    v_table,
    parlant_internal.order_term('offset', 'desc'),
    parlant_internal.order_key('d.data -> ''offset'''))
  into v_stored
  using v_event;

  if v_stored is null then
    execute format('select d.data from %s as d where d.id = $1', v_table)
    into v_stored
    using v_event ->> 'id';

    if v_stored - 'offset' - 'creation_utc' is distinct from v_event - 'offset' - 'creation_utc' then
      raise exception using
        errcode = 'PD003',
        message = 'a different event with that id exists',
        hint = 'Nothing was overwritten. Give the event an id of its own.';
    end if;
  end if;

  return jsonb_build_object(
    'offset', v_stored -> 'offset', 'creation_utc', v_stored -> 'creation_utc');
end;
$$;

comment on function public.parlant_create_event(text, jsonb) is
'Appends an event to a Parlant session.';

revoke all on function public.parlant_create_event(text, jsonb)
from public, anon, authenticated;
grant execute on function public.parlant_create_event(text, jsonb) to service_role;
-- <<<
-- >>> sql/functions/api/parlant_create_variable.sql
-- purpose:        Inserts a variable with its tags, or finds it. Parlant derives the id from what the
--                 variable is created with, so one of the same id and name is the one that an earlier run of
--                 the application created, whatever has been changed in it since: it stays as it is and gets
--                 the tags that it lacks.
-- p_prefix:       the store's table prefix
-- p_variable:     the variable
-- p_associations: JSON array of the associations with its tags
-- returns:        {"created": bool, "document": {...}, "tags": [tag id, ...]}
-- raises:         PD002 invalid document, PD003 duplicate document (same id, another name), PD004 collection
--                 not found
-- example:        select public.parlant_create_variable(
--                   'parlant_context_variables_', '{"id": "v1", "name": "plan"}');
--
-- Lock order, here and wherever a variable and what belongs to it change together: the variable first, then
-- its tags, then its values.
create or replace function public.parlant_create_variable(
  p_prefix text,
  p_variable jsonb,
  p_associations jsonb default '[]'
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_table text := parlant_internal.table_of(p_prefix, 'variables');
  v_variable jsonb := parlant_internal.read_document(p_variable);
  v_stored jsonb;
  v_created boolean := false;
begin
  execute format('select d.data from %s as d where d.id = $1', v_table)
  into v_stored
  using v_variable ->> 'id';

  if v_stored is null or v_stored -> 'name' is distinct from v_variable -> 'name' then
    v_created := parlant_internal.insert_document(v_table, v_variable);
  end if;

  if v_created then
    perform parlant_internal.insert_document(
      parlant_internal.table_of(p_prefix, 'variable_tag_associations'), a.value)
    from jsonb_array_elements(p_associations) as a;
  else
    perform parlant_internal.insert_tag(p_prefix, 'variable', a.value)
    from jsonb_array_elements(p_associations) as a;
  end if;

  return jsonb_build_object('created', v_created)
    || parlant_internal.read_tagged(p_prefix, 'variable', v_variable ->> 'id');
end;
$$;

comment on function public.parlant_create_variable(text, jsonb, jsonb) is
'Inserts a Parlant context variable with its tags, or finds it.';

revoke all on function public.parlant_create_variable(text, jsonb, jsonb)
from public, anon, authenticated;
grant execute on function public.parlant_create_variable(text, jsonb, jsonb) to service_role;
-- <<<
-- >>> sql/functions/api/parlant_create_views.sql
-- purpose:           Makes the views that people read for stores under prefixes of your own; the default
--                    stores have theirs. It may be called at any time: views that are there are made again,
--                    those whose tables are not there are made with the tables.
-- p_prefix:          what the names of the views begin with
-- p_session_prefix:  table prefix of the session store; NULL for p_prefix and sessions_
-- p_customer_prefix: table prefix of the customer store; NULL for p_prefix and customers_
-- p_variable_prefix: table prefix of the context variable store; NULL for p_prefix and context_variables_
-- returns:           {"views": {name: "made" | "waiting" | "left alone", ...}}; waiting for tables that are
--                    not there yet; left alone because something else has the name
-- raises:            PD006 invalid table name
-- example:           select public.parlant_create_views('acme_');
create or replace function public.parlant_create_views(
  p_prefix text,
  p_session_prefix text default null,
  p_customer_prefix text default null,
  p_variable_prefix text default null
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return jsonb_build_object(
    'views',
    parlant_internal.create_views(
      p_prefix,
      coalesce(p_session_prefix, parlant_internal.default_prefix(p_prefix, 'sessions')),
      coalesce(p_customer_prefix, parlant_internal.default_prefix(p_prefix, 'customers')),
      coalesce(p_variable_prefix, parlant_internal.default_prefix(p_prefix, 'context_variables'))));
end;
$$;

comment on function public.parlant_create_views(text, text, text, text) is
'Makes views of Parlant conversations for people.';

revoke all on function public.parlant_create_views(text, text, text, text)
from public, anon, authenticated;
grant execute on function public.parlant_create_views(text, text, text, text) to service_role;
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
set search_path = pg_catalog, pg_temp
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
-- >>> sql/functions/api/parlant_delete_customer.sql
-- purpose:       Deletes a customer with its tags.
-- p_prefix:      the store's table prefix
-- p_customer_id: the customer's id
-- returns:       {"deleted": bool}
-- raises:        PD004 collection not found
-- example:       select public.parlant_delete_customer('parlant_customers_', 'c1');
create or replace function public.parlant_delete_customer(p_prefix text, p_customer_id text)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return jsonb_build_object(
    'deleted', parlant_internal.delete_tagged(p_prefix, 'customer', p_customer_id));
end;
$$;

comment on function public.parlant_delete_customer(text, text) is
'Deletes a Parlant customer with its tags.';

revoke all on function public.parlant_delete_customer(text, text)
from public, anon, authenticated;
grant execute on function public.parlant_delete_customer(text, text) to service_role;
-- <<<
-- >>> sql/functions/api/parlant_delete_one.sql
-- purpose:      Deletes the first document, in order of insertion, that a filter matches. Calls at the same
--               moment with the same filter delete different documents.
-- p_prefix:     the store's table prefix
-- p_collection: the collection's name
-- p_filters:    a Parlant filter; NULL or {} matches every document
-- returns:      {"deleted_count": 0 | 1, "deleted_document": {...} | null}; 0 also if row level security
--               lets the caller change the document but not delete it
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
set search_path = pg_catalog, pg_temp
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
    'deleted_count', case when v_document is null then 0 else 1 end,
    'deleted_document', v_document);
end;
$$;

comment on function public.parlant_delete_one(text, text, jsonb) is
'Deletes the first matching document of a Parlant document collection.';

revoke all on function public.parlant_delete_one(text, text, jsonb)
from public, anon, authenticated;
grant execute on function public.parlant_delete_one(text, text, jsonb) to service_role;
-- <<<
-- >>> sql/functions/api/parlant_delete_session.sql
-- purpose:      Deletes a session with all its events. An event that is being created meanwhile is deleted
--               too, or is refused for want of a session.
-- p_prefix:     the store's table prefix
-- p_session_id: the session's id
-- returns:      {"deleted": bool, "deleted_events": int}
-- raises:       PD004 collection not found
-- example:      select public.parlant_delete_session('parlant_sessions_', 's1');
--
-- Lock order: the session first, then its events, as in parlant_create_event.
create or replace function public.parlant_delete_session(p_prefix text, p_session_id text)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_sessions integer;
  v_events bigint;
begin
  execute format(
    'delete from %s as d where d.id = $1', parlant_internal.table_of(p_prefix, 'sessions'))
  using p_session_id;
  get diagnostics v_sessions = row_count;

  execute format(
    'delete from %s as d where d.session_id = $1', parlant_internal.table_of(p_prefix, 'events'))
  using p_session_id;
  get diagnostics v_events = row_count;

  return jsonb_build_object('deleted', v_sessions > 0, 'deleted_events', v_events);
end;
$$;

comment on function public.parlant_delete_session(text, text) is
'Deletes a Parlant session with its events.';

revoke all on function public.parlant_delete_session(text, text)
from public, anon, authenticated;
grant execute on function public.parlant_delete_session(text, text) to service_role;
-- <<<
-- >>> sql/functions/api/parlant_delete_variable.sql
-- purpose:       Deletes a variable with its tags and values.
-- p_prefix:      the store's table prefix
-- p_variable_id: the variable's id
-- returns:       {"deleted": bool}; nothing is deleted if there is no such variable
-- raises:        PD004 collection not found
-- example:       select public.parlant_delete_variable('parlant_context_variables_', 'v1');
create or replace function public.parlant_delete_variable(p_prefix text, p_variable_id text)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_filter jsonb := jsonb_build_object('variable_id', jsonb_build_object('$eq', p_variable_id));
  v_deleted boolean := parlant_internal.delete_tagged(p_prefix, 'variable', p_variable_id);
begin
  if v_deleted then
    execute format(
      'delete from %s as d where %s',
      parlant_internal.table_of(p_prefix, 'values'), parlant_internal.compile_filter(v_filter))
    using v_filter;
  end if;

  return jsonb_build_object('deleted', v_deleted);
end;
$$;

comment on function public.parlant_delete_variable(text, text) is
'Deletes a Parlant context variable with its tags and values.';

revoke all on function public.parlant_delete_variable(text, text)
from public, anon, authenticated;
grant execute on function public.parlant_delete_variable(text, text) to service_role;
-- <<<
-- >>> sql/functions/api/parlant_diagnose.sql
-- purpose:     Everything about the installation that `parlant-supabase doctor` looks at, in one request. It
--              changes nothing.
-- p_functions: names of functions that the caller needs
-- p_indexes:   the indexes that Parlant's stores ask for, by collection:
--              {collection: [{"fields": [[field, "asc" | "desc"], ...], "unique": bool}, ...], ...}
-- returns:     {"now": seconds since 1970 by the database's clock,
--               "functions": {"missing": [...], "denied": [...], "open": {...}},
--               "collections": [{"prefix": text, "collection": text, "documents": {...}, "failed": {...},
--                "indexes": [...], "forget": text | null, "make_failed": text | null}, ...],
--               "views": [...]};
--              the views, and of each collection its table, its table of failed documents and its indexes,
--              are as the diagnose_ functions say; where its table is not there, forget is the statement that
--              takes it out of the registry; where only that of failed documents is not, make_failed makes it
-- raises:      nothing
-- example:     select public.parlant_diagnose();
create or replace function public.parlant_diagnose(
  p_functions text[] default '{}',
  p_indexes jsonb default '{}'
)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'now', extract(epoch from clock_timestamp()),
    'functions', parlant_internal.diagnose_functions(p_functions),
    'collections',
    (
      select
        coalesce(
          jsonb_agg(
            jsonb_build_object(
              'prefix', d.prefix,
              'collection', d.collection,
              'documents', d.documents,
              'failed', d.failed,
              'indexes',
              case
                when (d.documents -> 'exists')::boolean
                  then parlant_internal.diagnose_indexes(
                    d.prefix, d.collection, p_indexes -> d.collection)
                else '[]'
              end,
              'forget',
              case
                when not (d.documents -> 'exists')::boolean
                  then format(
                    'delete from parlant_internal.collections where prefix = %L and collection = %L;',
                    d.prefix, d.collection)
              end,
              'make_failed',
              case
                when (d.documents -> 'exists')::boolean and not (d.failed -> 'exists')::boolean
                  then format(
                    'create table %I.%I (like parlant_internal.failed_document_shape including all);'
                    ' select parlant_internal.lock_down_table(%L);',
                    'public', d.failed ->> 'table', d.failed ->> 'table')
              end)
            order by d.prefix, d.collection),
          '[]')
      from (
        select
          c.prefix,
          c.collection,
          parlant_internal.diagnose_table(c.table_name) as documents,
          parlant_internal.diagnose_table(c.failed_table_name) as failed
        from parlant_internal.collections as c
      ) as d
    ),
    'views', parlant_internal.diagnose_views()
  )
$$;

comment on function public.parlant_diagnose(text[], jsonb) is
'What can be wrong with the installation of parlant-supabase.';

revoke all on function public.parlant_diagnose(text[], jsonb) from public, anon, authenticated;
grant execute on function public.parlant_diagnose(text[], jsonb) to service_role;
-- <<<
-- >>> sql/functions/api/parlant_drop_failed_documents.sql
-- purpose:      Deletes documents from the table of a collection's failed documents. One that was rejected
--               is nowhere else.
-- p_prefix:     the store's table prefix
-- p_collection: the collection's name
-- p_seqs:       [seq, ...] as parlant_list_failed_documents gives them
-- returns:      {"dropped": int}
-- raises:       PD004 collection not found, PD008 invalid argument
-- example:      select public.parlant_drop_failed_documents('parlant_sessions_', 'events', '[1, 2]');
create or replace function public.parlant_drop_failed_documents(
  p_prefix text,
  p_collection text,
  p_seqs jsonb
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_dropped integer;
begin
  perform parlant_internal.require_list(p_seqs, 'seqs', 'Write [1, 2].');

  execute format(
    'delete from %s as f where f.seq = any ($1)',
    parlant_internal.failed_table_of(p_prefix, p_collection))
  using array(select s.value::bigint from jsonb_array_elements_text(p_seqs) as s);
  get diagnostics v_dropped = row_count;

  return jsonb_build_object('dropped', v_dropped);
end;
$$;

comment on function public.parlant_drop_failed_documents(text, text, jsonb) is
'Deletes failed documents of a Parlant document collection.';

revoke all on function public.parlant_drop_failed_documents(text, text, jsonb)
from public, anon, authenticated;
grant execute on function public.parlant_drop_failed_documents(text, text, jsonb)
to service_role;
-- <<<
-- >>> sql/functions/api/parlant_ensure_indexes.sql
-- purpose:      Makes the indexes that are missing. The primary key on id and the index on
--               (creation_utc, id) are there from the start.
-- p_prefix:     the store's table prefix
-- p_collection: the collection's name
-- p_indexes:    [{"fields": [[field, "asc" | "desc"], ...], "unique": bool}, ...]
--               Values of a unique index are equal if $eq says so: 1 and 1.0 are, and a field that is
--               missing equals null, as in MongoDB. They may be of any type and length.
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
set search_path = pg_catalog, pg_temp
set statement_timeout = '55s'
as $$
declare
  v_table text := parlant_internal.table_of(p_prefix, p_collection);
  v_index jsonb;
  v_fields jsonb;
  v_unique boolean;
  v_created integer := 0;
begin
  perform parlant_internal.require_list(
    p_indexes, 'indexes', 'Write [{"fields": [["field", "asc"]], "unique": false}].');

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
-- <<<
-- >>> sql/functions/api/parlant_export_documents.sql
-- purpose:      Reads all documents of a collection in order of insertion, page by page, as the database
--               keeps them, to the digit. A page ends at 500 documents or past 4 MB. A document that is
--               changed between two pages comes as it is when its page is read.
-- p_prefix:     the store's table prefix
-- p_collection: the collection's name
-- p_after:      "next" of the page before, or NULL for the first
-- returns:      {"documents": [text, ...], "next": int | null}; each document as its JSON text
-- raises:       PD004 collection not found
-- example:      select public.parlant_export_documents('parlant_sessions_', 'events');
create or replace function public.parlant_export_documents(
  p_prefix text,
  p_collection text,
  p_after bigint default null
)
returns jsonb
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  c_max_documents constant integer := 500;
  c_max_characters constant integer := 4000000;
  v_row record;
  v_text text;
  v_characters integer := 0;
  v_documents text[] := '{}';
begin
  -- There is no index on seq alone, which would tempt the planner to walk it for the first match of any
  -- filter. The one on (version, seq) serves as well, a version at a time, as there are few versions.
  for v_row in execute format(
    'with recursive versions as ('
    '(select d.version from %1$s as d order by d.version limit 1)'
    ' union all'
    ' select (select d.version from %1$s as d where d.version > v.version order by d.version limit 1)'
    ' from versions as v where v.version is not null)'
    ' select p.seq, p.data from versions as v cross join lateral ('
    'select d.seq, d.data from %1$s as d where d.version = v.version and d.seq > $1'
    ' order by d.seq limit $2) as p'
    ' order by p.seq limit $2',
    parlant_internal.table_of(p_prefix, p_collection))
  using coalesce(p_after, -1), c_max_documents + 1
  loop
    if cardinality(v_documents) = c_max_documents or v_characters > c_max_characters then
      return jsonb_build_object('documents', to_jsonb(v_documents), 'next', p_after);
    end if;

    v_text := v_row.data::text;
    v_documents := v_documents || v_text;
    v_characters := v_characters + length(v_text);
    p_after := v_row.seq;
  end loop;

  return jsonb_build_object('documents', to_jsonb(v_documents), 'next', null);
end;
$$;

comment on function public.parlant_export_documents(text, text, bigint) is
'All documents of a Parlant document collection as JSON text, page by page.';

revoke all on function public.parlant_export_documents(text, text, bigint)
from public, anon, authenticated;
grant execute on function public.parlant_export_documents(text, text, bigint) to service_role;
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
set search_path = pg_catalog, pg_temp
as $$
begin
  return parlant_internal.find_page(
    parlant_internal.table_of(p_prefix, p_collection),
    parlant_internal.compile_filter(p_filters),
    p_filters,
    p_limit,
    p_cursor,
    p_sort_direction);
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
set search_path = pg_catalog, pg_temp
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
set search_path = pg_catalog, pg_temp
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
--
-- Tables that are there are adopted, which takes longer than a request may if they hold many rows.
create or replace function public.parlant_get_or_create_collection(
  p_prefix text,
  p_collection text,
  p_version text default null
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
set statement_timeout = '55s'
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
set search_path = pg_catalog, pg_temp
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
-- >>> sql/functions/api/parlant_import_documents.sql
-- purpose:      Inserts documents in their order, all or none of them. Those that are there already, exactly
--               as they are, are left alone, so that an import that was cut off can be run again.
-- p_prefix:     the store's table prefix
-- p_collection: the collection's name
-- p_documents:  [document, ...], each as an object or as its JSON text
-- p_replace:    whether a document takes the place of a different one that has its id
-- returns:      {"inserted": int, "unchanged": int, "replaced": int, "different": [id, ...]}; different are
--               those that were not written because another document has their id
-- raises:       PD002 invalid document, PD004 collection not found, PD008 invalid argument
-- example:      select public.parlant_import_documents(
--                 'parlant_customers_', 'customers', '[{"id": "c1", "name": "Ann"}]');
create or replace function public.parlant_import_documents(
  p_prefix text,
  p_collection text,
  p_documents jsonb,
  p_replace boolean default false
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
set statement_timeout = '55s'
as $$
declare
  v_table text := parlant_internal.table_of(p_prefix, p_collection);
  v_entry jsonb;
  v_document jsonb;
  v_outcome text;
  v_counts jsonb := '{"inserted": 0, "unchanged": 0, "replaced": 0}';
  v_different text[] := '{}';
begin
  perform parlant_internal.require_list(p_documents, 'documents', 'Write [{"id": "...", ...}].');

  for v_entry in select e.value from jsonb_array_elements(p_documents) as e loop
    v_document := parlant_internal.read_document(v_entry);
    v_outcome := parlant_internal.import_document(v_table, v_document, coalesce(p_replace, false));
    if v_outcome = 'different' then
      v_different := v_different || (v_document ->> 'id');
    else
      v_counts := v_counts || jsonb_build_object(v_outcome, (v_counts ->> v_outcome)::integer + 1);
    end if;
  end loop;

  return v_counts || jsonb_build_object('different', to_jsonb(v_different));
end;
$$;

comment on function public.parlant_import_documents(text, text, jsonb, boolean) is
'Inserts those of many documents that a Parlant document collection does not have yet.';

revoke all on function public.parlant_import_documents(text, text, jsonb, boolean)
from public, anon, authenticated;
grant execute on function public.parlant_import_documents(text, text, jsonb, boolean) to service_role;
-- <<<
-- >>> sql/functions/api/parlant_import_failed_documents.sql
-- purpose:      Puts documents into the table of a collection's failed documents, in their order, all or none
--               of them, but for those that it has.
-- p_prefix:     the store's table prefix
-- p_collection: the collection's name
-- p_documents:  [{"id": text | null, "data": document | null, "reason": text, "failed_at": text | null},
--               ...], each document as an object or as its JSON text; without failed_at, one that failed for
--               the same reason at any time counts as there, and else it has failed now
-- returns:      {"inserted": int, "unchanged": int}
-- raises:       PD002 invalid document, PD004 collection not found, PD008 invalid argument
-- example:      select public.parlant_import_failed_documents(
--                 'parlant_sessions_', 'events',
--                 '[{"id": "e1", "data": {"id": "e1"}, "reason": "rejected"}]');
create or replace function public.parlant_import_failed_documents(
  p_prefix text,
  p_collection text,
  p_documents jsonb
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
set statement_timeout = '55s'
as $$
declare
  v_failed text := parlant_internal.failed_table_of(p_prefix, p_collection);
  v_entry jsonb;
  v_written integer;
  v_inserted integer := 0;
begin
  perform parlant_internal.require_list(
    p_documents, 'documents', 'Write [{"id": "...", "data": {...}, "reason": "rejected"}].');

  -- Nothing is unique in that table, so two imports of the same documents take turns.
  perform pg_advisory_xact_lock(hashtextextended(v_failed, 0));

  for v_entry in select e.value from jsonb_array_elements(p_documents) as e loop
    execute format(
      'insert into %1$s (id, data, reason, failed_at) select $1, $2, $3, coalesce($4, now())'
      ' where not exists ('
      'select from %1$s as f'
      ' where (f.id = $1 or $1 is null and f.id is null)'
      ' and f.data::text is not distinct from $2::text'
      ' and f.reason = $3 and ($4 is null or f.failed_at = $4))', v_failed)
    using
      v_entry ->> 'id',
      case
        when v_entry -> 'data' <> 'null' then parlant_internal.read_document(v_entry -> 'data')
      end,
      coalesce(v_entry ->> 'reason', 'unknown'),
      (v_entry ->> 'failed_at')::timestamptz;
    get diagnostics v_written = row_count;
    v_inserted := v_inserted + v_written;
  end loop;

  return jsonb_build_object(
    'inserted', v_inserted, 'unchanged', jsonb_array_length(p_documents) - v_inserted);
end;
$$;

comment on function public.parlant_import_failed_documents(text, text, jsonb) is
'Puts documents among the failed ones of a Parlant document collection.';

revoke all on function public.parlant_import_failed_documents(text, text, jsonb)
from public, anon, authenticated;
grant execute on function public.parlant_import_failed_documents(text, text, jsonb) to service_role;
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
set search_path = pg_catalog, pg_temp
as $$
declare
  v_table text := parlant_internal.table_of(p_prefix, p_collection);
  v_document jsonb := parlant_internal.read_document(p_document);
begin
  return jsonb_build_object(
    'acknowledged', true, 'inserted', parlant_internal.insert_document(v_table, v_document));
end;
$$;

comment on function public.parlant_insert_one(text, text, jsonb) is
'Inserts a document into a Parlant document collection.';

revoke all on function public.parlant_insert_one(text, text, jsonb)
from public, anon, authenticated;
grant execute on function public.parlant_insert_one(text, text, jsonb) to service_role;
-- <<<
-- >>> sql/functions/api/parlant_list_customers.sql
-- purpose:          Reads customers with their tags, ordered by (creation_utc, id), page by page.
-- p_prefix:         the store's table prefix
-- p_tags:           only customers with any of these tags, or, if empty, without tags; NULL for all
-- p_limit:          the most to return; NULL for all, 0 for an empty page
-- p_cursor:         {"creation_utc": text, "id": text}; only customers strictly after it are returned
-- p_sort_direction: "asc" (also if NULL) or "desc"
-- returns:          {"items": [{"document": {...}, "tags": [...]}, ...], "total_count": int,
--                   "has_more": bool, "next_cursor": {"creation_utc", "id"} | null};
--                   counted as parlant_find does
-- raises:           PD004 collection not found, PD008 invalid argument
-- example:          select public.parlant_list_customers(
--                     'parlant_customers_', p_tags => '{vip}', p_limit => 20);
create or replace function public.parlant_list_customers(
  p_prefix text,
  p_tags text[] default null,
  p_limit bigint default null,
  p_cursor jsonb default null,
  p_sort_direction text default null
)
returns jsonb
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return parlant_internal.list_tagged(
    p_prefix, 'customer', p_tags, p_limit, p_cursor, p_sort_direction);
end;
$$;

comment on function public.parlant_list_customers(text, text[], bigint, jsonb, text) is
'Parlant customers with their tags, page by page.';

revoke all on function public.parlant_list_customers(text, text[], bigint, jsonb, text)
from public, anon, authenticated;
grant execute on function public.parlant_list_customers(text, text[], bigint, jsonb, text)
to service_role;
-- <<<
-- >>> sql/functions/api/parlant_list_events.sql
-- purpose:           Reads the events of a session, ordered by (creation_utc, id).
-- p_prefix:          the store's table prefix
-- p_session_id:      the session's id
-- p_source:          only events from this source; NULL for all
-- p_trace_id:        only events of this trace; NULL for all
-- p_kinds:           only events of these kinds; NULL for all
-- p_min_offset:      only events from this offset on; NULL for all
-- p_exclude_deleted: whether to leave out deleted events
-- returns:           {"documents": [{...}, ...] | null}; null if there is no such session
-- raises:            PD004 collection not found
-- example:           select public.parlant_list_events(
--                      'parlant_sessions_', 's1', p_kinds => '{message}', p_min_offset => 4);
create or replace function public.parlant_list_events(
  p_prefix text,
  p_session_id text,
  p_source text default null,
  p_trace_id text default null,
  p_kinds text[] default null,
  p_min_offset bigint default null,
  p_exclude_deleted boolean default true
)
returns jsonb
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_documents jsonb;
begin
  execute format(
    'select case when exists (select from %s as s where s.id = $1) then ('
    'select coalesce(jsonb_agg(d.data order by d.creation_utc, d.id), ''[]'') from %s as d where %s'
    ') end',
    parlant_internal.table_of(p_prefix, 'sessions'),
    parlant_internal.table_of(p_prefix, 'events'),
    parlant_internal.event_condition(
      p_source is not null,
      p_trace_id is not null,
      p_kinds is not null,
      p_min_offset is not null,
      p_exclude_deleted))
  into v_documents
  using p_session_id, p_source, p_trace_id, p_kinds, p_min_offset;

  return jsonb_build_object('documents', v_documents);
end;
$$;

comment on function public.parlant_list_events(text, text, text, text, text[], bigint, boolean) is
'Events of a Parlant session.';

revoke all on function public.parlant_list_events(text, text, text, text, text[], bigint, boolean)
from public, anon, authenticated;
grant execute on function public.parlant_list_events(text, text, text, text, text[], bigint, boolean)
to service_role;
-- <<<
-- >>> sql/functions/api/parlant_list_failed_documents.sql
-- purpose:      Reads the failed documents of a collection in the order in which they failed, page by page.
--               A page ends at 500 documents or past 4 MB.
-- p_prefix:     the store's table prefix
-- p_collection: the collection's name
-- p_after:      "next" of the page before, or NULL for the first
-- p_with_data:  whether to return the documents themselves, too
-- returns:      {"documents": [{"seq": int, "id": text | null, "version": text | null, "reason": text,
--               "failed_at": text, "data": {...}}, ...], "next": int | null}; seq tells failed documents
--               apart, as one may fail more than once
-- raises:       PD004 collection not found
-- example:      select public.parlant_list_failed_documents('parlant_sessions_', 'events');
create or replace function public.parlant_list_failed_documents(
  p_prefix text,
  p_collection text,
  p_after bigint default null,
  p_with_data boolean default false
)
returns jsonb
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  c_max_documents constant integer := 500;
  c_max_characters constant integer := 4000000;
  v_row record;
  v_characters integer := 0;
  v_documents jsonb[] := '{}';
begin
  for v_row in execute format(
    'select f.seq, f.id, f.data, f.reason, f.failed_at from %s as f'
    ' where f.seq > $1 order by f.seq limit $2',
    parlant_internal.failed_table_of(p_prefix, p_collection))
  using coalesce(p_after, -1), c_max_documents + 1
  loop
    if cardinality(v_documents) = c_max_documents or v_characters > c_max_characters then
      return jsonb_build_object('documents', to_jsonb(v_documents), 'next', p_after);
    end if;

    v_documents := v_documents || jsonb_build_object(
      'seq', v_row.seq,
      'id', v_row.id,
      'version', v_row.data ->> 'version',
      'reason', v_row.reason,
      'failed_at', v_row.failed_at);
    if p_with_data then
      v_characters := v_characters + coalesce(length(v_row.data::text), 0);
      v_documents[cardinality(v_documents)] := v_documents[cardinality(v_documents)]
        || jsonb_build_object('data', v_row.data);
    end if;
    p_after := v_row.seq;
  end loop;

  return jsonb_build_object('documents', to_jsonb(v_documents), 'next', null);
end;
$$;

comment on function public.parlant_list_failed_documents(text, text, bigint, boolean) is
'Failed documents of a Parlant document collection, page by page.';

revoke all on function public.parlant_list_failed_documents(text, text, bigint, boolean)
from public, anon, authenticated;
grant execute on function public.parlant_list_failed_documents(text, text, bigint, boolean)
to service_role;
-- <<<
-- >>> sql/functions/api/parlant_list_sessions.sql
-- purpose:          Reads sessions, ordered by (creation_utc, id), page by page.
-- p_prefix:         the store's table prefix
-- p_agent_id:       only sessions of this agent; NULL for all
-- p_customer_id:    only sessions of this customer; NULL for all
-- p_labels:         only sessions that have all of these labels; NULL for all
-- p_limit:          the most to return; NULL for all, 0 for an empty page
-- p_cursor:         {"creation_utc": text, "id": text}; only sessions strictly after it are returned
-- p_sort_direction: "asc" (also if NULL) or "desc"
-- returns:          {"items": [...], "total_count": int, "has_more": bool,
--                   "next_cursor": {"creation_utc", "id"} | null}; counted as parlant_find does
-- raises:           PD004 collection not found, PD008 invalid argument
-- example:          select public.parlant_list_sessions(
--                     'parlant_sessions_', p_customer_id => 'c1', p_labels => '{vip}', p_limit => 20);
create or replace function public.parlant_list_sessions(
  p_prefix text,
  p_agent_id text default null,
  p_customer_id text default null,
  p_labels text[] default null,
  p_limit bigint default null,
  p_cursor jsonb default null,
  p_sort_direction text default null
)
returns jsonb
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_filter jsonb := jsonb_strip_nulls(jsonb_build_object(
    'agent_id', case when p_agent_id is not null then jsonb_build_object('$eq', p_agent_id) end,
    'customer_id', case when p_customer_id is not null then jsonb_build_object('$eq', p_customer_id) end));
  v_where text := parlant_internal.compile_filter(v_filter, '{filter}');
begin
  if p_labels is not null then
    v_where := v_where || ' and d.data -> ''labels'' @> ($1 -> ''labels'')';
  end if;

  return parlant_internal.find_page(
    parlant_internal.table_of(p_prefix, 'sessions'),
    v_where,
    jsonb_build_object('filter', v_filter, 'labels', p_labels),
    p_limit,
    p_cursor,
    p_sort_direction);
end;
$$;

comment on function public.parlant_list_sessions(text, text, text, text[], bigint, jsonb, text) is
'Parlant sessions, page by page.';

revoke all on function public.parlant_list_sessions(text, text, text, text[], bigint, jsonb, text)
from public, anon, authenticated;
grant execute on function public.parlant_list_sessions(text, text, text, text[], bigint, jsonb, text)
to service_role;
-- <<<
-- >>> sql/functions/api/parlant_list_variables.sql
-- purpose:  Reads variables with their tags, ordered by (creation_utc, id).
-- p_prefix: the store's table prefix
-- p_tags:   only variables with any of these tags, or, if empty, without tags; NULL for all
-- returns:  {"items": [{"document": {...}, "tags": [...]}, ...]}
-- raises:   PD004 collection not found
-- example:  select public.parlant_list_variables('parlant_context_variables_', '{agent:a1}');
create or replace function public.parlant_list_variables(p_prefix text, p_tags text[] default null)
returns jsonb
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return jsonb_build_object(
    'items', parlant_internal.list_tagged(p_prefix, 'variable', p_tags, null, null, null) -> 'items');
end;
$$;

comment on function public.parlant_list_variables(text, text[]) is
'Parlant context variables with their tags.';

revoke all on function public.parlant_list_variables(text, text[])
from public, anon, authenticated;
grant execute on function public.parlant_list_variables(text, text[]) to service_role;
-- <<<
-- >>> sql/functions/api/parlant_open_store.sql
-- purpose:       Opens the collections of a store at once, creating what is missing, and reads the store's
--                metadata and, of each collection, the first documents that its loader has to see.
-- p_prefix:      the store's table prefix
-- p_collections: the collections' names, without metadata
-- p_version:     the store's version
-- returns:       {"metadata": [{...}, ...], "collections": {name: {...}, ...}}; metadata in order of
--                insertion, and of each collection what parlant_get_or_create_collection returns
-- raises:        PD006 invalid table name, PD007 table not ours
-- example:       select public.parlant_open_store('parlant_sessions_', '{sessions,events}', '0.9.0');
--
-- Tables that are there are adopted, which takes longer than a request may if they hold many rows.
create or replace function public.parlant_open_store(p_prefix text, p_collections text[], p_version text)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
set statement_timeout = '55s'
as $$
declare
  v_collection text;
  v_metadata jsonb;
  v_opened jsonb := '{}';
begin
  perform public.parlant_get_or_create_collection(p_prefix, 'metadata', p_version);
  execute format(
    'select coalesce(jsonb_agg(d.data order by d.seq), ''[]'') from %s as d',
    parlant_internal.table_of(p_prefix, 'metadata'))
  into v_metadata;

  foreach v_collection in array p_collections loop
    v_opened := v_opened || jsonb_build_object(
      v_collection, public.parlant_get_or_create_collection(p_prefix, v_collection, p_version));
  end loop;

  return jsonb_build_object('metadata', v_metadata, 'collections', v_opened);
end;
$$;

comment on function public.parlant_open_store(text, text[], text) is
'Opens the collections of a Parlant store at once.';

revoke all on function public.parlant_open_store(text, text[], text)
from public, anon, authenticated;
grant execute on function public.parlant_open_store(text, text[], text) to service_role;
-- <<<
-- >>> sql/functions/api/parlant_read_customer.sql
-- purpose:       Reads a customer with its tags.
-- p_prefix:      the store's table prefix
-- p_customer_id: the customer's id
-- returns:       {"document": {...} | null, "tags": [tag id, ...]}
-- raises:        PD004 collection not found
-- example:       select public.parlant_read_customer('parlant_customers_', 'c1');
create or replace function public.parlant_read_customer(p_prefix text, p_customer_id text)
returns jsonb
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return parlant_internal.read_tagged(p_prefix, 'customer', p_customer_id);
end;
$$;

comment on function public.parlant_read_customer(text, text) is
'A Parlant customer with its tags.';

revoke all on function public.parlant_read_customer(text, text)
from public, anon, authenticated;
grant execute on function public.parlant_read_customer(text, text) to service_role;
-- <<<
-- >>> sql/functions/api/parlant_read_event.sql
-- purpose:      Reads an event, if the session that it is asked for exists.
-- p_prefix:     the store's table prefix
-- p_session_id: the session's id
-- p_event_id:   the event's id
-- returns:      {"session_exists": bool, "document": {...} | null}
-- raises:       PD004 collection not found
-- example:      select public.parlant_read_event('parlant_sessions_', 's1', 'e1');
create or replace function public.parlant_read_event(p_prefix text, p_session_id text, p_event_id text)
returns jsonb
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_session_exists boolean;
  v_event jsonb;
begin
  execute format(
    'select exists (select from %s as s where s.id = $1), (select d.data from %s as d where d.id = $2)',
    parlant_internal.table_of(p_prefix, 'sessions'), parlant_internal.table_of(p_prefix, 'events'))
  into v_session_exists, v_event
  using p_session_id, p_event_id;

  return jsonb_build_object(
    'session_exists', v_session_exists,
    'document', case when v_session_exists then v_event end);
end;
$$;

comment on function public.parlant_read_event(text, text, text) is
'Reads an event of a Parlant session.';

revoke all on function public.parlant_read_event(text, text, text)
from public, anon, authenticated;
grant execute on function public.parlant_read_event(text, text, text) to service_role;
-- <<<
-- >>> sql/functions/api/parlant_read_variable.sql
-- purpose:       Reads a variable with its tags.
-- p_prefix:      the store's table prefix
-- p_variable_id: the variable's id
-- returns:       {"document": {...} | null, "tags": [tag id, ...]}
-- raises:        PD004 collection not found
-- example:       select public.parlant_read_variable('parlant_context_variables_', 'v1');
create or replace function public.parlant_read_variable(p_prefix text, p_variable_id text)
returns jsonb
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return parlant_internal.read_tagged(p_prefix, 'variable', p_variable_id);
end;
$$;

comment on function public.parlant_read_variable(text, text) is
'A Parlant context variable with its tags.';

revoke all on function public.parlant_read_variable(text, text)
from public, anon, authenticated;
grant execute on function public.parlant_read_variable(text, text) to service_role;
-- <<<
-- >>> sql/functions/api/parlant_remove_customer_tag.sql
-- purpose:       Takes a tag from a customer.
-- p_prefix:      the store's table prefix
-- p_customer_id: the customer's id
-- p_tag_id:      the tag's id
-- returns:       {"removed": bool, "document": {...} | null, "tags": [tag id, ...]}, the customer
--                after the change
-- raises:        PD004 collection not found
-- example:       select public.parlant_remove_customer_tag('parlant_customers_', 'c1', 'vip');
create or replace function public.parlant_remove_customer_tag(
  p_prefix text,
  p_customer_id text,
  p_tag_id text
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_removed boolean := parlant_internal.remove_tag(p_prefix, 'customer', p_customer_id, p_tag_id);
begin
  return jsonb_build_object('removed', v_removed)
    || parlant_internal.read_tagged(p_prefix, 'customer', p_customer_id);
end;
$$;

comment on function public.parlant_remove_customer_tag(text, text, text) is
'Takes a tag from a Parlant customer.';

revoke all on function public.parlant_remove_customer_tag(text, text, text)
from public, anon, authenticated;
grant execute on function public.parlant_remove_customer_tag(text, text, text) to service_role;
-- <<<
-- >>> sql/functions/api/parlant_remove_variable_tag.sql
-- purpose:       Takes a tag from a variable.
-- p_prefix:      the store's table prefix
-- p_variable_id: the variable's id
-- p_tag_id:      the tag's id
-- returns:       {"removed": bool, "document": {...} | null, "tags": [tag id, ...]}, the variable
--                after the change
-- raises:        PD004 collection not found
-- example:       select public.parlant_remove_variable_tag('parlant_context_variables_', 'v1', 'vip');
create or replace function public.parlant_remove_variable_tag(
  p_prefix text,
  p_variable_id text,
  p_tag_id text
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_removed boolean := parlant_internal.remove_tag(p_prefix, 'variable', p_variable_id, p_tag_id);
begin
  return jsonb_build_object('removed', v_removed)
    || parlant_internal.read_tagged(p_prefix, 'variable', p_variable_id);
end;
$$;

comment on function public.parlant_remove_variable_tag(text, text, text) is
'Takes a tag from a Parlant context variable.';

revoke all on function public.parlant_remove_variable_tag(text, text, text)
from public, anon, authenticated;
grant execute on function public.parlant_remove_variable_tag(text, text, text) to service_role;
-- <<<
-- >>> sql/functions/api/parlant_restore_failed_documents.sql
-- purpose:      Puts failed documents that a loader has converted after all where they belong, and takes them
--               out of the table of failed documents. Nothing newer is overwritten: a document that was
--               changed or deleted since it failed is left as it is.
-- p_prefix:     the store's table prefix
-- p_collection: the collection's name
-- p_documents:  [{"seq": int, "data": {...}}, ...], what the loader made of each failed document
-- p_version:    the store's version
-- returns:      {"outcomes": [{"seq": int, "outcome": text}, ...]}:
--               - restored: it was rejected, and is back in the collection
--               - replaced: it had stayed in the collection, where the converted one is now
--               - settled:  the collection has had it converted already
--               and, staying in the table of failed documents,
--               - occupied: the collection has another document of its id, or has changed it since
--               - deleted:  it had stayed in the collection, and has been deleted there since
--               one that is no longer in the table of failed documents has no outcome
-- raises:       PD002 invalid document, PD004 collection not found, PD008 invalid argument
-- example:      select public.parlant_restore_failed_documents(
--                 'parlant_sessions_', 'events',
--                 '[{"seq": 1, "data": {"id": "e1", "version": "0.9.0"}}]', '0.9.0');
create or replace function public.parlant_restore_failed_documents(
  p_prefix text,
  p_collection text,
  p_documents jsonb,
  p_version text
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_failed_table text := parlant_internal.failed_table_of(p_prefix, p_collection);
  v_entry jsonb;
  v_failed record;
  v_outcome text;
  v_outcomes jsonb[] := '{}';
begin
  perform parlant_internal.require_list(
    p_documents, 'documents', 'Write [{"seq": 1, "data": {...}}].');

  -- In one order, so that two calls at once wait for each other and not in a circle.
  for v_entry in
    select e.value from jsonb_array_elements(p_documents) as e order by (e.value ->> 'seq')::bigint
  loop
    execute format(
      'select f.seq, f.id, f.data, f.reason from %s as f where f.seq = $1 for update', v_failed_table)
    into v_failed
    using (v_entry ->> 'seq')::bigint;

    if v_failed.seq is null then
      continue;
    end if;

    v_outcome := parlant_internal.restore_document(
      parlant_internal.table_of(p_prefix, p_collection),
      v_failed.id,
      v_failed.data,
      starts_with(v_failed.reason, 'raised'),
      parlant_internal.read_document(v_entry -> 'data'),
      p_version);

    if v_outcome in ('restored', 'replaced', 'settled') then
      execute format('delete from %s as f where f.seq = $1', v_failed_table)
      using v_failed.seq;
    end if;

    v_outcomes := v_outcomes || jsonb_build_object('seq', v_failed.seq, 'outcome', v_outcome);
  end loop;

  return jsonb_build_object('outcomes', to_jsonb(v_outcomes));
end;
$$;

comment on function public.parlant_restore_failed_documents(text, text, jsonb, text) is
'Puts failed documents that could be converted after all back into a Parlant document collection.';

revoke all on function public.parlant_restore_failed_documents(text, text, jsonb, text)
from public, anon, authenticated;
grant execute on function public.parlant_restore_failed_documents(text, text, jsonb, text)
to service_role;
-- <<<
-- >>> sql/functions/api/parlant_save_loaded_documents.sql
-- purpose:      Stores what a loader made of a page of documents, and reads the next page. A document that
--               was changed or removed since it was read is left alone, and so is one that somebody is
--               changing now. Unless it has got to the store's version so, it comes again, as it is then,
--               with the next page.
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
-- raises:       PD002 invalid document, PD003 duplicate document, PD004 collection not found,
--               PD008 invalid argument
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
set search_path = pg_catalog, pg_temp
as $$
declare
  v_table text := parlant_internal.table_of(p_prefix, p_collection);
  v_failed text := parlant_internal.failed_table_of(p_prefix, p_collection);
  v_result jsonb;
  v_stored jsonb;
  v_version text;
  v_locked boolean;
  v_written integer;
  v_patience text := '';
  v_again jsonb[] := '{}';
  v_document jsonb;
  v_counts jsonb := '{"changed": 0, "rejected": 0, "raised": 0}';
  v_outcome text;
  v_page jsonb := '{"documents": [], "next": null}';
begin
  perform parlant_internal.require_list(
    p_results, 'results', 'Write [{"id": "...", "digest": "...", "outcome": "rejected"}].');

  for v_result in select r.value from jsonb_array_elements(p_results) as r loop
    execute format('select d.data, d.version from %s as d where d.id = $1 for update', v_table) || v_patience
    into v_stored, v_version
    using v_result ->> 'id';

    -- It waits for the first document alone. Who holds documents and waits for more may wait for somebody
    -- who waits for these.
    v_patience := ' skip locked';

    v_locked := v_stored is not null;
    if not v_locked then
      execute format('select d.data, d.version from %s as d where d.id = $1', v_table)
      into v_stored, v_version
      using v_result ->> 'id';
    end if;

    if not v_locked or md5(v_stored::text) is distinct from v_result ->> 'digest' then
      if v_stored is not null and v_version is distinct from p_version then
        v_again := v_again || jsonb_build_object(
          'id', v_result ->> 'id', 'digest', md5(v_stored::text), 'data', v_stored);
      end if;
      continue;
    end if;

    v_outcome := v_result ->> 'outcome';
    v_written := 1;
    if v_outcome = 'changed' then
      v_document := parlant_internal.read_document(v_result -> 'data');
      begin
        execute format('update %s as d set data = $2 where d.id = $1', v_table)
        using v_result ->> 'id', v_document;
        get diagnostics v_written = row_count;
      exception when unique_violation then
        -- With its id unchanged, it clashes in a unique index that ensure_indexes made.
        if v_document ->> 'id' = v_result ->> 'id' then
          raise;
        end if;

        raise exception using
          errcode = 'PD003',
          message = 'the loader gave a document the id of another',
          hint = 'Nothing of this page was changed. A loader has to keep ids apart.';
      end;
    elsif v_outcome in ('rejected', 'raised') then
      if v_outcome = 'rejected' then
        execute format('delete from %s as d where d.id = $1', v_table)
        using v_result ->> 'id';
        get diagnostics v_written = row_count;
      end if;

      -- Row level security may let the caller lock a document and not delete it. Then it has not moved.
      if v_written = 0 then
        continue;
      end if;

      execute format(
        'insert into %1$s (id, data, reason) select $1, $2, $3'
        ' where not exists (select from %1$s as f where f.id = $1 and f.data = $2)', v_failed)
      using
        v_result ->> 'id',
        v_stored,
        case v_outcome when 'raised' then 'raised: ' || (v_result ->> 'reason') else v_outcome end;
    else
      raise exception using
        errcode = 'PD008',
        message = format('unknown outcome %L', v_outcome),
        hint = 'The outcomes are changed, rejected and raised.';
    end if;

    v_counts := v_counts
      || jsonb_build_object(v_outcome, (v_counts ->> v_outcome)::integer + v_written);
  end loop;

  if p_after is not null then
    v_page := parlant_internal.page_to_load(v_table, p_version, p_after);
  end if;

  return v_counts || v_page
    || jsonb_build_object('documents', to_jsonb(v_again) || (v_page -> 'documents'));
end;
$$;

comment on function public.parlant_save_loaded_documents(text, text, jsonb, text, jsonb) is
'Stores what a loader made of a page of documents.';

revoke all on function public.parlant_save_loaded_documents(text, text, jsonb, text, jsonb)
from public, anon, authenticated;
grant execute on function public.parlant_save_loaded_documents(text, text, jsonb, text, jsonb)
to service_role;
-- <<<
-- >>> sql/functions/api/parlant_update_customer.sql
-- purpose:       Changes a customer: sets fields, and sets and removes keys of its extra. Changes to other
--                fields and keys at the same moment are kept.
-- p_prefix:      the store's table prefix
-- p_customer_id: the customer's id
-- p_params:      fields to set, such as the name; an extra here replaces the whole extra
-- p_set_extra:   keys of extra to set, with their values
-- p_unset_extra: keys of extra to remove; NULL for none
-- returns:       {"document": {...} | null, "tags": [tag id, ...]}, the customer after the change; null if
--                there is no such customer, or none that the caller may change
-- raises:        PD002 invalid document, PD004 collection not found
-- example:       select public.parlant_update_customer('parlant_customers_', 'c1', '{"name": "Anna"}');
create or replace function public.parlant_update_customer(
  p_prefix text,
  p_customer_id text,
  p_params jsonb default '{}',
  p_set_extra jsonb default '{}',
  p_unset_extra text[] default '{}'
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_updated integer;
begin
  execute format(
    'update %s as d set data = d.data || $2 || jsonb_build_object('
    '''extra'', parlant_internal.merged_object(''extra'', (d.data || $2) -> ''extra'', $3, $4))'
    ' where d.id = $1', parlant_internal.table_of(p_prefix, 'customers'))
  using
    p_customer_id,
    parlant_internal.read_document(p_params),
    parlant_internal.read_document(p_set_extra),
    p_unset_extra;
  get diagnostics v_updated = row_count;

  if v_updated = 0 then
    return '{"document": null, "tags": []}';
  end if;

  return parlant_internal.read_tagged(p_prefix, 'customer', p_customer_id);
end;
$$;

comment on function public.parlant_update_customer(text, text, jsonb, jsonb, text[]) is
'Changes a Parlant customer.';

revoke all on function public.parlant_update_customer(text, text, jsonb, jsonb, text[])
from public, anon, authenticated;
grant execute on function public.parlant_update_customer(text, text, jsonb, jsonb, text[])
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
set search_path = pg_catalog, pg_temp
as $$
declare
  v_table text := parlant_internal.table_of(p_prefix, p_collection);
  v_where text := parlant_internal.compile_filter(p_filters);
  v_params jsonb := parlant_internal.read_document(p_params);
  v_id text;
  v_missing text;
  v_document jsonb;
begin
  if v_params ? 'id' then
    -- It may have to wait for whoever writes the document of that id, and in a batch that may be somebody
    -- who waits for this call. So it takes its turn at that id, as parlant_execute() does, while it holds
    -- nothing.
    perform pg_advisory_xact_lock(hashtextextended(p_prefix || (v_params ->> 'id'), 0));
  end if;

  v_id := parlant_internal.lock_first_match(v_table, v_where, p_filters);

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

  v_document := parlant_internal.merge_document(v_table, v_id, v_params);

  -- A trigger of the user's own may have kept the document as it was.
  return jsonb_build_object(
    'matched_count', 1,
    'modified_count', case when v_document is null then 0 else 1 end,
    'updated_document', v_document);
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
-- >>> sql/functions/api/parlant_update_session_labels.sql
-- purpose:      Adds and removes labels of a session. Changes to other labels at the same moment are kept.
-- p_prefix:     the store's table prefix
-- p_session_id: the session's id
-- p_added:      labels to add where they are missing; NULL for none
-- p_removed:    labels to remove; NULL for none
-- returns:      {"document": {...} | null}, the session after the change
-- raises:       PD002 invalid document, PD004 collection not found
-- example:      select public.parlant_update_session_labels('parlant_sessions_', 's1', '{vip}');
create or replace function public.parlant_update_session_labels(
  p_prefix text,
  p_session_id text,
  p_added text[] default '{}',
  p_removed text[] default '{}'
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_document jsonb;
begin
  execute format(
    'update %s as d set data = d.data || jsonb_build_object('
    '''labels'', parlant_internal.changed_labels(d.data -> ''labels'', $2, $3))'
    ' where d.id = $1 returning d.data', parlant_internal.table_of(p_prefix, 'sessions'))
  into v_document
  using p_session_id, p_added, p_removed;

  return jsonb_build_object('document', v_document);
end;
$$;

comment on function public.parlant_update_session_labels(text, text, text[], text[]) is
'Adds and removes labels of a Parlant session.';

revoke all on function public.parlant_update_session_labels(text, text, text[], text[])
from public, anon, authenticated;
grant execute on function public.parlant_update_session_labels(text, text, text[], text[])
to service_role;
-- <<<
-- >>> sql/functions/api/parlant_update_session_metadata.sql
-- purpose:      Sets and removes keys of a session's metadata. Changes to other keys at the same moment are
--               kept.
-- p_prefix:     the store's table prefix
-- p_session_id: the session's id
-- p_set:        keys and values to set
-- p_unset:      keys to remove; NULL for none
-- returns:      {"document": {...} | null}, the session after the change
-- raises:       PD002 invalid document, PD004 collection not found
-- example:      select public.parlant_update_session_metadata('parlant_sessions_', 's1', '{"plan": "pro"}');
create or replace function public.parlant_update_session_metadata(
  p_prefix text,
  p_session_id text,
  p_set jsonb default '{}',
  p_unset text[] default '{}'
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_document jsonb;
begin
  execute format(
    'update %s as d set data = d.data || jsonb_build_object('
    '''metadata'', parlant_internal.merged_object(''metadata'', d.data -> ''metadata'', $2, $3))'
    ' where d.id = $1 returning d.data', parlant_internal.table_of(p_prefix, 'sessions'))
  into v_document
  using p_session_id, parlant_internal.read_document(p_set), p_unset;

  return jsonb_build_object('document', v_document);
end;
$$;

comment on function public.parlant_update_session_metadata(text, text, jsonb, text[]) is
'Sets and removes keys of a Parlant session''s metadata.';

revoke all on function public.parlant_update_session_metadata(text, text, jsonb, text[])
from public, anon, authenticated;
grant execute on function public.parlant_update_session_metadata(text, text, jsonb, text[])
to service_role;
-- <<<
-- >>> sql/functions/api/parlant_update_variable.sql
-- purpose:       Sets fields of a variable. Changes to other fields at the same moment are kept.
-- p_prefix:      the store's table prefix
-- p_variable_id: the variable's id
-- p_params:      fields and values to set
-- returns:       {"document": {...} | null, "tags": [tag id, ...]}, the variable after the change; null if
--                there is no such variable, or none that the caller may change
-- raises:        PD002 invalid document, PD004 collection not found
-- example:       select public.parlant_update_variable(
--                  'parlant_context_variables_', 'v1', '{"name": "plan"}');
create or replace function public.parlant_update_variable(
  p_prefix text,
  p_variable_id text,
  p_params jsonb
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_updated integer;
begin
  execute format(
    'update %s as d set data = d.data || $2 where d.id = $1',
    parlant_internal.table_of(p_prefix, 'variables'))
  using p_variable_id, parlant_internal.read_document(p_params);
  get diagnostics v_updated = row_count;

  if v_updated = 0 then
    return '{"document": null, "tags": []}';
  end if;

  return parlant_internal.read_tagged(p_prefix, 'variable', p_variable_id);
end;
$$;

comment on function public.parlant_update_variable(text, text, jsonb) is
'Sets fields of a Parlant context variable.';

revoke all on function public.parlant_update_variable(text, text, jsonb)
from public, anon, authenticated;
grant execute on function public.parlant_update_variable(text, text, jsonb) to service_role;
-- <<<
-- >>> sql/functions/api/parlant_upsert_customer_tag.sql
-- purpose:       Gives a customer a tag, unless it has it.
-- p_prefix:      the store's table prefix
-- p_association: the association to insert, with "customer_id" and "tag_id"
-- returns:       {"inserted": bool | null}; false if the customer has the tag, null if there is no such
--                customer
-- raises:        PD002 invalid document, PD003 duplicate document, PD004 collection not found
-- example:       select public.parlant_upsert_customer_tag(
--                  'parlant_customers_', '{"id": "a1", "customer_id": "c1", "tag_id": "vip"}');
create or replace function public.parlant_upsert_customer_tag(p_prefix text, p_association jsonb)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return jsonb_build_object(
    'inserted', parlant_internal.insert_tag(p_prefix, 'customer', p_association));
end;
$$;

comment on function public.parlant_upsert_customer_tag(text, jsonb) is
'Gives a Parlant customer a tag.';

revoke all on function public.parlant_upsert_customer_tag(text, jsonb)
from public, anon, authenticated;
grant execute on function public.parlant_upsert_customer_tag(text, jsonb) to service_role;
-- <<<
-- >>> sql/views/customer_overview.sql
-- purpose:         The customers, a row each, with their tags and sessions. Newest first is
--                  `order by creation_utc desc`, which reads an index.
-- customer_id:     text; the customer's id
-- name:            text; the customer's name
-- tags:            text[]; the ids of the customer's tags
-- metadata:        jsonb; what the application keeps with the customer
-- created_at:      timestamptz; since when there is the customer, NULL if creation_utc is no moment as
--                  Parlant writes them
-- sessions:        bigint; how many sessions the customer has
-- last_session_at: timestamptz; when the last of them began, NULL if there is none
-- creation_utc:    text; created_at as it is stored and indexed
-- privileges:      select for service_role; readers see what they may select in the tables themselves
-- example:         select c.name, c.tags, c.sessions from public.parlant_customer_overview as c
--                  where 'vip' = any (c.tags);
insert into parlant_internal.view_definitions (name, collections, comment, query)
values
(
  'customer_overview',
  '{customers,customer_tag_associations,sessions}',
  'Parlant customers, one per row, with their tags and how often they came.',
  $query$
    select
      c.id as customer_id,
      c.data ->> 'name' as name,
      array(
        select a.data ->> 'tag_id' from %3$s as a where a.customer_id = c.id order by a.seq
      ) as tags,
      c.data -> 'extra' as metadata,
      case when c.creation_utc ~ %1$L then c.creation_utc::timestamptz end as created_at,
      (select count(*) from %4$s as s where s.customer_id = c.id) as sessions,
      (
        select case when s.creation_utc ~ %1$L then s.creation_utc::timestamptz end
        from %4$s as s
        where s.customer_id = c.id
        order by s.creation_utc desc, s.id desc
        limit 1
      ) as last_session_at,
      c.creation_utc
    from %2$s as c
  $query$
)
on conflict (name) do update
  set collections = excluded.collections, comment = excluded.comment, query = excluded.query;
-- <<<
-- >>> sql/views/messages.sql
-- purpose:       The conversations: a row for each message that is not deleted. Oldest first within a session
--                is `order by event_offset`, newest first over all is `order by creation_utc desc`, which
--                reads an index.
-- session_id:    text; the session that the message is in
-- event_offset:  bigint; the message's place among the session's events, which are not all messages;
--                NULL if it is no integer of at most 18 digits
-- sent_at:       timestamptz; when it was sent, NULL if creation_utc is no moment as Parlant writes them
-- who:           text; the name of who sent it, as it was then
-- text:          text; what it says
-- source:        text; customer, customer_ui, ai_agent, human_agent, human_agent_on_behalf_of_ai_agent
--                or system
-- customer_id:   text; the session's customer
-- customer_name: text; the customer's name today
-- agent_id:      text; the session's agent
-- flagged:       boolean; whether moderation flagged it
-- tags:          text[]; what moderation flagged it for
-- trace_id:      text; what the logs call the turn that it belongs to
-- event_id:      text; the id of its event
-- creation_utc:  text; sent_at as it is stored and indexed
-- privileges:    select for service_role; readers see what they may select in the tables themselves
-- example:       select m.sent_at, m.who, m.text from public.parlant_messages as m
--                where m.session_id = 's1' order by m.event_offset;
insert into parlant_internal.view_definitions (name, collections, comment, query)
values
(
  'messages',
  '{events,sessions,customers}',
  'Messages of Parlant sessions, one per row: who said what and when.',
  $query$
    select
      e.session_id,
      case when (e.data -> 'offset')::text ~ '^-?[0-9]{1,18}(\.[0-9]+)?$'
        then (e.data -> 'offset')::bigint end as event_offset,
      case when e.creation_utc ~ %1$L then e.creation_utc::timestamptz end as sent_at,
      coalesce(nullif(e.data #>> '{data,participant,display_name}', ''), e.data ->> 'source') as who,
      e.data #>> '{data,message}' as text,
      e.data ->> 'source' as source,
      s.customer_id,
      coalesce(c.data ->> 'name', case s.customer_id when 'guest' then 'Guest' end) as customer_name,
      s.agent_id,
      coalesce(e.data #> '{data,flagged}' = 'true', false) as flagged,
      array(
        select t.tag
        from jsonb_array_elements_text(
          case jsonb_typeof(e.data #> '{data,tags}') when 'array' then e.data #> '{data,tags}' end
        ) as t (tag)
      ) as tags,
      e.data ->> 'trace_id' as trace_id,
      e.id as event_id,
      e.creation_utc
    from %2$s as e
    left join %3$s as s on s.id = e.session_id
    left join %4$s as c on c.id = s.customer_id
    where e.data ->> 'kind' = 'message' and e.data -> 'deleted' is distinct from 'true'
  $query$
)
on conflict (name) do update
  set collections = excluded.collections, comment = excluded.comment, query = excluded.query;
-- <<<
-- >>> sql/views/session_overview.sql
-- purpose:           The sessions, a row each, with what was said last. Newest first is
--                    `order by creation_utc desc`, which reads an index.
-- session_id:        text; the session's id
-- title:             text; its title
-- customer_id:       text; its customer
-- customer_name:     text; the customer's name today
-- agent_id:          text; its agent
-- mode:              text; auto, or manual while a person answers instead of the agent
-- labels:            text[]; its labels
-- metadata:          jsonb; what the application keeps with it
-- created_at:        timestamptz; when it began, NULL if creation_utc is no moment as Parlant writes them
-- messages:          bigint; how many messages it has, deleted ones not counted
-- first_message_at:  timestamptz; when the first of them was sent, NULL if there is none
-- last_message_at:   timestamptz; when the last of them was sent
-- last_message_from: text; the name of who sent that
-- last_message:      text; what that says
-- creation_utc:      text; created_at as it is stored and indexed
-- privileges:        select for service_role; readers see what they may select in the tables themselves
-- example:           select s.customer_name, s.messages, s.last_message
--                    from public.parlant_session_overview as s order by s.creation_utc desc limit 20;
insert into parlant_internal.view_definitions (name, collections, comment, query)
values
(
  'session_overview',
  '{sessions,events,customers}',
  'Parlant sessions, one per row: whose they are, how long, and what was said last.',
  -- Of a session's events one pass, and none at all when no column that needs it is asked for.
  $query$
    select
      s.id as session_id,
      s.data ->> 'title' as title,
      s.customer_id,
      coalesce(c.data ->> 'name', case s.customer_id when 'guest' then 'Guest' end) as customer_name,
      s.agent_id,
      s.data ->> 'mode' as mode,
      array(
        select l.label
        from jsonb_array_elements_text(
          case jsonb_typeof(s.data -> 'labels') when 'array' then s.data -> 'labels' end
        ) as l (label)
        order by l.label
      ) as labels,
      s.data -> 'metadata' as metadata,
      case when s.creation_utc ~ %1$L then s.creation_utc::timestamptz end as created_at,
      m.messages,
      case when m.first_utc ~ %1$L then m.first_utc::timestamptz end as first_message_at,
      case when m.last_utc ~ %1$L then m.last_utc::timestamptz end as last_message_at,
      coalesce(nullif(e.data #>> '{data,participant,display_name}', ''), e.data ->> 'source')
        as last_message_from,
      e.data #>> '{data,message}' as last_message,
      s.creation_utc
    from %2$s as s
    left join %4$s as c on c.id = s.customer_id
    left join lateral (
      select
        count(*) as messages,
        min(o.creation_utc) as first_utc,
        max(o.creation_utc) as last_utc,
        (array_agg(o.id order by o.creation_utc desc, o.id desc))[1] as last_id
      from %3$s as o
      where o.session_id = s.id
        and o.data ->> 'kind' = 'message' and o.data -> 'deleted' is distinct from 'true'
    ) as m on true
    left join %3$s as e on e.id = m.last_id
  $query$
)
on conflict (name) do update
  set collections = excluded.collections, comment = excluded.comment, query = excluded.query;
-- <<<
-- >>> sql/views/variable_overview.sql
-- purpose:       The values of context variables, a row each.
-- variable_name: text; the variable's name
-- key:           text; whom the value is for: a customer's id, tag:<id> for all who have a tag, or DEFAULT
-- customer_name: text; the name of the customer whose id the key is, NULL if it is none
-- value:         jsonb; the value
-- modified_at:   timestamptz; when it was written last, NULL if that is stored in another form than Parlant's
-- variable_id:   text; the variable's id
-- value_id:      text; the value's id
-- privileges:    select for service_role; readers see what they may select in the tables themselves
-- example:       select v.customer_name, v.value from public.parlant_variable_overview as v
--                where v.variable_name = 'plan';
insert into parlant_internal.view_definitions (name, collections, comment, query)
values
(
  'variable_overview',
  '{values,variables,customers}',
  'Values of Parlant context variables, one per row: of which variable, for whom.',
  $query$
    select
      v.data ->> 'name' as variable_name,
      x.data ->> 'key' as key,
      coalesce(c.data ->> 'name', case x.data ->> 'key' when 'guest' then 'Guest' end) as customer_name,
      x.data -> 'data' as value,
      case when x.data ->> 'last_modified' ~ %1$L then (x.data ->> 'last_modified')::timestamptz end
        as modified_at,
      x.data ->> 'variable_id' as variable_id,
      x.id as value_id
    from %2$s as x
    left join %3$s as v on v.id = x.data ->> 'variable_id'
    left join %4$s as c on c.id = x.data ->> 'key'
  $query$
)
on conflict (name) do update
  set collections = excluded.collections, comment = excluded.comment, query = excluded.query;
-- <<<
-- >>> sql/default_stores.sql
-- The views and tables of the three stores under their default prefixes, so that they stand in the dashboard
-- before the first agent starts. Other prefixes get theirs on first use, by the same function.
insert into parlant_internal.view_sets (prefix, session_prefix, customer_prefix, variable_prefix)
values (
  'parlant_',
  parlant_internal.default_prefix('parlant_', 'sessions'),
  parlant_internal.default_prefix('parlant_', 'customers'),
  parlant_internal.default_prefix('parlant_', 'context_variables')
)
on conflict (prefix) do nothing;

select
  parlant_internal.create_collection_tables(
    parlant_internal.default_prefix('parlant_', s.store), s.collection
  )
from parlant_internal.store_collections() as s;
-- <<<
-- >>> sql/make_views.sql
-- Brings every view to its definition. Runs in each migration, as that may have changed one.
select parlant_internal.make_views(s.prefix, null)
from parlant_internal.view_sets as s;
-- <<<
-- >>> sql/reload.sql
-- PostgREST learns of new functions. On a hosted project an event trigger says the same; elsewhere nothing
-- else would.
notify pgrst, 'reload schema';
-- <<<
