-- name: generations
select projection, generation as number, embedder, model, dimension, is_current, retired_at, dropped_at, format
from generations
where projection = $1
order by generation

-- name: current_generation
select projection, generation as number, embedder, model, dimension, is_current, retired_at, dropped_at, format
from generations
where projection = $1 and is_current

-- name: retired_generations
select projection, generation as number, embedder, model, dimension, is_current, retired_at, dropped_at, format
from generations
where projection = $1 and dropped_at is null
    and retired_at <= now() - make_interval(secs => $2::double precision)
order by generation

-- name: lately_dropped_generations
select projection, generation as number, embedder, model, dimension, is_current, retired_at, dropped_at, format
from generations
where projection = $1 and dropped_at > now() - make_interval(secs => $2::double precision)
order by generation

-- name: first_generation
insert into generations (projection, generation, embedder, model, dimension, format, is_current)
values ($1, 1, $2, $3, $4, $5, true)
on conflict do nothing

-- name: begin_generation
insert into generations (projection, generation, embedder, model, dimension, format, is_current)
select $1, coalesce(max(generation), 0) + 1, $2, $3, $4, $5, false
from generations
where projection = $1
returning projection, generation as number, embedder, model, dimension, is_current, retired_at, dropped_at, format

-- name: transactions_under_way
-- Those that have read the generations, and so may note what they store for the former ones only.
select distinct virtualtransaction
from pg_locks
where relation = 'generations'::regclass
    and database = (select oid from pg_database where datname = current_database())
    and pid <> pg_backend_pid()

-- name: transactions_left
select exists (select from pg_locks where virtualtransaction = any($1::text[]))

-- name: retire_current
update generations
set is_current = false, retired_at = now()
where projection = $1 and is_current

-- name: make_current
update generations
set is_current = true
where projection = $1 and generation = $2 and not is_current and retired_at is null and dropped_at is null
returning generation

-- name: strike_some
with page as (
    select record_id, tenant
    from projections
    where (record_id, tenant) > ($3, $4) and name = $1 and generation = $2
    order by record_id, tenant
    limit $5
),
struck as (
    delete from projections p
    using page
    where (p.record_id, p.tenant, p.name, p.generation) = (page.record_id, page.tenant, $1, $2)
)
select tenant, record_id from page order by record_id desc, tenant desc limit 1

-- name: mark_dropped
update generations
set dropped_at = now()
where projection = $1 and generation = $2 and not is_current and dropped_at is null

-- name: tidy
delete from projections p
using generations g
where g.projection = $1 and g.dropped_at is not null
    and (p.name, p.generation) = (g.projection, g.generation)
    and p.wanted is distinct from p.version

-- name: try_lock
select pg_try_advisory_lock($1::bigint)

-- name: unlock
select pg_advisory_unlock($1::bigint)
