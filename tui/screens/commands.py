"""What the palette lists: actions of the page, models, tasks, layouts, settings."""

from collections.abc import Callable, Coroutine, Iterator
from functools import partial
from typing import Any

from msgspec import structs
from textual.binding import Binding
from textual.dom import DOMNode

from tui.catalog.price import list_price
from tui.catalog.spec import Model
from tui.screens.main import MainScreen
from tui.screens.palette import Command
from tui.screens.share import show_copied
from tui.screens.shell import Shell
from tui.tasks.task import Task
from tui.terminal.textual_private import bound_on_page, is_possible
from tui.text import dollars, one_line
from tui.widgets import themes
from tui.widgets.arrangement import Layout
from tui.widgets.fields import Field
from tui.widgets.key_texts import key_name

_WORDS = {
    "quit": "exit close leave end stop",
    "generate": "create make send pay",
    "batch": "many variations batch",
    "new-prompt": "clear empty reset",
    "model": "change switch choose",
    "recall": "past previous again",
    "prompts": "library ideas examples templates",
    "history": "past old search find archive",
    "searches": "saved save search bookmark smart filter",
    "history-sort": "order cost rating model date best dearest",
    "money": "cost costs price spending spent bill budget usage",
    "switch-key": "api login account profile",
    "picture-wider": "bigger larger enlarge image",
    "picture-narrower": "smaller shrink image",
    "queue-higher": "bigger larger enlarge taller tasks",
    "queue-lower": "smaller shrink shorter tasks",
    "zoom-pane": "bigger larger maximize fullscreen full",
    "zoom": "bigger larger",
    "view": "bigger larger fullscreen full open",
    "grid-larger": "bigger enlarge",
    "grid-smaller": "shrink",
    "grid": "thumbnails gallery overview",
    "layout": "view arrange panes",
    "toggle-models": "close sidebar",
    "toggle-queue": "close tasks",
    "toggle-picture": "close image",
    "drop": "cancel remove abort",
    "stop": "cancel abort",
    "delete": "remove trash erase",
    "undo": "restore back",
    "undo-form": "restore back revert",
    "retry": "again repeat resend",
    "reuse": "again repeat same copy",
    "again": "repeat same more",
    "new-seed": "again repeat random",
    "variations": "again more several many",
    "reveal": "directory show file",
    "save-copy": "export download",
    "tag": "label category",
    "reject": "bad hide",
    "mark": "select several",
    "compare": "difference side",
    "star": "favorite bookmark like",
    "favourite": "favorite bookmark pin",
    "inspect": "details info request response",
    "clear": "clean tidy remove",
    "copy-draft": "export curl python code",
    "copy-as": "export curl python code",
    "edit-prompt": "editor vim",
    "sooner": "move up order priority",
    "later": "move down order priority",
    "next": "first move top order priority",
}
"""By id, other words that people search an action by."""
_LEFT_OUT = ("palette", "help")
"""Ids whose keys stand beside the palette's own."""
_FIRST = "generate"


def commands(shell: Shell) -> list[Command]:
    """Returns all that can be done from the page that is open, the nearest first."""
    listed = [*_actions(shell)]
    main = shell.main
    if main and main in shell.screen_stack:
        listed += [
            *_presets(shell),
            *_layouts(shell, main),
            *_tasks(shell, main),
            *_models(shell, main),
        ]
    return [*listed, *_themes(shell), *_settings(shell)]


