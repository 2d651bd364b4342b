-- What is superseded is known by its time here: with superseded_by a planner without statistics would walk the
-- whole of the index that has only what is not.

-- name: visible_memories
select *
from agent_memories
where tenant = $1 and memory_id = any($3) and deleted_at is null
    and (agent_id = $2 or visibility = 'shared')
    and (expires_at is null or expires_at > now())
    and ($4 or superseded_at is null)

-- The version that was current at a moment is the last of before it; of a memory that was stored later, but tells
-- of before, it is the first.
-- name: memories_as_of
select
    m.memory_id, m.agent_id, m.kind, m.source_uri, m.source_symbol, m.source_line, m.session_id, m.sequence,
    m.occurred_at, m.created_at, m.times_stored, m.usefulness, m.usefulness_at, m.usefulness_evidence, past.*,
    case when m.superseded_at <= $4 then m.superseded_by end as superseded_by,
    case when m.superseded_at <= $4 then m.superseded_at end as superseded_at
from agent_memories m
cross join lateral (
    select version, content, metadata, tags, importance, visibility, expires_at, updated_at
    from (
        select m.version, m.content, m.metadata, m.tags, m.importance, m.visibility, m.expires_at, m.updated_at
        union all
        select
            v.version, v.content, v.metadata, v.tags, v.importance, v.visibility, v.expires_at, v.updated_at
        from memory_versions v
        where (v.memory_id, v.tenant) = (m.memory_id, m.tenant) and m.updated_at > $4
    ) as versions
    order by updated_at <= $4 desc, case when updated_at <= $4 then -version else version end
    limit 1
) as past
where m.memory_id = any($3::uuid[]) and m.tenant = $1 and m.deleted_at is null
    and coalesce(m.occurred_at, m.created_at) <= $4
    and (m.agent_id = $2 or (m.visibility = 'shared' and past.visibility = 'shared'))
    and (m.expires_at is null or m.expires_at > now())
    and (past.expires_at is null or past.expires_at > $4)
    and ($5 or m.superseded_at is null or m.superseded_at > $4)

-- The clock of who superseded a memory may have been ahead, so that it holds a little longer than it stays as it was.
-- name: changed_since
select
    c.memory_id,
    sum(past.bytes) over (order by c.updated_at desc, c.memory_id rows unbounded preceding) as bytes
from (
    select memory_id, tenant, version, content, metadata, updated_at
    from agent_memories
    where updated_at > $3::timestamptz - interval '1 hour' and version > 1 and tenant = $1 and deleted_at is null
        and (updated_at > $3 or superseded_at > $3)
        and (agent_id = $2 or visibility = 'shared')
        and coalesce(occurred_at, created_at) <= $3
    order by updated_at desc, memory_id
    limit $4
) as c
cross join lateral (
    select octet_length(content) + pg_column_size(metadata) as bytes
    from (
        select c.version, c.content, c.metadata, c.updated_at
        union all
        select v.version, v.content, v.metadata, v.updated_at
        from memory_versions v
        where (v.memory_id, v.tenant) = (c.memory_id, c.tenant) and c.updated_at > $3
    ) as versions
    order by updated_at <= $3 desc, case when updated_at <= $3 then -version else version end
    limit 1
) as past
order by c.updated_at desc, c.memory_id

-- name: vectors_of_contents
select k.memory_id, e.vector
from unnest($1::text[], $2::uuid[], $3::bytea[], $4::text[]) as k (tenant, memory_id, content_hash, model)
cross join lateral (
    select vector
    from memory_embeddings
    where (memory_id, tenant, model, content_hash) = (k.memory_id, k.tenant, k.model, k.content_hash)
    order by version desc
    limit 1
) e

