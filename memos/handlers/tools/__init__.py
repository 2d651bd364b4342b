"""Tools: made known, found for a task, and judged by what became of their calls."""