def _actions(shell: Shell) -> Iterator[Command]:
    """Yields the actions that are possible now: of what has the focus, then others."""
    entries: dict[str, tuple[DOMNode, Binding, list[str]]] = {}
    focused = shell.screen.focused
    for node, binding in bound_on_page(shell.screen):
        if not (binding.id and binding.description) or binding.id in _LEFT_OUT:
            continue
        if isinstance(node, Field) and (not focused or node not in focused.ancestors):
            continue  # each field has the same keys
        if binding.key.startswith("super+"):
            continue  # of few terminals, and there is another one
        name = f"{binding.id} {binding.action}"
        if name in entries and entries[name][0] is node:
            entries[name][2].append(key_name(binding.key))
        elif name not in entries and is_possible(shell, node, binding.action):
            entries[name] = (node, binding, [key_name(binding.key)])
    ordered = sorted(entries.values(), key=lambda entry: entry[1].id != _FIRST)
    for node, binding, keys in ordered:
        run = partial(shell.run_action, binding.action, node)
        yield Command(
            binding.description,
            binding.tooltip,
            run,
            " ".join(dict.fromkeys(keys)),
            f"{binding.id} {_WORDS.get(binding.id or '', '')}".strip(),
        )
    if hasattr(shell, "action_messages"):
        yield Command(
            "Messages",
            "Show what was said",
            shell.action_messages,
            words="log errors notifications",
        )
        yield Command(
            "Copied text",
            "Show what was copied last, to select it in the terminal",
            partial(show_copied, shell),
            words="clipboard tmux",
        )


def _on_main(shell: Shell, work: Callable[..., Any], *values: Any) -> Any:
    """Returns something that goes back to the main page, and does work there."""

    async def run() -> None:
        await shell.return_to_main()
        result = work(*values)
        if result is not None:
            await result

    return run


def _presets(shell: Shell) -> Iterator[Command]:
    from tui.screens import presets

    for title, note, work in (
        ("Use a preset", "Fill the form with a saved model and values", presets.use),
        (
            "Save as preset",
            "Keep the form's model and values under a name",
            presets.save,
        ),
    ):
        in_worker = partial(_in_worker, shell, work)
        yield Command(title, note, _on_main(shell, in_worker), words="template load")


def _in_worker(
    shell: Shell, work: Callable[[Shell], Coroutine[Any, Any, None]]
) -> None:
    shell.run_worker(work(shell), exit_on_error=False)


def _layouts(shell: Shell, main: MainScreen) -> Iterator[Command]:
    for layout in Layout:
        run = _on_main(shell, main.action_layout, str(layout))
        yield Command(f"Layout: {layout}", "Arrange the main page", run, words="view")


def _tasks(shell: Shell, main: MainScreen) -> Iterator[Command]:
    for task in main.recent_tasks:
        run = _on_main(shell, main.show_task, task)
        note = f"task · {task.status} · {main.title_of(task)}"
        yield Command(_name(task), note, run, words=f"{task.id} {task.model}")


def _name(task: Task) -> str:
    return one_line(task.prompt or task.id, 200)


def _models(shell: Shell, main: MainScreen) -> Iterator[Command]:
    for model in main.filler.catalog.models:
        action = model.action.replace("_", " ")
        run = _on_main(shell, main.choose_model, model)
        words = f"{model.slug} {model.family}"
        yield Command(model.title, f"model · {action}{_price(model)}", run, words=words)


def _price(model: Model) -> str:
    micro = list_price(model).micro
    return f" · {dollars(micro)}" if micro is not None else ""


def _themes(shell: Shell) -> Iterator[Command]:
    own = [theme.name for theme in themes.OWN]
    others = sorted(name for name in shell.available_themes if name not in own)
    for name in (*own, *others):
        note = "Change the colours"
        if name == shell.theme:
            note = "The colours in use"
        run = partial(setattr, shell, "theme", name)
        yield Command(f"Theme: {name}", note, run, words="color dark light")


def _settings(shell: Shell) -> Iterator[Command]:
    config = shell.session.config
    file = shell.session.folders.config_file
    for name, value in structs.asdict(config).items():
        if name in ("keys", "profiles"):
            shown = f"{len(value)} set"
            where = f"Set [{name}] in {file}."
        else:
            shown = "not set" if value in ("", None) else str(value)
            where = f"Set {name} in {file}, or RUNAPI_TUI_{name.upper()}."
        run = partial(_show_setting, shell, where, str(file))
        yield Command(f"Setting: {name}", one_line(shown, 80), run, words="config")


def _show_setting(shell: Shell, where: str, file: str) -> None:
    shell.copy_to_clipboard(file)
    shell.show_sentence(f"{one_line(where, 400)} Its path is copied.")
