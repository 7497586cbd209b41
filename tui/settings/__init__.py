"""The user's settings and other tools' keys."""
