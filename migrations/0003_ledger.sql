-- In every key what tells rows apart comes before the tenant, which all rows may share, and an index that
-- can do without the tenant has none (a duplicate_key has it in its hash): on tables without statistics the
-- planner would enter the index by the tenant alone and walk the whole of it.

-- A memory is once its row is committed. A row with deleted_at is a tombstone; one that came before
-- its store has no content.
create table agent_memories (
    tenant text not null,
    memory_id uuid not null,
    agent_id text not null,
    visibility text not null check (visibility in ('private', 'shared')),
    kind text not null,
    content text not null,
    content_hash bytea not null,
    duplicate_key bytea not null,
    metadata jsonb not null default '{}',
    tags text[] not null default '{}',
    importance double precision check (importance between 0 and 1),
    source_uri text,
    source_symbol text,
    source_line integer,
    session_id text,
    sequence integer,
    occurred_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    expires_at timestamptz,
    deleted_at timestamptz,
    times_stored integer not null default 1,
    version integer not null default 1,
    primary key (memory_id, tenant)
);

-- One live memory for one text of one agent, session and place.
create unique index agent_memories_duplicate_key on agent_memories (duplicate_key)
    where deleted_at is null;
create index agent_memories_expires_at on agent_memories (expires_at)
    where expires_at is not null and deleted_at is null;

-- What a memory was before each change.
create table memory_versions (
    tenant text not null,
    memory_id uuid not null,
    version integer not null,
    content text not null,
    metadata jsonb not null,
    tags text[] not null,
    importance double precision,
    visibility text not null,
    expires_at timestamptz,
    updated_at timestamptz not null,
    primary key (memory_id, tenant, version),
    foreign key (memory_id, tenant) references agent_memories on delete cascade
);

-- Vectors are float32, little-endian. A vector belongs to the version whose content it was made
-- from and holds until a later version brings another.
create table memory_embeddings (
    tenant text not null,
    memory_id uuid not null,
    version integer not null,
    model text not null,
    dimension integer not null,
    vector bytea not null check (octet_length(vector) = dimension * 4),
    content_hash bytea not null,
    computed boolean not null,
    created_at timestamptz not null default now(),
    primary key (memory_id, tenant, version, model),
    foreign key (memory_id, tenant) references agent_memories on delete cascade
);
alter table memory_embeddings alter column vector set storage external;

create index memory_embeddings_content on memory_embeddings (content_hash, tenant, model)
    where computed;

-- The last place given out in each session.
create table session_sequences (
    tenant text not null,
    agent_id text not null,
    session_id text not null,
    last integer not null,
    primary key (session_id, agent_id, tenant)
);

-- Every handled command with its reply, written with its effect.
create table commands (
    tenant text not null,
    source text not null,
    command_id text not null,
    digest bytea not null,
    reply jsonb not null,
    created_at timestamptz not null default now(),
    primary key (command_id, source, tenant)
);

-- The log of what happened. A sequence is drawn before commit and so can skip; the position is given
-- after commit, by one relay, and never skips.
create table facts (
    sequence bigint generated always as identity primary key,
    position bigint unique,
    tenant text not null,
    type text not null,
    record_id uuid not null,
    version integer not null,
    data jsonb not null,
    occurred_at timestamptz not null default now()
);

create index facts_without_position on facts (sequence) where position is null;
create index facts_record on facts (record_id, tenant);

-- The generations of each projection; a rebuild makes another beside the current one.
create table generations (
    projection text not null,
    generation integer not null,
    model text not null,
    dimension integer not null,
    is_current boolean not null,
    created_at timestamptz not null default now(),
    primary key (projection, generation)
);

create unique index generations_current on generations (projection) where is_current;

-- What each generation of a projection has of a record (version 0: nothing), and what the ledger wants
-- it to have (null: nothing any more). A row where the two differ is work to be done.
create table projections (
    name text not null,
    generation integer not null,
    tenant text not null,
    record_id uuid not null,
    wanted integer,
    version integer not null default 0,
    primary key (record_id, tenant, name, generation)
);

create index projections_behind on projections (name, generation) where wanted is distinct from version;
