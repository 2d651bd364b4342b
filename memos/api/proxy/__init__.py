"""The drop-in proxy: OpenAI's routes, answered from the cache or by the server behind."""
