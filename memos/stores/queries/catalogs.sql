-- name: catalog_revision
select revision from tool_catalogs where tenant = $1

-- To a reader that knows of nothing, tombstones say nothing.
-- name: changed_tools
select
    tool_id, name, description, endpoint_url, request_schema, response_schema, required_capabilities, tags,
    examples, invocation, version, created_at, updated_at, deregistered_at is not null as gone
from registered_tools
where tenant = $1 and revision > $2 and (deregistered_at is null or $2 > 0)

-- name: changed_evidence
select tool_id, agent_id, content_hash as task_hash, successes, failures
from tool_evidence
where tenant = $1 and revision > $2
order by revision desc
limit $3

-- name: changed_reports
select
    tool_id, agent_id, successes, failures, judged, plausible, latencies, latency_ms, last_error, last_error_at,
    last_outcome_at
from tool_reports
where tenant = $1 and revision > $2
