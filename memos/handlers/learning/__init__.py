"""What agents learned: lessons that are known or new, and what helped."""
