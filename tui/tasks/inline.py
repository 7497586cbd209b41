"""Pictures that came with an answer, on their way into the output folder.

Each becomes the part file of its result before the queue names it, as if it had just
been fetched: it is then checked and saved as any other, also after a restart. The queue
keeps its digest only.
"""

import asyncio
from pathlib import Path

from tui.service.inline_pictures import Pictures, digest_of, is_inline
from tui.system import atomic_file
from tui.tasks import saving
from tui.tasks.task import Result, Task
from tui.text import one_line


async def keep(task: Task, pictures: Pictures) -> None:
    """Writes the pictures of a task's unsaved results to the disk. Raises OSError."""
    if any(is_inline(result.url) for result in task.results):
        await asyncio.to_thread(_keep, task, pictures)


def is_kept(result: Result, part: Path) -> bool:
    """Tells whether a part file is the picture that came, as it came."""
    return is_inline(result.url) and saving.digest(part) == digest_of(result.url)


def kept_beside(part: Path) -> Path:
    """Returns where a part file is kept that came with an answer and is no image."""
    return part.with_name(part.name.lstrip(".")).with_suffix(".kept")


def describe_kept(part: Path) -> str:
    """Returns the sentence of where such a file is, to follow another one."""
    return f" What came is kept as {one_line(kept_beside(part), 1000)}."


def _keep(task: Task, pictures: Pictures) -> None:
    folder = Path(task.out_dir)
    for index, result in enumerate(task.results):
        picture = pictures.get(result.url)
        part = folder / saving.part_name(task, index)
        if picture is None or result.path or is_kept(result, part):
            continue
        atomic_file.make_folder(folder)
        atomic_file.save_small(part, picture, sync=True)
