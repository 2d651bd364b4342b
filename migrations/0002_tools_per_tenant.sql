alter table registered_tools
    add column tenant text not null default 'default',
    drop constraint registered_tools_tool_id_key,
    add constraint registered_tools_tenant_tool_id_key unique (tenant, tool_id);
