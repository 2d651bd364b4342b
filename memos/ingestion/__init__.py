"""Source files to passages worth remembering."""
