"""The state as JSON files: a folder that the original starts with, written and read as one consistent whole."""
