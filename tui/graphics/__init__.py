"""Pictures as terminal cells."""
