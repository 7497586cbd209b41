"""Whether a folder can be written to, without a trace there."""

import os
import tempfile
from pathlib import Path


def refusal(folder: Path) -> OSError | None:
    """Return the error of writing to a folder, or of making it where it is to be.

    None if that is possible.
    """
    place = folder
    while not os.path.lexists(place) and place != place.parent:
        place = place.parent
    try:
        with tempfile.TemporaryFile(dir=place):
            return None
    except OSError as error:
        return error
    except ValueError as error:  # a name that no file can have
        return OSError(None, str(error))
