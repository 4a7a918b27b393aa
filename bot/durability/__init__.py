"""What keeps the promise: boot decision, supervisor, replication, health."""
