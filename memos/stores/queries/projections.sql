-- The name and generation come as columns too: as constants they would tempt the planner, on a table
-- without statistics, to walk the whole generation.

-- name: embedded_memories
select m.*, e.vector
from unnest($1::text[], $2::uuid[]) as k (tenant, memory_id)
join agent_memories m using (tenant, memory_id)
cross join lateral (
    select vector
    from memory_embeddings
    where (tenant, memory_id, model) = (m.tenant, m.memory_id, $3)
    order by version desc
    limit 1
) e
where m.deleted_at is null

-- name: mark_projected
update projections p
set version = k.version
from unnest($1::text[], $2::integer[], $3::text[], $4::uuid[], $5::integer[])
    as k (name, generation, tenant, record_id, version)
where (p.record_id, p.tenant, p.name, p.generation) = (k.record_id, k.tenant, k.name, k.generation)
    and p.wanted = k.version
returning p.tenant, p.record_id

-- name: unmark_projected
delete from projections p
using unnest($1::text[], $2::integer[], $3::text[], $4::uuid[])
    as k (name, generation, tenant, record_id)
where (p.record_id, p.tenant, p.name, p.generation) = (k.record_id, k.tenant, k.name, k.generation)
    and p.wanted is null

-- name: count_behind
select count(*) from projections where name = $1 and generation = $2 and wanted is distinct from version

-- name: forget_projected
update projections
set version = 0
where name = $1 and generation = $2 and version <> 0

-- name: some_behind
select tenant, record_id
from projections
where name = $1 and generation = $2 and wanted is distinct from version
limit $3

-- name: behind_among
select p.tenant, p.record_id
from projections p
join unnest($1::text[], $2::integer[], $3::text[], $4::uuid[])
    as k (name, generation, tenant, record_id) using (record_id, tenant, name, generation)
where p.wanted is distinct from p.version

-- name: current_generation
select generation, model, dimension from generations where projection = $1 and is_current

-- name: first_generation
insert into generations (projection, generation, model, dimension, is_current)
values ($1, 1, $2, $3, true)
on conflict do nothing
