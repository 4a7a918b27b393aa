"""A message is heard, decided upon, thought about and answered, each step committed before the next."""
