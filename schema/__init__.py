"""The database's schema as numbered migrations, append-only."""
