"""What a setting may be, where options of commands may say the same."""

from typing import Literal

ImagesChoice = Literal[
    "auto", "kitty", "sixel", "iterm", "sextant", "quadrant", "half", "ascii", "none"
]

NotifyChoice = Literal["auto", "bell", "osc", "command", "off"]
