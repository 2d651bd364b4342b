create table registered_tools (
    id serial primary key,
    tool_id varchar(255) unique not null,
    name varchar(255) not null,
    description text not null,
    endpoint_url varchar(1024) not null,
    request_schema jsonb,
    response_schema jsonb,
    required_capabilities text[],
    created_at timestamptz default current_timestamp,
    updated_at timestamptz default current_timestamp
);

create index idx_tools_name on registered_tools (name);
create index idx_tools_capabilities on registered_tools using gin (required_capabilities);
