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
  v_is_copied boolean;
  v_page jsonb := '{"documents": [], "next": null}';
begin
  perform parlant_internal.require_list(
    p_results, 'results', 'Write [{"id": "...", "digest": "...", "outcome": "rejected"}].', 5000);

  perform parlant_internal.lock_bulk_write(v_table);
  -- A document that gets another id may have to wait for a document of that id.
  perform parlant_internal.lock_keys(array(
    select parlant_internal.document_key(v_table, d.data ->> 'id')
    from (
      select
        r.value ->> 'id' as id,
        parlant_internal.read_document(r.value -> 'data') as data
      from jsonb_array_elements(p_results) as r
      where r.value ->> 'outcome' = 'changed'
    ) as d
    where d.data ->> 'id' <> d.id));

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

      execute format('select exists (select from %s as f where f.id = $1 and f.data = $2)', v_failed)
      into v_is_copied
      using v_result ->> 'id', v_stored;
      if not v_is_copied then
        perform parlant_internal.insert_failed_document(
          v_failed,
          v_result ->> 'id',
          v_stored,
          case v_outcome when 'raised' then 'raised: ' || (v_result ->> 'reason') else v_outcome end,
          null);
      end if;
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
