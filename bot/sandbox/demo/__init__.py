"""`tzurot demo`: the real program on a sandboxed Discord, killed, robbed of its disk, and going on."""
