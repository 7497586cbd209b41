"""Ways in and out: snippets, pasted commands, external viewers, recipes."""
