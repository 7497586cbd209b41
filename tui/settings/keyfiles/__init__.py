"""Finds keys in the settings of other tools; reads with limits, and never fails."""
