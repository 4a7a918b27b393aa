"""What the use cases ask of Discord."""
