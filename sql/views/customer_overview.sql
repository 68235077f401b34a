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
create or replace function parlant_internal.customer_overview_definition(
  out name text,
  out collections text[],
  out comment text,
  out query text
)
language plpgsql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $function$
begin
  name := 'customer_overview';
  collections := '{customers,customer_tag_associations,sessions}';
  comment := 'Parlant customers, one per row, with their tags and how often they came.';
  query := $query$
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
  $query$;
end;
$function$;

comment on function parlant_internal.customer_overview_definition() is
'Definition of the view customer_overview.';

revoke all on function parlant_internal.customer_overview_definition() from public, anon, authenticated;
grant execute on function parlant_internal.customer_overview_definition() to service_role;
