-- name: get_tools
select
    t.tool_id, name, description, endpoint_url, request_schema, response_schema, required_capabilities, tags,
    examples, invocation, version, created_at, updated_at
from unnest($1::text[], $2::text[]) as k (tenant, tool_id)
join registered_tools t on (t.tenant, t.tool_id) = (k.tenant, k.tool_id)
where deregistered_at is null

-- name: page_of_tools
select
    tool_id, name, description, endpoint_url, request_schema, response_schema, required_capabilities, tags,
    examples, invocation, version, created_at, updated_at,
    octet_length(
        concat(description, request_schema, response_schema, required_capabilities, tags, examples, invocation)
    ) as bytes
from registered_tools
where tenant = $1 and tool_id > $2 and deregistered_at is null
    and (cardinality($3::text[]) = 0 or required_capabilities && $3)
    and required_capabilities @> $4::text[]
    and tags @> $5::text[]
    and (
        $6::text is null
        or strpos(lower(tool_id), lower($6)) > 0
        or strpos(lower(name), lower($6)) > 0
        or strpos(lower(description), lower($6)) > 0
    )
order by tool_id
limit $7

-- name: reports_of_tools
select
    r.tool_id, r.agent_id, successes, failures, judged, plausible, latencies, latency_ms, last_error,
    last_error_at, last_outcome_at
from unnest($1::text[], $2::text[]) as k (tenant, tool_id)
join tool_reports r on (r.tool_id, r.tenant) = (k.tool_id, k.tenant)

-- The update changes nothing; it locks the row until commit.
-- name: lock_catalogs
insert into tool_catalogs as c (tenant, revision)
select tenant, 0
from unnest($1::text[]) as k (tenant)
order by tenant
on conflict (tenant) do update set revision = c.revision
returning tenant, revision

-- name: advance_catalogs
update tool_catalogs c
set revision = revision + 1
from unnest($1::text[]) as k (tenant)
where c.tenant = k.tenant

