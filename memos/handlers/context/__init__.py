"""What memory has for a task: gathered, put in order, and rendered within its tokens."""
