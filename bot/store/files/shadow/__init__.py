"""shadow mode: whether the files would have answered what the database was asked."""
