"""What the user thinks of tasks is kept, whatever else happens to them, and undone."""

import pytest

from tests.tasks.conftest import OpenEngine
from tui.catalog.load import bundled
from tui.demo import DEMO_URL
from tui.tasks import actions, cache, marks
from tui.tasks.task import REJECTED, Result, Status, Task

FLUX = bundled().find("flux-2-pro-text-to-image")


def task(**fields: object) -> Task:
    known = {
        "id": "t1",
        "action": FLUX.action,
        "model": FLUX.slug,
        "service": FLUX.service,
        "base_url": DEMO_URL,
        "route": "unified",
        "values": {"prompt": "a fox"},
        "created_at": 1.0,
    }
    return Task(**(known | fields))  # type: ignore[arg-type]


def test_a_rating_changes_the_pictures_that_are_meant_alone() -> None:
    one = task(results=(Result(url="a"), Result(url="b", rating=3)))
    (first, second) = marks.rated(one, [0], 5)["results"]
    assert (first.rating, second.rating) == (5, 3)
    assert marks.rated(one, [1], 3) == {}
    assert marks.rated(one, [7], 3) == {}


@pytest.mark.parametrize(
    ("line", "tags"),
    [
        ("Cover, BLUE ,, cover", ("cover", "blue")),
        ("  ", ()),
        ("a\x1b[31m,b\nc", ("a", "b c")),
        ("x" * 100, ("x" * 40,)),
        (",".join(map(str, range(50))), tuple(map(str, range(20)))),
    ],
)
def test_tags_are_read_from_a_line(line: str, tags: tuple[str, ...]) -> None:
    assert marks.read_tags(line) == tags


def test_what_undo_restores_no_answer_of_the_service_changes() -> None:
    now, before = task(), task(favourite=True)
    assert set(marks.undone_fields(now, before)) - {"results"} <= set(cache._MARKS)


async def test_marks_are_undone_one_after_the_other(
    base_url: str, open_engine: OpenEngine
) -> None:
    async with open_engine(base_url) as watched:
        engine = watched.engine
        made = await engine.wait((await engine.submit(FLUX, {"prompt": "a fox"})).id)
        await actions.rate(engine, {made.id: [0]}, 4)
        await actions.tag(engine, [engine.tasks[made.id]], ("cover",))
        await actions.toggle_favourite(engine, [engine.tasks[made.id]])
        now = engine.tasks[made.id]
        assert (now.rating, now.tags, now.favourite) == (4, ("cover",), True)
        assert await actions.undo(engine) == "Taken back: favourite, a fox."
        await actions.undo(engine)
        await actions.undo(engine)
        now = engine.tasks[made.id]
        assert (now.rating, now.tags, now.favourite) == (0, (), False)
        assert now.files == made.files
        assert now.status is Status.COMPLETED


async def test_a_rating_in_the_same_moment_as_a_save_loses_neither(
    base_url: str,
    open_engine: OpenEngine,
) -> None:
    async with open_engine(base_url) as watched:
        engine = watched.engine
        made = await engine.wait((await engine.submit(FLUX, {"prompt": "a fox"})).id)
        stale = engine.tasks[made.id]
        await actions.rate(engine, {made.id: [0]}, REJECTED)
        await engine.queue.save(stale, "seen")
        now = engine.tasks[made.id]
        assert (now.rating, now.files) == (REJECTED, made.files)
