"""Saves the form as a preset, and fills it from one."""

import asyncio

from tui.catalog.request import inert_values
from tui.screens.shell import Shell
from tui.settings.presets import Preset, PresetProblem, Presets
from tui.text import one_line


async def save(shell: Shell) -> None:
    """Saves what stands in the form under a name that the user types."""
    from tui.screens.line_prompt import LinePromptScreen

    if shell.main is None:
        return
    preset = Preset.of(shell.main.filler.model, shell.main.form.values())
    hint = "A name: letters, digits, - and _. Files in the form are left out."
    name = await shell.push_screen_wait(LinePromptScreen("Save as preset", "", hint))
    if name and name.strip():
        presets = Presets(shell.session.folders.config)
        try:
            path = await asyncio.to_thread(presets.save, name.strip(), preset)
        except PresetProblem as problem:
            shell.show_problem(str(problem))
        else:
            shell.show_sentence(f"Saved: {one_line(path, 300)}")


async def use(shell: Shell) -> None:
    """Fills the form with a preset that the user chooses.

    The prompt that stands there stays if the preset has none.
    """
    from tui.screens.chooser import ChooserScreen

    if shell.main is None:
        return
    presets = Presets(shell.session.folders.config)
    names = await asyncio.to_thread(presets.names)
    empty = "There are none yet: Save as preset, in the palette, makes one."
    options = [(name, name) for name in names]
    name = await shell.push_screen_wait(ChooserScreen("Presets", options, empty))
    if not name:
        return
    form, filler = shell.main.form, shell.main.filler
    try:
        preset = await asyncio.to_thread(presets.read, name)
        model = preset.find_model(filler.catalog)
    except PresetProblem as problem:
        shell.show_problem(str(problem))
        return
    prompt = form.values().get("prompt")
    values = inert_values(model, preset.values)
    if prompt is not None:
        values.setdefault("prompt", prompt)
    await filler.fill_in(model, filler.route(model, values), values, ())
