"""runapi-tui: a terminal client for AI image generation through RunAPI."""

__version__ = "0.1.0"
