"""Whether a folder and the database hold the same records."""
