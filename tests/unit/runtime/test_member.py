"""What is asked of a process that predicts, and what comes back, are one question and its own answer."""

from typing import Any

import pytest

from podium.runtime.prediction.processes import Member


class Broken:
    """A pipe on which an answer is too large for this process."""

    def send_bytes(self, question: bytes) -> None:
        assert question

    def recv_bytes(self) -> bytes:
        raise MemoryError


class Noted:
    """A process that notes that it is killed."""

    killed = False

    def kill(self) -> None:
        self.killed = True


def test_a_process_whose_answer_was_not_read_whole_is_asked_no_more() -> None:
    process, pipe = Noted(), Broken()
    member: Any = Member(process, pipe)  # type: ignore[arg-type]
    with pytest.raises(MemoryError):
        member.ask("predict", 1)
    assert process.killed
