"""Tools of others: OpenAPI documents, MCP servers, and those of tools.as."""
