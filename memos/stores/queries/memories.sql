-- name: handled_commands
select c.tenant, c.source, c.command_id
from commands c
join unnest($1::text[], $2::text[], $3::text[]) as k (tenant, source, command_id)
    using (tenant, source, command_id)

-- name: recorded_commands
select c.tenant, c.source, c.command_id, c.digest, c.reply
from commands c
join unnest($1::text[], $2::text[], $3::text[]) as k (tenant, source, command_id)
    using (tenant, source, command_id)

-- name: claim_commands
insert into commands (tenant, source, command_id, digest, reply)
select * from unnest($1::text[], $2::text[], $3::text[], $4::bytea[], $5::jsonb[])
order by 1, 2, 3
on conflict do nothing
returning tenant, source, command_id

-- The update changes nothing; it lets the row be returned that was there first.
-- name: claim_batches
insert into commands as c (tenant, source, command_id, digest, reply)
select tenant, source, command_id, digest, '{}'
from unnest($1::text[], $2::text[], $3::text[], $4::bytea[]) as k (tenant, source, command_id, digest)
order by tenant, source, command_id
on conflict (command_id, source, tenant) do update set digest = c.digest
returning tenant, source, command_id, digest, digest = '' and reply = '{}' as purged

-- Items that were recorded without their batch, by version 0.1 or as commands of their own. Where a purge has
-- emptied one, the batch that has been taken with a hash of the same text since is emptied too.
-- name: join_batches
with items as (
    update commands c
    set reply = c.reply || jsonb_build_object('batch', k.batch)
    from unnest($1::text[], $2::text[], $3::text[], $4::text[]) as k (tenant, source, command_id, batch)
    where (c.tenant, c.source, c.command_id) = (k.tenant, k.source, k.command_id)
    returning c.tenant, c.source, k.batch, c.digest
)
update commands b
set digest = ''
from (select distinct tenant, source, batch from items where digest = '') as e
where (b.tenant, b.source, b.command_id) = (e.tenant, e.source, e.batch) and b.reply = '{}' and b.digest <> ''

-- name: release_commands
delete from commands c
using unnest($1::text[], $2::text[], $3::text[]) as k (tenant, source, command_id)
where (c.tenant, c.source, c.command_id) = (k.tenant, k.source, k.command_id)

-- name: correct_replies
update commands c
set reply = k.reply
from unnest($1::text[], $2::text[], $3::text[], $4::jsonb[]) as k (tenant, source, command_id, reply)
where (c.tenant, c.source, c.command_id) = (k.tenant, k.source, k.command_id)

-- name: known_vectors
select k.tenant, k.content_hash, e.vector
from unnest($2::text[], $3::bytea[]) as k (tenant, content_hash)
cross join lateral (
    select vector
    from memory_embeddings
    where (content_hash, tenant, model) = (k.content_hash, k.tenant, $1) and computed
    limit 1
) e

-- name: draw_sequences
insert into session_sequences as s (tenant, agent_id, session_id, last)
select * from unnest($1::text[], $2::text[], $3::text[], $4::integer[])
order by 1, 2, 3
on conflict (tenant, agent_id, session_id) do update set last = s.last + excluded.last + 1
returning tenant, agent_id, session_id, last

-- name: raise_sequences
insert into session_sequences as s (tenant, agent_id, session_id, last)
select * from unnest($1::text[], $2::text[], $3::text[], $4::integer[])
order by 1, 2, 3
on conflict (tenant, agent_id, session_id) do update set last = greatest(s.last, excluded.last)

-- Where one place is above $4, which leaves no room after it, it is the last of those that do.
-- name: last_place
select coalesce(
    (
        select last
        from session_sequences
        where (session_id, agent_id, tenant) = ($3, $2, $1) and last <= $4
    ),
    (
        select sequence
        from agent_memories
        where (session_id, agent_id, tenant) = ($3, $2, $1) and sequence <= $4 and deleted_at is null
        order by sequence desc
        limit 1
    ),
    0
)

