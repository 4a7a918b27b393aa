"""The bot's state: one SQLite file behind a few verbs."""
