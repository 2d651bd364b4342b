-- Of memories that are live, unexpired and not superseded, and of tools that are registered.
-- name: present_versions
select m.memory_id, null as tool_id, m.version
from unnest($1::text[], $2::uuid[]) as k (tenant, memory_id)
join agent_memories m on (m.memory_id, m.tenant) = (k.memory_id, k.tenant)
where m.deleted_at is null
    and m.superseded_at is null
    and (m.expires_at is null or m.expires_at > now())
union all
select null, t.tool_id, t.version
from unnest($3::text[], $4::text[]) as k (tenant, tool_id)
join registered_tools t on (t.tool_id, t.tenant) = (k.tool_id, k.tenant)
where t.deregistered_at is null