-- What differs from its draft, or is a tombstone, has a new version.
-- name: write_tools
with drafts as (
    select *
    from unnest(
        $1::text[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::json[], $8::json[],
        $9::text[], $10::text[], $11::text[], $12::jsonb[]
    ) as d (
        tenant, tool_id, revision, name, description, endpoint_url, request_schema, response_schema,
        required_capabilities, tags, examples, invocation
    )
),
former as (
    select tenant, tool_id, t.version
    from drafts join registered_tools t using (tenant, tool_id)
    where t.deregistered_at is null
),
written as (
    insert into registered_tools as t (
        tenant, tool_id, revision, name, description, endpoint_url, request_schema, response_schema,
        required_capabilities, tags, examples, invocation, created_at, updated_at
    )
    select
        tenant, tool_id, revision, name, description, endpoint_url, request_schema, response_schema,
        array(select jsonb_array_elements_text(required_capabilities::jsonb)),
        array(select jsonb_array_elements_text(tags::jsonb)),
        array(select jsonb_array_elements_text(examples::jsonb)),
        invocation, now(), now()
    from drafts
    order by tenant, tool_id
    on conflict (tenant, tool_id) do update
    set version = t.version + 1,
        revision = excluded.revision,
        name = excluded.name,
        description = excluded.description,
        endpoint_url = excluded.endpoint_url,
        request_schema = excluded.request_schema,
        response_schema = excluded.response_schema,
        required_capabilities = excluded.required_capabilities,
        tags = excluded.tags,
        examples = excluded.examples,
        invocation = excluded.invocation,
        created_at = case when t.deregistered_at is null then t.created_at else now() end,
        updated_at = now(),
        deregistered_at = null
    where t.deregistered_at is not null
        or (
            t.name, t.description, t.endpoint_url, t.request_schema::text, t.response_schema::text,
            t.required_capabilities, t.tags, t.examples, t.invocation
        ) is distinct from (
            excluded.name, excluded.description, excluded.endpoint_url, excluded.request_schema::text,
            excluded.response_schema::text, excluded.required_capabilities, excluded.tags, excluded.examples,
            excluded.invocation
        )
    returning tenant, tool_id, version
)
select
    tenant, tool_id, coalesce(w.version, f.version) as version,
    case
        when w.version is null then 'unchanged'
        when f.version is null then 'registered'
        else 'updated'
    end as status
from drafts
left join written w using (tenant, tool_id)
left join former f using (tenant, tool_id)

-- name: bury_tool
update registered_tools
set name = '', description = '', endpoint_url = null, request_schema = null, response_schema = null,
    required_capabilities = '{}', tags = '{}', examples = '{}', invocation = '{"kind": "http"}',
    revision = $3, updated_at = now(), deregistered_at = now()
where tenant = $1 and tool_id = $2 and deregistered_at is null
returning version

-- name: forget_reports
delete from tool_reports where tool_id = $2 and tenant = $1

-- name: forget_evidence
delete from tool_evidence
where tool_id = $2 and tenant = $1
returning tenant, content_hash

-- name: forget_sayings
delete from tool_sayings s
using unnest($1::text[], $2::text[]) as k (tenant, tool_id)
where (s.tool_id, s.tenant) = (k.tool_id, k.tenant)
returning s.tenant, s.content_hash

-- name: keep_sayings
insert into tool_sayings (tenant, tool_id, content_hash)
select * from unnest($1::text[], $2::text[], $3::bytea[])
on conflict do nothing

-- name: keep_texts
insert into tool_texts (tenant, content_hash, text)
select * from unnest($1::text[], $2::bytea[], $3::text[])
on conflict do nothing

-- Of texts that are there alone: whoever deletes one meanwhile is waited for.
-- name: keep_text_vectors
with texts as (
    select t.tenant, t.content_hash, k.model, k.vector
    from unnest($1::text[], $2::bytea[], $3::text[], $4::bytea[]) as k (tenant, content_hash, model, vector)
    join tool_texts t on (t.content_hash, t.tenant) = (k.content_hash, k.tenant)
    order by t.content_hash, t.tenant
    for key share of t
)
insert into tool_vectors (tenant, content_hash, model, dimension, vector)
select tenant, content_hash, model, octet_length(vector) / 4, vector
from texts
on conflict do nothing

-- name: delete_unused_texts
delete from tool_texts t
using unnest($1::text[], $2::bytea[]) as k (tenant, content_hash)
where (t.content_hash, t.tenant) = (k.content_hash, k.tenant)
    and not exists (select from tool_sayings s where (s.content_hash, s.tenant) = (t.content_hash, t.tenant))
    and not exists (select from tool_evidence e where (e.content_hash, e.tenant) = (t.content_hash, t.tenant))

-- name: known_text_vectors
select v.tenant, v.content_hash, v.vector
from unnest($2::text[], $3::bytea[]) as k (tenant, content_hash)
join tool_vectors v on (v.content_hash, v.tenant, v.model) = (k.content_hash, k.tenant, $1)

-- name: read_texts
select t.content_hash, t.text, v.vector
from unnest($2::text[], $3::bytea[]) as k (tenant, content_hash)
join tool_texts t on (t.content_hash, t.tenant) = (k.content_hash, k.tenant)
left join tool_vectors v on (v.content_hash, v.tenant, v.model) = (t.content_hash, t.tenant, $1)

-- name: unembedded_texts
select tenant, content_hash, text
from tool_texts t
where (content_hash, tenant) > ($3, $4)
    and not exists (
        select
        from tool_vectors v
        where (v.content_hash, v.tenant, v.model) = (t.content_hash, t.tenant, $1)
    )
order by content_hash, tenant
limit $2

-- name: count_unembedded_texts
select count(*)
from tool_texts t
where not exists (
    select
    from tool_vectors v
    where (v.content_hash, v.tenant, v.model) = (t.content_hash, t.tenant, $1)
)
