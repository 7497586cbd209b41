"""Picture files: verified, read, labelled, shrunk. Knows no task."""
