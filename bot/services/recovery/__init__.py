"""What was left unfinished, or was missed, gets its answer after all."""
