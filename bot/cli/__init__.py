"""One module per command, thin: read settings, call one thing, print."""
