"""What is kept of an answer as it came: enough to see what the service said."""

MOST_KEPT = 64_000
"""Characters."""
_LINE = 100


def kept(text: str, most: int = MOST_KEPT) -> str:
    """Returns an answer word for word; only the start of a long one, and says so."""
    if len(text) <= most + _LINE:  # a text that was cut isn't cut again
        return text
    cut = len(text) - most
    return f"{text[:most]}\n… {cut:,} more characters were not kept."
