"""What others may do with the files that this program makes."""

import os

_WRITERS = 0o022
"""The permissions of group and others to write."""


def restrict_umask() -> None:
    """Let this process make nothing that others can write to."""
    os.umask(os.umask(_WRITERS) | _WRITERS)
