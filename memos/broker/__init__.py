"""The bus: handlers bound to streams."""
