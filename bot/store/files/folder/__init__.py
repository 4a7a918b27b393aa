"""The folder on the disk: its files change together or not at all, and whoever reads it sees one moment."""
