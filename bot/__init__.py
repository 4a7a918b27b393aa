"""Tzurot: AI personalities on Discord whose state survives deploys, crashes and lost disks."""
