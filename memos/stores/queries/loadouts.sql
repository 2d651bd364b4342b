-- What differs in a letter, or is a tombstone, has a new version; a row that is there just so is locked, but not
-- written. An update is later than any beginning: its time is that when the lock is held.
-- name: save_loadout
insert into loadouts as l (tenant, name, definition)
values ($1, $2, $3)
on conflict (name, tenant) do update
set version = l.version + 1,
    definition = excluded.definition,
    created_at = case when l.deleted_at is null then l.created_at else now() end,
    updated_at = case when l.deleted_at is null then clock_timestamp() else now() end,
    deleted_at = null
where l.deleted_at is not null or l.definition::text <> excluded.definition::text
returning version, created_at = updated_at as begun

-- name: get_loadout
select name, version, definition, created_at, updated_at
from loadouts
where name = $2 and tenant = $1 and deleted_at is null

-- name: page_of_loadouts
select name, version, definition, created_at, updated_at
from loadouts
where tenant = $1 and name > $2 and deleted_at is null
order by name
limit $3

-- name: bury_loadout
update loadouts
set definition = null, updated_at = now(), deleted_at = now()
where name = $2 and tenant = $1 and deleted_at is null
returning version
