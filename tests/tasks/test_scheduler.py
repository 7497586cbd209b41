"""Who is sent next: never more than the limit, in the order of turns, whatever happens
meanwhile.
"""

import asyncio
from collections.abc import Awaitable, Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from tui.tasks.scheduler import Scheduler


async def settle() -> None:
    """Until everything that can go on has gone on."""
    for _ in range(20):
        await asyncio.sleep(0)


class Crowd:
    """Tasks that want a place, and stay until they are told to leave."""

    def __init__(self, limit: int) -> None:
        self.scheduler = Scheduler(limit)
        self.entered: list[str] = []
        self.inside: set[str] = set()
        self.waiting: dict[str, float] = {}
        self._doors: dict[str, asyncio.Event] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def join(self, name: str, rank: float, *, wait: bool = True) -> None:
        self._doors[name] = asyncio.Event()
        self._tasks[name] = asyncio.create_task(self._stay(name, rank, wait))
        if wait:
            self.waiting[name] = rank
            self._tasks[name].add_done_callback(lambda _: self.waiting.pop(name, None))

    async def _stay(self, name: str, rank: float, wait: bool) -> None:
        async with self.scheduler.place((rank, name), wait=wait):
            self.waiting.pop(name, None)
            self.entered.append(name)
            self.inside.add(name)
            try:
                await self._doors[name].wait()
            finally:
                self.inside.remove(name)

    def leave(self, name: str) -> None:
        self._doors[name].set()

    def cancel(self, name: str) -> None:
        self._tasks[name].cancel()

    def move(self, name: str, rank: float) -> None:
        if name in self.waiting:
            self.waiting[name] = rank
        self.scheduler.move((rank, name))

    async def end(self) -> None:
        """All leave; nobody was hurt, and all places are free again."""
        for task in self._tasks.values():
            task.cancel()
        results = await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        assert [
            result
            for result in results
            if result and not isinstance(result, asyncio.CancelledError)
        ] == []
        self.scheduler.paused = False
        limit = self.scheduler.limit
        for number in range(limit + 1):
            self.join(f"last {number}", number)
        await settle()
        assert sorted(self.inside) == [f"last {number}" for number in range(limit)]
        self.leave("last 0")
        await settle()
        assert f"last {limit}" in self.inside
        for number in range(1, limit + 1):
            self.leave(f"last {number}")
        await settle()
        assert not self.inside


def run(limit: int, story: Callable[[Crowd], Awaitable[None]]) -> None:
    async def told() -> None:
        crowd = Crowd(limit)
        await story(crowd)
        await crowd.end()

    asyncio.run(told())


def test_who_waits_is_admitted_by_turn() -> None:
    async def story(crowd: Crowd) -> None:
        crowd.join("first", 9)
        for name, rank in {"c": 3.0, "a": 1.0, "bb": 2.0, "ba": 2.0}.items():
            crowd.join(name, rank)
        await settle()
        for _ in range(4):
            crowd.leave(crowd.entered[-1])
            await settle()
        assert crowd.entered == ["first", "a", "ba", "bb", "c"]

    run(1, story)


def test_who_waits_can_be_moved_both_ways_and_back() -> None:
    async def story(crowd: Crowd) -> None:
        for number, name in enumerate(("in", "a", "b", "c", "d")):
            crowd.join(name, number)
        await settle()
        crowd.move("d", 0.5)
        crowd.move("a", 9)
        crowd.move("a", 2.5)
        crowd.move("c", 0.1)
        crowd.move("c", 3)
        crowd.move("in", 99)  # inside already
        crowd.move("nosuch", 0)
        for _ in range(4):
            crowd.leave(crowd.entered[-1])
            await settle()
        assert crowd.entered == ["in", "d", "b", "a", "c"]

    run(1, story)


def test_the_limit_goes_up_at_once_and_down_as_places_are_left() -> None:
    async def story(crowd: Crowd) -> None:
        for number in range(8):
            crowd.join(str(number), number)
        await settle()
        assert crowd.inside == set("01")
        crowd.scheduler.limit = 5
        await settle()
        assert crowd.inside == set("01234")
        crowd.scheduler.limit = 2
        for left, inside in {"0": "1234", "1": "234", "2": "34", "3": "45"}.items():
            crowd.leave(left)
            await settle()
            assert crowd.inside == set(inside)
        crowd.scheduler.limit = (
            0  # a limit of nothing would be a pause that nobody sees
        )
        assert crowd.scheduler.limit == 1

    run(2, story)


