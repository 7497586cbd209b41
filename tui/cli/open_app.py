"""Opens the app in this terminal."""

import gc
import os
import sys
from typing import Any

from tui.cli.exit_codes import ExitError
from tui.session import prepare
from tui.system.streams import print_result


def open_app(options: dict[str, Any]) -> int:
    """Run the app until it is closed, and return its exit code.

    `options` are those of `prepare`. Raises ExitError where there is no terminal;
    ConfigError and CredentialError.
    """
    # Not stderr: messages may go to a file, the page is written to stdout.
    used = (sys.stdin, sys.__stdout__)
    if not all(stream is not None and stream.isatty() for stream in used):
        raise ExitError(
            "The app needs a terminal. Without one, use commands such as"
            " `runapi-tui generate`; `runapi-tui --help` lists them."
        )
    session = prepare(**options)
    # Until the first page is shown: start-up makes objects that stay, and little garbage
    gc.disable()
    from tui.graphics.probe import probe

    terminal = probe(
        session.config.images,
        budget=session.config.image_bytes,
        cache=session.folders.cache,
    )
    if terminal.truecolor:
        # The terminal itself knows best: ssh never forwards COLORTERM, and xterm
        # removes it.
        os.environ.setdefault("TEXTUAL_COLOR_SYSTEM", "truecolor")
    from tui.app import RunApp

    app = RunApp(session, terminal)
    app.run()
    if app.farewell:
        _print_farewell(app.farewell)
    return app.return_code or 0


def _print_farewell(sentence: str) -> None:
    """Print the app's last sentence, if the terminal is still there."""
    try:
        print_result(sentence)
    except OSError:
        # It has gone; Python must not try to write the rest once more when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
