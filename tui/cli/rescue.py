"""`rescue`: fetches images that were paid for and are not saved."""

from typing import TYPE_CHECKING

from tui.cli.follow import Work, follow
from tui.session import Session
from tui.system.streams import print_message

if TYPE_CHECKING:
    from tui.tasks.engine import Engine


def rescue(session: Session, *, as_json: bool) -> int:
    """Fetch all that is paid, not saved, and still available. Returns the exit code."""
    from tui.tasks.rescue import rescue as fetch

    async def begin(engine: "Engine", work: Work) -> None:
        tasks, problems = await fetch(engine)
        for problem in problems:
            print_message(problem)
        work.add([task.id for task in tasks])

    nothing = "Nothing to fetch: every finished image is saved."
    return follow(session, begin, as_json=as_json, nothing=nothing, finish=True)
