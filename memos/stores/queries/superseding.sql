-- name: lock_superseded
select
    memory_id, visibility, superseded_by, occurred_at,
    deleted_at is null
    and (agent_id = $2 or visibility = 'shared')
    and (expires_at is null or expires_at > now()) as visible
from agent_memories
where memory_id = any($3::uuid[]) and tenant = $1
order by memory_id
for update

-- The last of those that have superseded each memory, one after the other, unless that one is gone.
-- name: newest_memories
with recursive later as (
    select memory_id as first, memory_id, superseded_by, deleted_at, expires_at
    from agent_memories
    where memory_id = any($2::uuid[]) and tenant = $1
    union all
    select l.first, m.memory_id, m.superseded_by, m.deleted_at, m.expires_at
    from later l
    join agent_memories m on m.memory_id = l.superseded_by and m.tenant = $1
)
select first, memory_id as newest
from later
where superseded_by is null and deleted_at is null and (expires_at is null or expires_at > now())

-- One that was superseded by a memory, and has changed thereby since that was stored.
-- name: shared_before
select memory_id
from agent_memories
where updated_at >= $3 and version > 1 and tenant = $1 and deleted_at is null
    and superseded_by = $2 and visibility = 'shared'
    and (expires_at is null or expires_at > now())
limit 1

-- What was superseded before, by one that is gone, was so from then on.
-- name: supersede_memories
with changed as (
    update agent_memories
    set superseded_by = $2, superseded_at = least(superseded_at, coalesce($4, now())),
        version = version + 1, updated_at = now()
    where memory_id = any($3::uuid[]) and tenant = $1
    returning *
),
noted as (
    insert into facts (tenant, type, record_id, version, data)
    select
        tenant, 'memos.memory.superseded.v1', memory_id, version,
        jsonb_build_object(
            'memory_id', memory_id, 'version', version, 'agent_id', agent_id, 'visibility', visibility,
            'kind', kind, 'session_id', session_id, 'superseded_by', superseded_by
        )
    from changed
    order by memory_id
)
update projections p
set wanted = changed.version
from changed
where (p.name, p.tenant, p.record_id) = ('memories', changed.tenant, changed.memory_id)
