-- purpose:  Reads the tags of customers or of variables.
-- p_prefix: the store's table prefix
-- p_kind:   'customer' or 'variable'
-- p_ids:    JSON array of their ids
-- returns:  {id: [tag id, ...]} in the order of the tags' associations; an id without tags is left out
-- raises:   PD004 collection not found
create or replace function parlant_internal.tags_of(p_prefix text, p_kind text, p_ids jsonb)
returns jsonb
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  v_filter jsonb := jsonb_build_object(p_kind || '_id', jsonb_build_object('$in', p_ids));
  v_tags jsonb;
begin
  execute format(
    'select coalesce(jsonb_object_agg(t.owner, t.tags), ''{}'') from ('
    'select d.data ->> %L as owner, jsonb_agg(d.data -> ''tag_id'' order by d.creation_utc, d.id) as tags'
    ' from %s as d where %s group by d.data ->> %1$L'
    ') as t',
    p_kind || '_id',
    parlant_internal.table_of(p_prefix, p_kind || '_tag_associations'),
    parlant_internal.compile_filter(v_filter))
  into v_tags
  using v_filter;

  return v_tags;
end;
$$;

comment on function parlant_internal.tags_of(text, text, jsonb) is
'Tags of customers or variables by their ids.';

revoke all on function parlant_internal.tags_of(text, text, jsonb)
from public, anon, authenticated;
grant execute on function parlant_internal.tags_of(text, text, jsonb) to service_role;
