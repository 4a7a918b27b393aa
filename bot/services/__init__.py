"""Use cases: load, decide, act, save."""
