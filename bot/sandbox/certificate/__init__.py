"""The crash certificate: the real processes killed again and again under load, and the books balanced after each."""
