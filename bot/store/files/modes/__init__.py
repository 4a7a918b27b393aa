"""The storage modes: which one may begin, and how each of them keeps database and files together."""
