-- The life of a generation: it is built beside the current one, becomes current, retires when the next one
-- does, and is dropped. `embedder` says how its vectors are made: as in the setting of that name.
alter table generations
    add column embedder text not null default 'minilm',
    add column retired_at timestamptz,
    add column dropped_at timestamptz;
update generations set embedder = 'openai' where model not like 'all-MiniLM-L6-v2%';

-- What was deleted together, counted as it is done, so that a deletion that was interrupted goes on.
create table deletions (
    deletion_id uuid primary key,
    tenant text not null,
    source text not null,
    command_id text not null,
    digest bytea not null,
    counts jsonb not null default '{}',
    created_at timestamptz not null default now(),
    finished_at timestamptz,
    unique (command_id, source, tenant)
);

-- A tombstone whose content is gone for good.
alter table agent_memories add column purged_at timestamptz;
create index agent_memories_to_purge on agent_memories (deleted_at)
    where deleted_at is not null and purged_at is null;

-- A recorded reply names the version that the command made, and holds no text that a purge would have to find.
update commands
set reply = jsonb_build_object('memory_id', reply -> 'memory_id', 'version', reply -> 'version')
where reply ? 'content';

-- The reply to a deletion says how far it reached.
update commands set reply = reply || '{"reached": {}}' where reply ? 'found' and not reply ? 'reached';

-- What is behind is gone through in the order of its keys, so that what is refused holds up nothing else.
drop index projections_behind;
create index projections_behind on projections (name, generation, record_id, tenant)
    where wanted is distinct from version;

-- What was deleted and has still to be removed: few rows, looked for in every generation.
create index projections_buried on projections (name, generation, record_id, tenant) where wanted is null;

-- The commands that made or changed a memory, whose digests a purge empties.
create index commands_memory on commands using hash ((reply ->> 'memory_id'));
