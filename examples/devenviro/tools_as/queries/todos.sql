-- Texts of moments are all of one length and in UTC, so that their order is that of time.
-- name: create_todos
create table if not exists todos (
    sequence integer primary key,
    todo_id text not null unique,
    owner text not null,
    title text not null,
    notes text not null,
    status text not null check (status in ('open', 'done')),
    priority text not null check (priority in ('low', 'normal', 'high', 'urgent')),
    due text,
    labels text not null check (json_valid(labels)),
    created_at text not null,
    updated_at text not null,
    completed_at text
) strict

-- name: create_todos_by_owner
create index if not exists todos_by_owner on todos (owner, status)

-- What was answered to additions under a key, so that one that comes again is answered the same and adds nothing.
-- name: create_additions
create table if not exists additions (
    owner text not null,
    key text not null,
    request text not null,
    answer text not null,
    added_at text not null,
    primary key (owner, key)
) strict, without rowid

-- name: addition
select request, answer from additions where owner = :owner and key = :key

-- name: note_addition
insert into additions (owner, key, request, answer, added_at) values (:owner, :key, :request, :answer, :added_at)

-- name: forget_additions
delete from additions where added_at < :before

-- name: add
insert into todos (todo_id, owner, title, notes, status, priority, due, labels, created_at, updated_at)
values (:todo_id, :owner, :title, :notes, 'open', :priority, :due, :labels, :now, :now)
returning *

-- name: get
select * from todos where todo_id = :todo_id

-- name: update
update todos
set
    title = :title,
    notes = :notes,
    priority = :priority,
    due = :due,
    labels = :labels,
    status = :status,
    completed_at = case when :status = 'done' then coalesce(completed_at, :now) end,
    updated_at = :now
where todo_id = :todo_id
returning *

-- name: delete
delete from todos where todo_id = :todo_id returning todo_id

-- Tasks that are due come before others; one row more than is shown tells whether there is another page.
-- name: page
select *
from todos
where
    owner = :owner
    and (:status = 'all' or status = :status)
    and (:priority = '[]' or priority in (select value from json_each(:priority)))
    and not exists (
        select 1
        from json_each(:label) as wanted
        where wanted.value not in (select value from json_each(todos.labels))
    )
    and (:due_after is null or due >= :due_after)
    and (:due_before is null or due < :due_before)
    and (:contains is null or instr(folded(title || char(10) || notes), folded(:contains)))
    and (coalesce(due, '~'), sequence) > (:after_due, :after_sequence)
order by coalesce(due, '~'), sequence
limit :limit + 1
