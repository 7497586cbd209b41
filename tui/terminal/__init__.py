"""The terminal as Textual's app sees it: driver, keyboard, writer."""
