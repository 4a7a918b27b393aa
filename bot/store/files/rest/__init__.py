"""What the original's files can't say, as one file for each table beside them."""
