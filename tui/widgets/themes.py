"""The app's own themes, and colours that can be read in every theme.

A theme gives a background, an accent and colours for states. What stands on what is
decided here, with the contrasts of WCAG 2.2: 4.5:1 for text, 3:1 for what marks the
focus.
"""

from collections.abc import Sequence

from textual.color import Color
from textual.theme import Theme

TEXT_CONTRAST = 4.5
FOCUS_CONTRAST = 3.0
DEFAULT = "runapi-dark"
OWN = (
    Theme(
        name="runapi-dark",
        primary="#8ea6ff",
        accent="#8ea6ff",
        background="#101216",
        surface="#191c22",
        panel="#191c22",
        foreground="#e4e6eb",
        success="#69c38c",
        warning="#dfb357",
        error="#f07f7f",
        dark=True,
    ),
    Theme(
        name="runapi-light",
        primary="#3b53c8",
        accent="#3b53c8",
        background="#fcfcfa",
        surface="#f1f1ee",
        panel="#f1f1ee",
        foreground="#1b1e24",
        success="#1f7a43",
        warning="#8a5a00",
        error="#b3261e",
        dark=False,
    ),
)
_STEPS = 40
"""Steps in which a colour goes towards black or white until it can be read."""


def variables(theme: Theme, generated: dict[str, str]) -> dict[str, str]:
    """Returns the colours that the style sheets use beside Textual's own.

    `generated` are Textual's for the theme. The terminal's own colours can't be
    measured: an ANSI theme uses the default ones, bold and reverse.
    """
    if theme.ansi or generated["background"].startswith("ansi"):
        return _of_the_terminal(generated)
    background = Color.parse(generated["background"])
    accent = Color.parse(theme.accent or theme.primary)
    field = Color.parse(generated["surface"])
    if field.a < 1 or _contrast(field, background) > 1.6:
        field = background.blend(accent, 0.06)
    raised = field.blend(background.get_contrast_text(1), 0.07 if theme.dark else 0.03)
    chosen = background.blend(accent, 0.28)
    grounds = (background, field, raised)
    text = _readable(Color.parse(generated["foreground"]), (*grounds, chosen))
    # Also the ground of a button's text, in the colour of the background
    focus = _readable(accent, (background,), TEXT_CONTRAST)
    focus = _readable(focus, grounds, FOCUS_CONTRAST)
    colours = {
        "background": background,
        "text": text,
        "text-muted": _readable(text.blend(background, 0.45), (*grounds, chosen)),
        "text-accent": _readable(accent, (*grounds, chosen)),
        "focus": focus,
        "on-focus": background,
        "frame": background.blend(text, 0.22),
        "field": field,
        "field-focus": raised,
        "chosen": chosen,
        "chosen-quiet": raised,
    }
    for state in ("success", "warning", "error"):
        own = getattr(theme, state) or theme.primary
        colours[f"text-{state}"] = _readable(Color.parse(own), (*grounds, chosen))
    return {name: colour.hex for name, colour in colours.items()} | _of_widgets(colours)


def _of_widgets(colours: dict[str, Color]) -> dict[str, str]:
    """Returns what Textual's widgets use, in the same colours."""
    named = {
        "primary": "focus",
        "accent": "focus",
        "surface": "field",
        "panel": "field",
        "border": "focus",
        "footer-foreground": "text",
        "footer-background": "field",
        "footer-key-foreground": "text-accent",
        "footer-description-foreground": "text-muted",
        "block-cursor-foreground": "text",
        "block-cursor-background": "chosen",
        "block-cursor-blurred-foreground": "text",
        "block-cursor-blurred-background": "chosen-quiet",
        "block-hover-background": "field",
        "button-color-foreground": "on-focus",
        "button-foreground": "text",
        "foreground": "text",
        "foreground-muted": "text-muted",
        "text-disabled": "text-muted",
        "input-selection-background": "chosen",
        "input-selection-foreground": "text",
        "scrollbar": "frame",
        "scrollbar-hover": "focus",
        "scrollbar-active": "focus",
        "scrollbar-background": "background",
        "scrollbar-background-hover": "background",
        "scrollbar-background-active": "background",
        "scrollbar-corner-color": "background",
        "input-cursor-background": "text",
        "input-cursor-foreground": "background",
    }
    return {name: colours[colour].hex for name, colour in named.items()}


def _of_the_terminal(generated: dict[str, str]) -> dict[str, str]:
    accent = generated["accent"]
    return {
        "text": "ansi_default",
        "text-muted": "ansi_default",
        "text-disabled": "ansi_default",
        "text-accent": "ansi_default",
        "focus": accent,
        "on-focus": "ansi_default",
        "frame": "ansi_default",
        "field": "ansi_default",
        "field-focus": "ansi_default",
        "chosen": "ansi_default",
        "chosen-quiet": "ansi_default",
        "text-success": "ansi_default",
        "text-warning": "ansi_default",
        "text-error": "ansi_default",
    }


def _readable(
    colour: Color, grounds: Sequence[Color], least: float = TEXT_CONTRAST
) -> Color:
    """Returns a colour that can be read on all grounds, as near as can be.

    It goes towards black or white, whichever is farther from the grounds.
    """
    ends = (Color(0, 0, 0), Color(255, 255, 255))
    end = max(ends, key=lambda end: min(_contrast(end, ground) for ground in grounds))
    for step in range(_STEPS + 1):
        nearer = colour.blend(end, step / _STEPS)
        if all(_contrast(nearer, ground) >= least for ground in grounds):
            return nearer
    return end


def contrast(one: tuple[int, int, int], other: tuple[int, int, int]) -> float:
    """Returns the contrast of two colours, from 1 to 21, as WCAG 2.2 defines it."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _contrast(one: Color, other: Color) -> float:
    """Returns the contrast of two colours, or of their greys if that is lower."""
    greys = contrast(one.monochrome.rgb, other.monochrome.rgb)
    return min(contrast(one.rgb, other.rgb), greys)


def _luminance(rgb: tuple[int, int, int]) -> float:
    red, green, blue = (_linear(part / 255) for part in rgb)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: float) -> float:
    return float(part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4)
