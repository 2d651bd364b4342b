"""Memory for MCP clients: what an agent does with it, as tools, resources and a prompt of one server.

`server` answers, `stdio` and `http` carry. The extra `mcp` has to be installed for these three.
"""
