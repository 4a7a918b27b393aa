"""A whole day of conversations in fast motion, checked against a model of its own of who must answer what."""
