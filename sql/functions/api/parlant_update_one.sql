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
--                    PD004 collection not found, PD009 incomplete document; in a batch, 55P03 lock not
--                    available if the filter names no id and another call holds the document
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
  v_params jsonb := parlant_internal.read_document(p_params);
  v_id text;
  v_missing text;
  v_document jsonb;
begin
  v_id := parlant_internal.lock_first_match(v_table, p_filters, v_params ->> 'id');

  -- Upserts with the same filter take turns, so that the second finds the document of the first. If the
  -- filter names an id, they have done so already.
  if v_id is null and p_upsert and parlant_internal.named_id(p_filters) is null then
    perform parlant_internal.lock_upsert(v_table, p_filters);
    v_id := parlant_internal.lock_first_match(v_table, p_filters, v_params ->> 'id');
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
      v_id := parlant_internal.lock_first_match(v_table, p_filters, v_params ->> 'id');
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
