-- A tool of an MCP server that is started by whoever calls it has no endpoint. One that was deregistered is a
-- tombstone, from which readers of the catalog learn that it is gone. Schemas keep the order of their properties:
-- it is the order in which models give the arguments.
alter table registered_tools
    alter column endpoint_url drop not null,
    alter column request_schema type json,
    alter column response_schema type json,
    add column version integer not null default 1,
    add column tags text[] not null default '{}',
    add column examples text[] not null default '{}',
    add column invocation jsonb not null default '{"kind": "http"}',
    add column revision bigint not null default 0,
    add column deregistered_at timestamptz;
-- Whatever a former version let in, all tools can be read: arrays without nulls, schemas that are objects.
update registered_tools
set required_capabilities = array(
        select capability
        from unnest(required_capabilities) with ordinality as u (capability, place)
        where capability is not null
        order by place
    ),
    request_schema = case when json_typeof(request_schema) = 'object' then request_schema end,
    response_schema = case when json_typeof(response_schema) = 'object' then response_schema end;
-- And all can be named: of an id, what ids may not have becomes _, with a hash where that is another tool's id.
with replaced as (
    select
        id, tenant, tool_id,
        regexp_replace(
            regexp_replace(
                tool_id,
                '[\s\u0001-\u001f\u007f\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000/\\?#%]',
                '_', 'g'
            ),
            '^(\.|$)', '_'
        ) as allowed
    from registered_tools
),
counted as (
    select *, count(*) over (partition by tenant, allowed) as tools
    from replaced
)
update registered_tools t
set tool_id = case when tools = 1 then allowed else left(allowed, 222) || '_' || md5(c.tool_id) end
from counted c
where t.id = c.id and allowed <> c.tool_id;
update registered_tools set created_at = now() where created_at is null;
update registered_tools set updated_at = created_at where updated_at is null;
alter table registered_tools
    alter column required_capabilities set default '{}',
    alter column required_capabilities set not null,
    alter column created_at set not null,
    alter column updated_at set not null;
update registered_tools set revision = 1;
create index registered_tools_revision on registered_tools (tenant, revision);

-- The number of the last change of a tenant's tools and of what is known of them. Whoever changes something has
-- the row locked until commit, so changes are committed in the order of their revisions. Each tenant counts by
-- itself: it comes first in the indexes on revisions.
create table tool_catalogs (
    tenant text primary key,
    revision bigint not null
);
insert into tool_catalogs select distinct tenant, 1 from registered_tools;

-- What tools say they are for, their examples, and the tasks that they were called for. One that no tool says any
-- more, and that no evidence is of, is deleted.
create table tool_texts (
    tenant text not null,
    content_hash bytea not null,
    text text not null,
    primary key (content_hash, tenant)
);
insert into tool_texts
select distinct tenant, sha256(convert_to(name || ': ' || description, 'UTF8')), name || ': ' || description
from registered_tools;

-- Which texts a tool says.
create table tool_sayings (
    tenant text not null,
    tool_id text not null,
    content_hash bytea not null,
    primary key (tool_id, content_hash, tenant),
    foreign key (content_hash, tenant) references tool_texts on delete cascade
);
create index tool_sayings_text on tool_sayings (content_hash, tenant);
insert into tool_sayings
select tenant, tool_id, sha256(convert_to(name || ': ' || description, 'UTF8'))
from registered_tools;

-- Vectors are float32, little-endian.
create table tool_vectors (
    tenant text not null,
    content_hash bytea not null,
    model text not null,
    dimension integer not null,
    vector bytea not null check (octet_length(vector) = dimension * 4),
    primary key (content_hash, tenant, model),
    foreign key (content_hash, tenant) references tool_texts on delete cascade
);
alter table tool_vectors alter column vector set storage external;

-- How often a tool solved a task, or failed at it, as an agent says.
create table tool_evidence (
    tenant text not null,
    tool_id text not null,
    agent_id text not null,
    content_hash bytea not null,
    successes integer not null,
    failures integer not null,
    revision bigint not null,
    primary key (content_hash, tool_id, agent_id, tenant),
    foreign key (content_hash, tenant) references tool_texts on delete cascade
);
create index tool_evidence_revision on tool_evidence (tenant, revision);
create index tool_evidence_tool on tool_evidence (tool_id, tenant);

-- All that an agent reports of a tool; of the calls with a task, how many discovery would have thought of itself.
-- Of the calls with a latency it has the number and the sum, in milliseconds.
create table tool_reports (
    tenant text not null,
    tool_id text not null,
    agent_id text not null,
    successes integer not null,
    failures integer not null,
    judged integer not null,
    plausible integer not null,
    latencies integer not null,
    latency_ms double precision not null,
    last_error text,
    last_error_at timestamptz,
    last_outcome_at timestamptz not null,
    revision bigint not null,
    primary key (tool_id, agent_id, tenant)
);
create index tool_reports_revision on tool_reports (tenant, revision);

-- What equips an agent for a task, as it was written: jsonb would make the integer 10 of the number 1e1. One that
-- was deleted is a tombstone, which keeps its name and last version.
create table loadouts (
    tenant text not null,
    name text not null,
    version integer not null default 1,
    definition json,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    deleted_at timestamptz,
    primary key (tenant, name),
    check ((definition is null) = (deleted_at is not null))
);