-- name: insert_memories
with drafts as (
    select *
    from unnest(
        $1::text[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bytea[], $8::bytea[],
        $9::jsonb[], $10::text[], $11::double precision[], $12::text[], $13::text[], $14::integer[],
        $15::text[], $16::integer[], $17::timestamptz[], $18::timestamptz[],
        $19::text[], $20::bytea[], $21::boolean[]
    ) with ordinality as d (
        tenant, memory_id, agent_id, visibility, kind, content, content_hash, duplicate_key,
        metadata, tags, importance, source_uri, source_symbol, source_line,
        session_id, sequence, occurred_at, expires_at,
        model, vector, computed, place
    )
),
stored as (
    insert into agent_memories (
        tenant, memory_id, agent_id, visibility, kind, content, content_hash, duplicate_key,
        metadata, tags, importance, source_uri, source_symbol, source_line,
        session_id, sequence, occurred_at, expires_at
    )
    select
        tenant, memory_id, agent_id, visibility, kind, content, content_hash, duplicate_key,
        metadata, array(select jsonb_array_elements_text(tags::jsonb)), importance, source_uri, source_symbol,
        source_line, session_id, sequence, occurred_at, expires_at
    from drafts
    order by tenant, duplicate_key, place
    on conflict do nothing
    returning tenant, memory_id, version, created_at
),
embedded as (
    insert into memory_embeddings (
        tenant, memory_id, version, model, dimension, vector, content_hash, computed
    )
    select tenant, memory_id, version, model, octet_length(vector) / 4, vector, content_hash, computed
    from stored join drafts using (tenant, memory_id)
),
noted as (
    insert into facts (tenant, type, record_id, version, data)
    select
        tenant, 'memos.memory.stored.v1', memory_id, version,
        jsonb_build_object(
            'memory_id', memory_id, 'version', version, 'agent_id', agent_id,
            'visibility', visibility, 'kind', kind, 'session_id', session_id
        )
    from stored join drafts using (tenant, memory_id)
    order by place
),
awaited as (
    insert into projections (name, generation, tenant, record_id, wanted)
    select g.projection, g.generation, tenant, memory_id, version
    from stored cross join generations g
    where g.projection = 'memories' and g.dropped_at is null
)
select tenant, memory_id, version, created_at from stored

-- name: find_obstacles
select
    d.ordinality::integer - 1 as draft,
    same.memory_id is not null as taken,
    same.version as version,
    coalesce(same.duplicate_key = d.duplicate_key, false) as repeated,
    same.deleted_at is not null or coalesce(same.expires_at <= now(), false) as gone,
    twin.memory_id as twin_id,
    twin.version as twin_version,
    coalesce(twin.expires_at <= now(), false) as twin_expired
from unnest($1::text[], $2::uuid[], $3::bytea[])
    with ordinality as d (tenant, memory_id, duplicate_key, ordinality)
left join agent_memories same on (same.tenant, same.memory_id) = (d.tenant, d.memory_id)
left join agent_memories twin
    on (twin.tenant, twin.duplicate_key) = (d.tenant, d.duplicate_key)
    and twin.deleted_at is null and twin.superseded_by is null
order by d.ordinality

-- name: count_again
update agent_memories m
set times_stored = times_stored + k.times
from unnest($1::text[], $2::uuid[], $3::integer[]) as k (tenant, memory_id, times)
where (m.tenant, m.memory_id) = (k.tenant, k.memory_id)

-- name: lock_visible_memory
select *
from agent_memories
where tenant = $1 and memory_id = $3 and deleted_at is null
    and (agent_id = $2 or visibility = 'shared')
    and (expires_at is null or expires_at > now())
for update

-- name: memory_version
select
    memory_id, version, content, metadata, tags, importance, visibility, expires_at, updated_at,
    superseded_by, superseded_at
from memory_versions
where tenant = $1 and memory_id = $2 and version = $3

-- name: keep_versions
insert into memory_versions (
    tenant, memory_id, version, content, metadata, tags, importance, visibility, expires_at, updated_at,
    superseded_by, superseded_at
)
select
    tenant, memory_id, version, content, metadata, tags, importance, visibility, expires_at, updated_at,
    superseded_by, superseded_at
from agent_memories
where memory_id = any($2::uuid[]) and tenant = $1

-- name: find_expired_twin
select memory_id
from agent_memories
where tenant = $1 and duplicate_key = $2 and memory_id <> $3 and expires_at <= now()
    and deleted_at is null and superseded_by is null

-- What says something else, or to others, is compared anew.
-- name: update_memory
with changed as (
    update agent_memories
    set content = $3, content_hash = $4, duplicate_key = $5, metadata = $6, tags = $7, importance = $8,
        visibility = $9, expires_at = $10, version = version + 1, updated_at = now(),
        compared_at = case when (content_hash, visibility) = ($4, $9) then compared_at end
    where tenant = $1 and memory_id = $2
    returning *
),
unlinked as (
    delete from memory_links l using changed c
    where (l.memory_id, l.tenant) = (c.memory_id, c.tenant) and c.compared_at is null
),
unlinked_others as (
    delete from memory_links l using changed c
    where (l.other_id, l.tenant) = (c.memory_id, c.tenant) and c.compared_at is null
),
noted as (
    insert into facts (tenant, type, record_id, version, data)
    select
        tenant, 'memos.memory.updated.v1', memory_id, version,
        jsonb_build_object(
            'memory_id', memory_id, 'version', version, 'agent_id', agent_id,
            'visibility', visibility, 'kind', kind, 'session_id', session_id
        )
    from changed
),
awaited as (
    update projections p
    set wanted = changed.version
    from changed
    where (p.name, p.tenant, p.record_id) = ('memories', changed.tenant, changed.memory_id)
)
select * from changed

-- name: insert_embedding
insert into memory_embeddings (tenant, memory_id, version, model, dimension, vector, content_hash, computed)
values ($1, $2, $3, $4, octet_length($5::bytea) / 4, $5::bytea, $6, $7)

-- name: lock_memory
select version, agent_id, visibility, deleted_at is not null or coalesce(expires_at <= now(), false) as gone
from agent_memories
where tenant = $1 and memory_id = $2
for update

-- name: bury_memories
with buried as (
    update agent_memories m
    set deleted_at = now(), updated_at = now(), version = version + 1
    from unnest($1::text[], $2::uuid[]) as k (tenant, memory_id)
    where (m.tenant, m.memory_id) = (k.tenant, k.memory_id) and m.deleted_at is null
    returning m.tenant, m.memory_id, m.version, m.agent_id
),
unlinked as (
    delete from memory_links l using buried b where (l.memory_id, l.tenant) = (b.memory_id, b.tenant)
),
unlinked_others as (
    delete from memory_links l using buried b where (l.other_id, l.tenant) = (b.memory_id, b.tenant)
),
noted as (
    insert into facts (tenant, type, record_id, version, data)
    select
        tenant, 'memos.memory.deleted.v1', memory_id, version,
        jsonb_build_object(
            'memory_id', memory_id, 'version', version, 'agent_id', agent_id, 'reason', $3::text
        )
    from buried
),
awaited as (
    update projections p
    set wanted = null
    from buried
    where (p.name, p.tenant, p.record_id) = ('memories', buried.tenant, buried.memory_id)
)
select tenant, memory_id, version from buried

-- name: expired_memories
select tenant, memory_id
from agent_memories
where expires_at <= now() and deleted_at is null
order by expires_at
limit $1
for update skip locked

-- name: leave_tombstone
with buried as (
    insert into agent_memories (
        tenant, memory_id, agent_id, visibility, kind, content, content_hash, duplicate_key, deleted_at,
        times_stored
    )
    values ($1, $2, $3, 'private', 'episodic', '', ''::bytea, ''::bytea, now(), 0)
    on conflict do nothing
    returning tenant, memory_id, version, agent_id
),
noted as (
    insert into facts (tenant, type, record_id, version, data)
    select
        tenant, 'memos.memory.deleted.v1', memory_id, version,
        jsonb_build_object(
            'memory_id', memory_id, 'version', version, 'agent_id', agent_id, 'reason', 'requested'
        )
    from buried
)
select version from buried
