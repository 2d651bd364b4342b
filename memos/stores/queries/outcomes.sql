-- name: registered_versions
select t.tenant, t.tool_id, t.version
from unnest($1::text[], $2::text[]) as k (tenant, tool_id)
join registered_tools t on (t.tenant, t.tool_id) = (k.tenant, k.tool_id)
where t.deregistered_at is null

-- name: add_evidence
insert into tool_evidence as e (tenant, tool_id, agent_id, content_hash, successes, failures, revision)
select *
from unnest($1::text[], $2::text[], $3::text[], $4::bytea[], $5::integer[], $6::integer[], $7::bigint[])
on conflict (content_hash, tool_id, agent_id, tenant) do update
set successes = e.successes + excluded.successes,
    failures = e.failures + excluded.failures,
    revision = excluded.revision

-- name: add_reports
insert into tool_reports as r (
    tenant, tool_id, agent_id, successes, failures, judged, plausible, latencies, latency_ms, last_error,
    revision, last_error_at, last_outcome_at
)
select *, case when last_error is not null then now() end, now()
from unnest(
    $1::text[], $2::text[], $3::text[], $4::integer[], $5::integer[], $6::integer[], $7::integer[], $8::integer[],
    $9::double precision[], $10::text[], $11::bigint[]
) as k (
    tenant, tool_id, agent_id, successes, failures, judged, plausible, latencies, latency_ms, last_error, revision
)
on conflict (tool_id, agent_id, tenant) do update
set successes = r.successes + excluded.successes,
    failures = r.failures + excluded.failures,
    judged = r.judged + excluded.judged,
    plausible = r.plausible + excluded.plausible,
    latencies = r.latencies + excluded.latencies,
    latency_ms = r.latency_ms + excluded.latency_ms,
    last_error = coalesce(excluded.last_error, r.last_error),
    last_error_at = coalesce(excluded.last_error_at, r.last_error_at),
    last_outcome_at = excluded.last_outcome_at,
    revision = excluded.revision
