"""Whether tmux passes on what the app copies (OSC 52)."""

import os
import subprocess
from collections.abc import Mapping

from tui.system.environment import child_environment

SECONDS = 1.0
HINT = (
    "tmux passes no copies on to the terminal. Put `set -g set-clipboard on` into"
    " ~/.tmux.conf, or run `tmux set -g set-clipboard on`."
)
"""What turns copying on: by default, `external`, tmux ignores programs."""


def swallows_copies(env: Mapping[str, str] = os.environ) -> bool:
    """Returns whether tmux is set to ignore copies; False also where it doesn't answer.

    Blocks for `SECONDS` at most.
    """
    if not env.get("TMUX"):
        return False  # it runs on another machine
    try:
        done = subprocess.run(
            ["tmux", "show-options", "-sv", "set-clipboard"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            env=child_environment(env),
        )
    except (OSError, ValueError, subprocess.SubprocessError):
        return False
    return done.stdout.strip() in ("off", "external")
