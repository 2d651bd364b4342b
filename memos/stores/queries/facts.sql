-- name: place_facts
with newest as (
    select coalesce(max(position), 0) as position
    from facts
),
next as (
    select sequence, row_number() over (order by sequence) as nth
    from (select sequence from facts where position is null order by sequence limit $1) as unplaced
),
placed as (
    update facts f
    set position = newest.position + next.nth
    from next, newest
    where f.sequence = next.sequence
    returning f.position
)
select greatest((select position from newest), (select max(position) from placed))

-- name: newest_position
select coalesce(max(position), 0) from facts

-- name: facts_after
select position, tenant, type, record_id, version, data, occurred_at
from facts
where position > $1
order by position
limit $2

-- name: facts_of_tenant
select position, tenant, type, record_id, version, data, occurred_at
from facts
where position > $1 and position <= $2
    and tenant = $3 and (cardinality($4::text[]) = 0 or type = any($4))
order by position
limit $5

-- name: count_unplaced
select count(*) from facts where position is null

-- name: note_facts
insert into facts (tenant, type, record_id, version, data)
select tenant, type, record_id, version, data
from unnest($1::text[], $2::text[], $3::uuid[], $4::integer[], $5::jsonb[])
    with ordinality as f (tenant, type, record_id, version, data, place)
order by place
