"""Questions to a terminal that answers late, or not at all."""

from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue

from tui.terminal.questions import Questions

FIRST = ("\x1bP>|kitty(0.41.1)\x1b\\", "\x1b[?62;c")
SECOND = ("\x1b_Gi=31;OK\x1b\\", "\x1b[?62;4c")


class Terminal:
    """Answers the second question at once, and the first one by `answer` alone."""

    def __init__(self, latest: float) -> None:
        self.asked: SimpleQueue[str] = SimpleQueue()
        self.questions = Questions(self.read, seconds=0.1, latest=latest)

    def read(self, query: str) -> None:
        self.asked.put(query)
        if query == "second":
            self.answer(SECOND)

    def answer(self, replies: tuple[str, ...]) -> None:
        for reply in replies:
            self.questions.take(reply)


def test_a_late_answer_is_not_taken_for_the_next_one() -> None:
    terminal = Terminal(latest=60)
    assert terminal.questions.ask("first") == b""
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(terminal.questions.ask, "second")
        terminal.answer(FIRST[:1])
        assert terminal.asked.get(timeout=10) == "first"
        assert terminal.asked.empty()  # the first answer isn't whole
        terminal.answer(FIRST[1:])
        assert answer.result(10) == "".join(SECOND).encode()


def test_an_answer_that_never_comes_stops_no_other() -> None:
    terminal = Terminal(latest=0.2)
    assert terminal.questions.ask("first") == b""
    assert terminal.questions.ask("second") == "".join(SECOND).encode()
