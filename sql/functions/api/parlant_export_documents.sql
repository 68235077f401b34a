-- purpose:      Reads all documents of a collection in order of insertion, by (seq, id), page by page, as the
--               database keeps them, to the digit. A page ends at 500 documents or past 4 MB. A document that
--               is changed between two pages comes as it is when its page is read.
-- p_prefix:     the store's table prefix
-- p_collection: the collection's name
-- p_after:      "next" of the page before, or NULL for the first
-- returns:      {"documents": [text, ...], "next": {"seq": int, "id": text} | null}; each document as its
--               JSON text
-- raises:       PD004 collection not found
-- example:      select public.parlant_export_documents('parlant_sessions_', 'events');
create or replace function public.parlant_export_documents(
  p_prefix text,
  p_collection text,
  p_after jsonb default null
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
    ' select p.seq, p.id, p.data from versions as v cross join lateral ('
    'select d.seq, d.id, d.data from %1$s as d where d.version = v.version and %2$s'
    ' order by d.seq, d.id limit $2) as p'
    ' order by p.seq, p.id limit $2',
    parlant_internal.table_of(p_prefix, p_collection),
    case
      when p_after is null then 'true'
      else '(d.seq, d.id) > (($1 -> ''seq'')::bigint, $1 ->> ''id'')'
    end)
  using p_after, c_max_documents + 1
  loop
    if cardinality(v_documents) = c_max_documents or v_characters > c_max_characters then
      return jsonb_build_object('documents', to_jsonb(v_documents), 'next', p_after);
    end if;

    v_text := v_row.data::text;
    v_documents := v_documents || v_text;
    v_characters := v_characters + length(v_text);
    p_after := jsonb_build_object('seq', v_row.seq, 'id', v_row.id);
  end loop;

  return jsonb_build_object('documents', to_jsonb(v_documents), 'next', null);
end;
$$;

comment on function public.parlant_export_documents(text, text, jsonb) is
'All documents of a Parlant document collection as JSON text, page by page.';

revoke all on function public.parlant_export_documents(text, text, jsonb)
from public, anon, authenticated;
grant execute on function public.parlant_export_documents(text, text, jsonb) to service_role;
