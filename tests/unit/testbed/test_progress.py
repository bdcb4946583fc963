"""A person sees what is at work: on a terminal in one line that is rewritten, elsewhere in a line from time to time."""

import io

import pytest

from testbed.progress import Board, length


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def seconds(elapsed: float) -> str:
    return f"{elapsed:.0f} s"


def played(stream: io.StringIO) -> str:
    """Two steps that overlap, looked at every five seconds for half a minute."""
    clock = Clock()
    board = Board(stream, clock)
    with board.working("one", seconds):
        clock.now += 5
        with board.working("two", seconds):
            for _ in range(5):
                clock.now += 5
                board.tick()
        board.say("two is done")
    return stream.getvalue()


def test_elsewhere_a_line_is_printed_every_15_seconds() -> None:
    assert played(io.StringIO()).splitlines() == [
        "testbed: one ... 15 s | two ... 10 s",
        "testbed: one ... 30 s | two ... 25 s",
        "testbed: two is done",
    ]


def test_on_a_terminal_the_line_is_rewritten_and_gone_at_the_end() -> None:
    shown = [line.split("\r\x1b[K") for line in played(Terminal()).split("\n")]
    assert shown[0] == [
        "",
        *(f"testbed: one ... {5 * step} s | two ... {5 * step - 5} s" for step in range(2, 7)),
        "testbed: one ... 30 s",
        "testbed: two is done",
    ]
    assert shown[1] == ["", "testbed: one ... 30 s", ""]


@pytest.mark.parametrize(
    ("time", "words"), [(0.4, "0 s"), (59.6, "1 min"), (150, "2 min 30 s"), (600, "10 min"), (755, "12 min")]
)
def test_a_time_is_said_as_a_person_says_it(time: float, words: str) -> None:
    assert length(time) == words
