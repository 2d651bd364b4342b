-- name: memories_by_duplicate_key
select memory_id, duplicate_key
from agent_memories
where duplicate_key = any($2::bytea[]) and tenant = $1 and deleted_at is null and superseded_by is null
    and (expires_at is null or expires_at > now())

-- Those that the agent sees; a learning locks all that it is about at once, in one order.
-- name: lock_learned
select
    memory_id, version, agent_id, created_at, times_stored, usefulness, usefulness_at, usefulness_evidence, now() as now,
    metadata ->> 'task' as task, metadata ->> 'task_id' as task_id
from agent_memories
where tenant = $1 and memory_id = any($3::uuid[]) and deleted_at is null
    and (agent_id = $2 or visibility = 'shared')
    and (expires_at is null or expires_at > now())
order by memory_id
for no key update

-- The newest reports of each memory, and that of the agent in any case.
-- name: reports_of_memories
select k.memory_id, r.agent_id, r.helped, r.hindered, r.updated_at
from unnest($1::text[], $2::uuid[], $3::text[]) as k (tenant, memory_id, agent_id)
cross join lateral (
    select agent_id, helped, hindered, updated_at
    from memory_reports
    where (memory_id, tenant) = (k.memory_id, k.tenant)
    order by agent_id = k.agent_id desc, updated_at desc
    limit $4
) r

-- name: keep_reports
insert into memory_reports as r (tenant, memory_id, agent_id, helped, hindered, updated_at)
select *
from unnest($1::text[], $2::uuid[], $3::text[], $4::double precision[], $5::double precision[], $6::timestamptz[])
on conflict (memory_id, agent_id, tenant) do update
set helped = excluded.helped, hindered = excluded.hindered, updated_at = excluded.updated_at

-- Neither a version nor a time of the memory: what it says is as it was.
-- name: write_usefulness
update agent_memories m
set usefulness = k.usefulness, usefulness_evidence = k.evidence, usefulness_at = k.at
from unnest($1::text[], $2::uuid[], $3::double precision[], $4::double precision[], $5::timestamptz[])
    as k (tenant, memory_id, usefulness, evidence, at)
where (m.memory_id, m.tenant) = (k.memory_id, k.tenant)

-- Those that the agent had not learned of the task; the lessons are locked.
-- name: count_tasks
insert into lesson_tasks (tenant, memory_id, agent_id, task, task_id)
select *
from unnest($1::text[], $2::uuid[], $3::text[], $4::bytea[], $5::text[]) as k (tenant, memory_id, agent_id, task, task_id)
where not exists (
    select from lesson_tasks t
    where (t.memory_id, t.agent_id, t.tenant) = (k.memory_id, k.agent_id, k.tenant)
        and (t.task = k.task or t.task_id = k.task_id)
)
returning memory_id

-- name: add_contradictions
insert into memory_links (tenant, memory_id, other_id, similarity, reason, relation)
select *, 'contradicts'
from unnest($1::text[], $2::uuid[], $3::uuid[], $4::double precision[], $5::text[])
on conflict (memory_id, other_id, tenant) do update
set similarity = excluded.similarity, reason = excluded.reason, relation = excluded.relation

-- name: contradictions_between
select k.lesson, k.other, l.reason, l.similarity
from unnest($1::text[], $2::uuid[], $3::uuid[]) as k (tenant, lesson, other)
cross join lateral (
    select similarity, reason, relation
    from memory_links
    where (memory_id, other_id, tenant) = (k.lesson, k.other, k.tenant)
    union all
    select similarity, reason, relation
    from memory_links
    where (memory_id, other_id, tenant) = (k.other, k.lesson, k.tenant)
) l
where l.relation = 'contradicts'
order by l.similarity desc, k.other

-- name: contradictions_of
select distinct l.memory_id, l.other_id
from (
    select k.tenant, k.agent_id, l.memory_id, l.other_id
    from unnest($1::text[], $2::uuid[], $3::text[]) as k (tenant, memory_id, agent_id)
    join memory_links l on (l.memory_id, l.tenant) = (k.memory_id, k.tenant)
    where l.relation = 'contradicts'
    union all
    select k.tenant, k.agent_id, l.memory_id, l.other_id
    from unnest($1::text[], $2::uuid[], $3::text[]) as k (tenant, memory_id, agent_id)
    join memory_links l on (l.other_id, l.tenant) = (k.memory_id, k.tenant)
    where l.relation = 'contradicts'
) as l
join agent_memories a on (a.memory_id, a.tenant) = (l.memory_id, l.tenant)
join agent_memories b on (b.memory_id, b.tenant) = (l.other_id, l.tenant)
where a.deleted_at is null and (a.agent_id = l.agent_id or a.visibility = 'shared')
    and (a.expires_at is null or a.expires_at > now())
    and b.deleted_at is null and (b.agent_id = l.agent_id or b.visibility = 'shared')
    and (b.expires_at is null or b.expires_at > now())
order by 1, 2

-- name: insert_learning
insert into learnings (
    tenant, learning_id, agent_id, task_id, session_id, outcome, visibility, lessons, memories, tools, cost, tokens,
    seconds, occurred_at
)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, coalesce($14, now()))

-- name: learning_place
select recorded_at from learnings where learning_id = $2 and tenant = $1

-- A task is told by the lessons that were stored for it. Whoever does not say which agent sees what is shared alone.
-- name: page_of_learnings
select
    l.learning_id, l.agent_id, l.task_id, l.session_id, task.task, l.outcome, l.visibility, l.lessons,
    cardinality(l.memories) as memories, cardinality(l.tools) as tools, l.cost, l.tokens, l.seconds, l.occurred_at,
    l.recorded_at
from (
    select *
    from learnings
    where (recorded_at, learning_id) < (coalesce($5, 'infinity'::timestamptz), $6::uuid) and tenant = $1
        and (agent_id = $2 or ($2::text is null and visibility = 'shared'))
        and ($3::text is null or task_id = $3)
        and ($4::text is null or outcome = $4)
    order by recorded_at desc, learning_id desc
    limit $7
) as l
left join lateral (
    select m.metadata ->> 'task' as task
    from unnest(l.lessons) as k (memory_id)
    join agent_memories m on m.memory_id = k.memory_id and m.tenant = l.tenant
    where m.deleted_at is null and (m.expires_at is null or m.expires_at > now())
        and (m.visibility = 'shared' or m.agent_id = $2)
        and m.metadata ->> 'learning_id' = l.learning_id::text
    limit 1
) as task on true
order by l.recorded_at desc, l.learning_id desc
