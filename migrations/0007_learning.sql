-- What agents told of tasks that are over. The text of a task is not here: it is in its lessons, which are memories and
-- can be forgotten, and, of what is shared, with the outcomes of its tools, until these are deregistered.
create table learnings (
    tenant text not null,
    learning_id uuid not null,
    agent_id text not null,
    task_id text,
    session_id text,
    outcome text not null check (outcome in ('success', 'failure', 'partial')),
    visibility text not null check (visibility in ('private', 'shared')),
    lessons uuid[] not null default '{}',
    memories uuid[] not null default '{}',
    tools text[] not null default '{}',
    cost double precision,
    tokens bigint,
    seconds double precision,
    occurred_at timestamptz not null,
    recorded_at timestamptz not null default clock_timestamp(),
    primary key (learning_id, tenant)
);
create index learnings_recorded on learnings (recorded_at, learning_id, tenant);
create index learnings_agent on learnings (agent_id, recorded_at, learning_id, tenant);
create index learnings_task on learnings (task_id, recorded_at, learning_id, tenant) where task_id is not null;

-- Of which tasks an agent learned a lesson, but for that of which it was stored; each is counted once. `task` is the
-- SHA-256 of its words, `task_id` what it is called.
create table lesson_tasks (
    tenant text not null,
    memory_id uuid not null,
    agent_id text not null,
    task bytea not null,
    task_id text,
    primary key (memory_id, agent_id, task, tenant),
    foreign key (memory_id, tenant) references agent_memories on delete cascade
);

-- How much a memory helped an agent, and hindered it: reports, each halved with every half-life since, as of
-- `updated_at`. All of one agent's are worth so many at most.
create table memory_reports (
    tenant text not null,
    memory_id uuid not null,
    agent_id text not null,
    helped double precision not null check (helped >= 0),
    hindered double precision not null check (hindered >= 0),
    updated_at timestamptz not null,
    primary key (memory_id, agent_id, tenant),
    foreign key (memory_id, tenant) references agent_memories on delete cascade
);

-- As of when the usefulness of a memory is as it is written, and on how many reports of then it rests; from there
-- it fades. What has no such time does not.
alter table agent_memories
    add column usefulness_at timestamptz,
    add column usefulness_evidence double precision not null default 0 check (usefulness_evidence >= 0);

-- What the link of two memories says: that they are similar, or, of lessons, that they contradict each other.
alter table memory_links
    add column relation text not null default 'similar' check (relation in ('similar', 'contradicts')),
    add column reason text;