def test_while_paused_nobody_is_admitted_but_who_is_there_already() -> None:
    async def story(crowd: Crowd) -> None:
        crowd.join("in", 0)
        await settle()
        crowd.scheduler.paused = True
        opened = asyncio.create_task(crowd.scheduler.until_open())
        crowd.join("b", 2)
        crowd.join("a", 1)
        crowd.join("sent", 9, wait=False)
        crowd.leave("in")
        crowd.scheduler.limit = 2
        await settle()
        assert (crowd.inside, crowd.scheduler.paused, opened.done()) == (
            {"sent"},
            True,
            False,
        )
        crowd.scheduler.paused = False
        await settle()
        assert (crowd.inside, crowd.scheduler.paused, opened.done()) == (
            {"sent", "a"},
            False,
            True,
        )
        await crowd.scheduler.until_open()

    run(1, story)


def test_what_is_there_already_counts_even_above_the_limit() -> None:
    async def story(crowd: Crowd) -> None:
        for name in ("s1", "s2", "s3"):
            crowd.join(name, 5, wait=False)
        crowd.join("a", 1)
        for left, inside in {
            "": {"s1", "s2", "s3"},
            "s1": {"s2", "s3"},
            "s2": {"s3", "a"},
        }.items():
            if left:
                crowd.leave(left)
            await settle()
            assert crowd.inside == inside

    run(2, story)


def test_cancelled_while_a_place_becomes_free() -> None:
    """Whether the cancellation or the place comes first: nobody is hurt, and the next
    one has the place.
    """

    async def story(crowd: Crowd) -> None:
        for number, name in enumerate(("in", "a", "b", "c")):
            crowd.join(name, number)
        await settle()
        crowd.cancel("a")
        crowd.scheduler.limit = 2
        await settle()
        assert crowd.entered == ["in", "b"]
        crowd.scheduler.limit = 3
        crowd.cancel("c")  # admitted, but not awake yet
        await settle()
        assert crowd.inside == {"in", "b"}
        crowd.join("a", 1)  # drafted again under its old turn
        await settle()
        assert crowd.entered == ["in", "b", "a"]

    run(1, story)


_NAMES = st.integers(0, 11).map("t{}".format)
_STEPS = st.one_of(
    st.tuples(
        st.sampled_from(["join", "join", "sent", "move"]), _NAMES, st.integers(0, 4)
    ),
    st.tuples(st.sampled_from(["leave", "leave", "cancel"]), _NAMES, st.just(0)),
    st.tuples(st.just("limit"), st.just(""), st.integers(1, 4)),
    st.tuples(st.sampled_from(["pause", "go"]), st.just(""), st.just(0)),
)


@settings(max_examples=80, deadline=None)
@given(
    st.integers(1, 3), st.lists(st.lists(_STEPS, min_size=1, max_size=4), max_size=25)
)
def test_any_course_of_things(
    limit: int, bursts: list[list[tuple[str, str, int]]]
) -> None:
    """Each burst happens within one moment of the loop, then everybody does what can be
    done.
    """

    async def story(crowd: Crowd) -> None:
        scheduler, known = crowd.scheduler, set[str]()
        for burst in bursts:
            before, limits, sent = len(crowd.inside), [scheduler.limit], 0
            candidates, entered = dict(crowd.waiting), len(crowd.entered)
            for step, name, number in burst:
                if step in ("join", "sent") and name not in known:
                    known.add(name)
                    crowd.join(name, number, wait=step == "join")
                    sent += step == "sent"
                elif step in ("leave", "cancel") and name in known:
                    (crowd.leave if step == "leave" else crowd.cancel)(name)
                elif step == "move" and name in candidates:
                    crowd.move(name, number)
                elif step == "limit":
                    scheduler.limit = number
                    limits.append(number)
                elif step in ("pause", "go"):
                    scheduler.paused = step == "pause"
            await settle()
            assert len(crowd.inside) <= max(before, *limits) + sent
            if not scheduler.paused:
                assert not crowd.waiting or len(crowd.inside) >= scheduler.limit
            # Then it is plain who was first
            if len(burst) == 1 and burst[0][0] in ("leave", "limit", "go"):
                new = crowd.entered[entered:]
                assert (
                    new
                    == sorted(candidates, key=lambda name: (candidates[name], name))[
                        : len(new)
                    ]
                )

    run(limit, story)
