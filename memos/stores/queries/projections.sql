-- The name and generation come as columns too: as constants they would tempt the planner, on a table
-- without statistics, to walk the whole generation.

-- name: embedded_memories
-- A vector holds for the versions that say what it was made from.
select m.*, e.vector
from unnest($1::text[], $2::uuid[]) as k (tenant, memory_id)
join agent_memories m using (tenant, memory_id)
left join lateral (
    select vector
    from memory_embeddings
    where (tenant, memory_id, model) = (m.tenant, m.memory_id, $3)
        and content_hash = m.content_hash and dimension = $4
    order by version desc
    limit 1
) e on true
where m.deleted_at is null

-- name: add_embeddings
with live as (
    select m.tenant, m.memory_id, m.version, k.model, k.vector, k.content_hash, k.computed
    from unnest($1::text[], $2::uuid[], $3::bytea[], $4::text[], $5::bytea[], $6::boolean[])
        as k (tenant, memory_id, content_hash, model, vector, computed)
    join agent_memories m using (tenant, memory_id)
    where m.deleted_at is null and m.content_hash = k.content_hash
    order by m.memory_id, m.tenant
    for share of m
)
insert into memory_embeddings as e (
    tenant, memory_id, version, model, dimension, vector, content_hash, computed
)
select tenant, memory_id, version, model, octet_length(vector) / 4, vector, content_hash, computed
from live
on conflict (memory_id, tenant, version, model) do update
set dimension = excluded.dimension, vector = excluded.vector,
    content_hash = excluded.content_hash, computed = excluded.computed
where (e.dimension, e.content_hash) is distinct from (excluded.dimension, excluded.content_hash)

-- name: mark_projected
update projections p
set version = k.version
from unnest($1::text[], $2::integer[], $3::text[], $4::uuid[], $5::integer[])
    as k (name, generation, tenant, record_id, version)
where (p.record_id, p.tenant, p.name, p.generation) = (k.record_id, k.tenant, k.name, k.generation)
    and p.wanted = k.version
returning p.tenant, p.record_id

-- name: unmark_projected
-- Whoever buries a memory may not see a row that is enrolled at the same time, and leaves it as it is.
delete from projections p
using unnest($1::text[], $2::integer[], $3::text[], $4::uuid[])
    as k (name, generation, tenant, record_id)
where (p.record_id, p.tenant, p.name, p.generation) = (k.record_id, k.tenant, k.name, k.generation)
    and (
        p.wanted is null
        or not exists (
            select from agent_memories m
            where (m.memory_id, m.tenant) = (p.record_id, p.tenant) and m.deleted_at is null
        )
    )

-- name: count_behind
select count(*) from projections where name = $1 and generation = $2 and wanted is distinct from version

-- name: count_live
select count(*) from agent_memories where deleted_at is null

-- name: forget_some
with page as (
    select record_id, tenant
    from projections
    where (record_id, tenant) > ($3, $4) and name = $1 and generation = $2
    order by record_id, tenant
    limit $5
),
forgotten as (
    update projections p
    set version = 0
    from page
    where (p.record_id, p.tenant, p.name, p.generation) = (page.record_id, page.tenant, $1, $2)
        and p.version <> 0
)
select tenant, record_id from page order by record_id desc, tenant desc limit 1

-- name: some_behind
select tenant, record_id
from projections
where name = $1 and generation = $2 and wanted is distinct from version and (record_id, tenant) > ($3, $4)
order by record_id, tenant
limit $5

-- name: some_buried
select tenant, record_id
from projections
where name = $1 and generation = $2 and wanted is null
    and (record_id, tenant) > ($3, $4)
order by record_id, tenant
limit $5

-- name: behind_among
select p.tenant, p.record_id
from projections p
join unnest($1::text[], $2::integer[], $3::text[], $4::uuid[])
    as k (name, generation, tenant, record_id) using (record_id, tenant, name, generation)
where p.wanted is distinct from p.version

-- name: accounts
select
    k.tenant, k.record_id, m.version, m.content_hash,
    case
        when p.record_id is null or p.wanted is distinct from m.version then 'unaccounted'
        when p.wanted is distinct from p.version then 'behind'
        else 'settled'
    end as standing
from unnest($1::text[], $2::integer[], $3::text[], $4::uuid[])
    as k (name, generation, tenant, record_id)
left join agent_memories m
    on (m.memory_id, m.tenant) = (k.record_id, k.tenant) and m.deleted_at is null
left join projections p
    on (p.record_id, p.tenant, p.name, p.generation) = (k.record_id, k.tenant, k.name, k.generation)
where m.memory_id is not null or p.record_id is not null

-- name: some_accounts
with live as (
    select tenant, memory_id, version, content_hash
    from agent_memories
    where (memory_id, tenant) > ($3, $4) and deleted_at is null
    order by memory_id, tenant
    limit $5
)
select
    m.tenant, m.memory_id as record_id, m.version, m.content_hash,
    case
        when p.record_id is null or p.wanted is distinct from m.version then 'unaccounted'
        when p.wanted is distinct from p.version then 'behind'
        else 'settled'
    end as standing
from live m
left join projections p on (p.record_id, p.tenant, p.name, p.generation) = (m.memory_id, m.tenant, $1, $2)
order by m.memory_id, m.tenant

-- name: enrol
-- The rows are locked so that whoever changes or buries a memory finds it enrolled.
with live as (
    select tenant, memory_id, version
    from agent_memories
    where (memory_id, tenant) > ($3, $4) and deleted_at is null
    order by memory_id, tenant
    limit $5
    for share
),
enrolled as (
    insert into projections (name, generation, tenant, record_id, wanted)
    select $1, $2, tenant, memory_id, version
    from live
    on conflict do nothing
)
select tenant, memory_id, count(*) over () from live order by memory_id desc, tenant desc limit 1

-- name: enrol_again
with live as (
    select k.name, k.generation, m.tenant, m.memory_id, m.version
    from unnest($1::text[], $2::integer[], $3::text[], $4::uuid[])
        as k (name, generation, tenant, memory_id)
    join agent_memories m using (tenant, memory_id)
    where m.deleted_at is null
    order by m.memory_id, m.tenant
    for share of m
)
insert into projections (name, generation, tenant, record_id, wanted)
select name, generation, tenant, memory_id, version
from live
on conflict (record_id, tenant, name, generation) do update set wanted = excluded.wanted, version = 0