-- One branch for each side in a session, and in a document: each is a walk along an index of its own.
-- name: neighbours
select m.memory_id as beside, side.memory_id, side.comes_before
from unnest($3::uuid[]) as k (memory_id)
join agent_memories m on m.memory_id = k.memory_id and m.tenant = $1
cross join lateral (
    (
        select n.memory_id, n.sequence, n.created_at, true as comes_before
        from agent_memories n
        where (n.session_id, n.agent_id, n.tenant) = (m.session_id, m.agent_id, m.tenant)
            and (n.sequence, n.created_at, n.memory_id) < (m.sequence, m.created_at, m.memory_id)
            and n.sequence is not null and n.deleted_at is null
            and coalesce(n.occurred_at, n.created_at) <= coalesce($5::timestamptz, 'infinity')
            and (n.superseded_at is null or n.superseded_at > coalesce($5::timestamptz, 'infinity'))
            and (n.agent_id = $2 or n.visibility = 'shared')
            and (n.expires_at is null or n.expires_at > now())
        order by n.sequence desc, n.created_at desc, n.memory_id desc
        limit $4
    )
    union all
    (
        select n.memory_id, n.sequence, n.created_at, false as comes_before
        from agent_memories n
        where (n.session_id, n.agent_id, n.tenant) = (m.session_id, m.agent_id, m.tenant)
            and (n.sequence, n.created_at, n.memory_id) > (m.sequence, m.created_at, m.memory_id)
            and n.sequence is not null and n.deleted_at is null
            and coalesce(n.occurred_at, n.created_at) <= coalesce($5::timestamptz, 'infinity')
            and (n.superseded_at is null or n.superseded_at > coalesce($5::timestamptz, 'infinity'))
            and (n.agent_id = $2 or n.visibility = 'shared')
            and (n.expires_at is null or n.expires_at > now())
        order by n.sequence, n.created_at, n.memory_id
        limit $4
    )
    union all
    (
        select n.memory_id, n.sequence, n.created_at, true as comes_before
        from agent_memories n
        where (md5(n.source_uri), n.agent_id, n.tenant) = (md5(m.source_uri), m.agent_id, m.tenant)
            and n.source_uri = m.source_uri and m.session_id is null and n.session_id is null
            and (n.sequence, n.created_at, n.memory_id) < (m.sequence, m.created_at, m.memory_id)
            and n.sequence is not null and n.deleted_at is null
            and coalesce(n.occurred_at, n.created_at) <= coalesce($5::timestamptz, 'infinity')
            and (n.superseded_at is null or n.superseded_at > coalesce($5::timestamptz, 'infinity'))
            and (n.agent_id = $2 or n.visibility = 'shared')
            and (n.expires_at is null or n.expires_at > now())
        order by n.sequence desc, n.created_at desc, n.memory_id desc
        limit $4
    )
    union all
    (
        select n.memory_id, n.sequence, n.created_at, false as comes_before
        from agent_memories n
        where (md5(n.source_uri), n.agent_id, n.tenant) = (md5(m.source_uri), m.agent_id, m.tenant)
            and n.source_uri = m.source_uri and m.session_id is null and n.session_id is null
            and (n.sequence, n.created_at, n.memory_id) > (m.sequence, m.created_at, m.memory_id)
            and n.sequence is not null and n.deleted_at is null
            and coalesce(n.occurred_at, n.created_at) <= coalesce($5::timestamptz, 'infinity')
            and (n.superseded_at is null or n.superseded_at > coalesce($5::timestamptz, 'infinity'))
            and (n.agent_id = $2 or n.visibility = 'shared')
            and (n.expires_at is null or n.expires_at > now())
        order by n.sequence, n.created_at, n.memory_id
        limit $4
    )
) as side
where m.deleted_at is null and (m.agent_id = $2 or m.visibility = 'shared')
order by side.sequence, side.created_at, side.memory_id

-- name: links
select m.memory_id, l.similarity, l.relation, l.reason
from (
    select other_id as memory_id, similarity, relation, reason
    from memory_links
    where memory_id = $3 and tenant = $1
    union all
    select memory_id, similarity, relation, reason
    from memory_links
    where other_id = $3 and tenant = $1
) as l
join agent_memories m on m.memory_id = l.memory_id and m.tenant = $1
where m.deleted_at is null
    and (m.agent_id = $2 or m.visibility = 'shared')
    and (m.expires_at is null or m.expires_at > now())
order by l.relation = 'similar', l.similarity desc, m.memory_id
limit 50

-- name: memory_history
select
    memory_id, version, content, metadata, tags, importance, visibility, expires_at, updated_at,
    superseded_by, superseded_at
from memory_versions
where tenant = $1 and memory_id = $2 and ($3 or visibility = 'shared')
order by version
