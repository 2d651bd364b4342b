"""Working memory: values, sessions and their messages, and what these leave behind."""
