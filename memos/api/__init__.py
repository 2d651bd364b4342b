"""The REST facade."""
