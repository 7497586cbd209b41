"""Holds all tasks: the queue on disk, and the engine that runs them to the end."""
