-- name: take_turn
select pg_try_advisory_xact_lock($1::bigint)

-- name: some_to_compare
select tenant, memory_id, created_at
from agent_memories
where (created_at, memory_id) > ($1, $2) and compared_at is null and deleted_at is null
order by created_at, memory_id
limit $3

-- Those that still say to the same readers what they said when they were looked at.
-- name: lock_unchanged
select m.tenant, m.memory_id, m.created_at
from unnest($1::text[], $2::uuid[], $3::bytea[], $4::text[]) as k (tenant, memory_id, content_hash, visibility)
join agent_memories m using (tenant, memory_id)
where m.deleted_at is null and (m.content_hash, m.visibility) = (k.content_hash, k.visibility)
order by m.memory_id, m.tenant
for no key update of m

-- What contradict each other stay so, however alike they are.
-- name: add_links
insert into memory_links as l (tenant, memory_id, other_id, similarity)
select * from unnest($1::text[], $2::uuid[], $3::uuid[], $4::double precision[])
on conflict (memory_id, other_id, tenant) do update
set similarity = excluded.similarity
where l.relation = 'similar'

-- name: mark_compared
update agent_memories m
set compared_at = now()
from unnest($1::text[], $2::uuid[]) as k (tenant, memory_id)
where (m.memory_id, m.tenant) = (k.memory_id, k.tenant)

-- name: count_to_compare
select count(*) from agent_memories where compared_at is null and deleted_at is null
