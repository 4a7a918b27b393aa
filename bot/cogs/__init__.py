"""Discord in, one service call, Discord out."""
