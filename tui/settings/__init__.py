"""The user's settings, and keys in those of other tools."""
