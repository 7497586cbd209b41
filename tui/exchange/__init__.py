"""Import and export: snippets, pasted commands, external viewers, recipes."""
