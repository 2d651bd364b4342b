-- A memory that another has replaced is left out of answers, unless they are asked for as of before.
alter table agent_memories
    add column superseded_by uuid,
    add column superseded_at timestamptz,
    add column usefulness double precision not null default 0 check (usefulness between -1 and 1),
    add column compared_at timestamptz,
    add check ((superseded_by is null) = (superseded_at is null));
alter table memory_versions
    add column superseded_by uuid,
    add column superseded_at timestamptz;

-- What was said once and has been replaced may be said again, and is a new memory then.
drop index agent_memories_duplicate_key;
create unique index agent_memories_duplicate_key on agent_memories (duplicate_key)
    where deleted_at is null and superseded_by is null;

-- The neighbours of a memory: those of its session, or of its document, in order. Many agents may use one name
-- for a session, so the agent comes before the place. Names of documents are hashed, for an index has no room for
-- the longest.
create index agent_memories_session
    on agent_memories (session_id, agent_id, tenant, sequence, created_at, memory_id)
    where session_id is not null and sequence is not null and deleted_at is null;
create index agent_memories_document
    on agent_memories (md5(source_uri), agent_id, tenant, sequence, created_at, memory_id)
    where source_uri is not null and session_id is null and sequence is not null and deleted_at is null;

-- Those that have been changed since a moment, the last change first.
create index agent_memories_changed on agent_memories (updated_at, tenant)
    where version > 1 and deleted_at is null;

-- Memories of one agent that say nearly the same. The pair is kept once, the later memory first.
create table memory_links (
    tenant text not null,
    memory_id uuid not null,
    other_id uuid not null,
    similarity double precision not null,
    primary key (memory_id, other_id, tenant),
    foreign key (memory_id, tenant) references agent_memories on delete cascade,
    foreign key (other_id, tenant) references agent_memories on delete cascade
);
create index memory_links_other on memory_links (other_id, tenant);

-- Those that have not been compared with the others yet, oldest first.
create index agent_memories_to_compare on agent_memories (created_at, memory_id)
    where compared_at is null and deleted_at is null;

-- How the points of a generation are made: 1 had vectors only, 2 has the terms of the text as well.
alter table generations add column format integer not null default 1;
