-- name: begin_deletion
insert into deletions (deletion_id, tenant, source, command_id, digest)
values ($1, $2, $3, $4, $5)

-- name: read_deletion
select deletion_id, counts, created_at, finished_at from deletions where deletion_id = $1

-- name: lock_deletion
select deletion_id, counts, created_at, finished_at from deletions where deletion_id = $1 for update

-- name: note_progress
update deletions
set counts = $2, finished_at = case when $3 then coalesce(finished_at, now()) end
where deletion_id = $1
returning deletion_id, counts, created_at, finished_at

-- name: next_memories
select tenant, memory_id
from agent_memories
where memory_id >= $1
order by memory_id
fetch first $2 rows with ties

-- name: known_memories
select memory_id from agent_memories where memory_id = any($2) and tenant = $1

-- Live memories of before a moment (null: all), and those buried since one (null: none). With `for update` it
-- sees each row as it is when the lock is granted.
-- name: matching_memories
select
    memory_id, deleted_at is null as live, agent_id, visibility, kind, session_id, source_uri as source, tags,
    metadata, importance, sequence, occurred_at, created_at, superseded_by is not null as superseded
from agent_memories
where memory_id = any($2) and tenant = $1
    and (deleted_at is null and ($3::timestamptz is null or created_at <= $3) or deleted_at >= $4)
    and ($5::text is null or agent_id = $5)
    and ($6::text[] is null or kind = any($6))
    and ($7::text[] is null or session_id = any($7))
    and ($8::text[] is null or source_uri = any($8))
order by memory_id

-- name: leave_tombstones
with buried as (
    insert into agent_memories (
        tenant, memory_id, agent_id, visibility, kind, content, content_hash, duplicate_key, deleted_at,
        times_stored
    )
    select $1, k.memory_id, $2, 'private', 'episodic', '', ''::bytea, ''::bytea, now(), 0
    from unnest($3::uuid[]) as k (memory_id)
    order by k.memory_id
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
select memory_id from buried

-- name: tombstones_by_time
select tenant, memory_id, deleted_at
from agent_memories
where deleted_at < coalesce($2, now()) and purged_at is null and tenant = $1
    and (deleted_at, memory_id) > ($3, $4)
order by deleted_at, memory_id
limit $5

-- name: tombstones_by_id
select tenant, memory_id, deleted_at
from agent_memories
where memory_id = any($6) and deleted_at < coalesce($2, now()) and purged_at is null and tenant = $1
    and (deleted_at, memory_id) > ($3, $4)
order by deleted_at, memory_id
limit $5

-- name: count_rows_to_purge
with k as (select * from unnest($1::text[], $2::uuid[]) as k (tenant, memory_id)),
told as (
    select c.tenant, c.source, c.reply ->> 'batch' as batch
    from k join commands c on c.reply ->> 'memory_id' = k.memory_id::text and c.tenant = k.tenant
    where c.digest <> '' or c.reply ? 'content'
),
batches as (
    select
    from (select distinct tenant, source, batch from told) as t
    join commands b on (b.tenant, b.source, b.command_id) = (t.tenant, t.source, t.batch)
    where (b.reply = '{}' or b.reply ? 'learning_id') and b.digest <> ''
)
select
    (select count(*) from k join agent_memories using (tenant, memory_id) where purged_at is null)
        as agent_memories,
    (select count(*) from k join memory_versions using (tenant, memory_id)) as memory_versions,
    (select count(*) from k join memory_embeddings using (tenant, memory_id)) as memory_embeddings,
    (
        select count(*)
        from (
            select l.memory_id, l.other_id, l.tenant from k join memory_links l using (tenant, memory_id)
            union
            select l.memory_id, l.other_id, l.tenant
            from k join memory_links l on (l.other_id, l.tenant) = (k.memory_id, k.tenant)
        ) as links
    ) as memory_links,
    (select count(*) from k join memory_reports using (tenant, memory_id)) as memory_reports,
    (select count(*) from told) + (select count(*) from batches) as commands

-- The digest of a command is a hash of the text that it brought: emptied, it stands for any body. That of a
-- batch as a whole, or of a learning, is a hash of the texts of all its items. The reply to an update by version 0.1 holds the text.
-- name: purge_memories
with purged as (
    update agent_memories m
    set content = '', content_hash = '', duplicate_key = '', metadata = '{}', tags = '{}', importance = null,
        kind = 'episodic', source_uri = null, source_symbol = null, source_line = null, session_id = null,
        sequence = null, occurred_at = null, expires_at = null, purged_at = now()
    from unnest($1::text[], $2::uuid[]) as k (tenant, memory_id)
    where (m.tenant, m.memory_id) = (k.tenant, k.memory_id)
        and m.deleted_at is not null and m.purged_at is null
    returning m.tenant, m.memory_id
),
versions as (
    delete from memory_versions v using purged p
    where (v.tenant, v.memory_id) = (p.tenant, p.memory_id)
    returning 1
),
embeddings as (
    delete from memory_embeddings e using purged p
    where (e.tenant, e.memory_id) = (p.tenant, p.memory_id)
    returning 1
),
links as (
    delete from memory_links l using purged p
    where (l.memory_id, l.tenant) = (p.memory_id, p.tenant)
    returning 1
),
links_of_others as (
    delete from memory_links l using purged p
    where (l.other_id, l.tenant) = (p.memory_id, p.tenant)
    returning 1
),
reports as (
    delete from memory_reports r using purged p
    where (r.memory_id, r.tenant) = (p.memory_id, p.tenant)
    returning 1
),
tasks as (
    delete from lesson_tasks t using purged p
    where (t.memory_id, t.tenant) = (p.memory_id, p.tenant)
),
emptied as (
    update commands c
    set digest = '',
        reply = case when c.reply ? 'content'
            then jsonb_build_object('memory_id', c.reply -> 'memory_id', 'version', c.reply -> 'version')
            else c.reply end
    from purged p
    where c.reply ->> 'memory_id' = p.memory_id::text and c.tenant = p.tenant
        and (c.digest <> '' or c.reply ? 'content')
    returning c.tenant, c.source, c.reply ->> 'batch' as batch
),
batches as (
    update commands b
    set digest = ''
    from (select distinct tenant, source, batch from emptied) as e
    where (b.tenant, b.source, b.command_id) = (e.tenant, e.source, e.batch)
        and (b.reply = '{}' or b.reply ? 'learning_id') and b.digest <> ''
    returning 1
)
select
    (select count(*) from purged) as agent_memories,
    (select count(*) from versions) as memory_versions,
    (select count(*) from embeddings) as memory_embeddings,
    (select count(*) from links) + (select count(*) from links_of_others) as memory_links,
    (select count(*) from reports) as memory_reports,
    (select count(*) from emptied) + (select count(*) from batches) as commands
