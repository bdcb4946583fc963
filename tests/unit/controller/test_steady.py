"""The operator's wall clock does not jump, and comes near to the machine's."""

from datetime import UTC, datetime, timedelta

import pytest

from podium.controller.steady import SteadyClock
from podium.testing import FakeClock

HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)
START = datetime(2026, 1, 1, tzinfo=UTC)


class SetClock(FakeClock):
    """A clock that is set by hand."""

    def __init__(self) -> None:
        super().__init__(START)
        self.set_by = timedelta()

    def now(self) -> datetime:
        return super().now() + self.set_by


def test_it_says_what_the_machine_says_while_that_is_not_set() -> None:
    machine = SetClock()
    steady = SteadyClock(machine)
    machine.move(12.5)
    assert steady.now() == machine.now()


@pytest.mark.parametrize("jump", [HOUR, -HOUR])
def test_a_clock_that_is_set_changes_durations_by_one_part_in_twenty_at_most(jump: timedelta) -> None:
    machine = SetClock()
    steady = SteadyClock(machine)
    machine.set_by = jump
    machine.move(20)
    passed = (steady.now() - START).total_seconds()
    assert passed == (21 if jump > timedelta() else 19)


@pytest.mark.parametrize("jump", [20 * SECOND, -20 * SECOND])
def test_in_time_it_says_the_same_again(jump: timedelta) -> None:
    machine = SetClock()
    steady = SteadyClock(machine)
    machine.set_by = jump
    for _ in range(410):
        machine.move(1)
        steady.now()
    assert steady.now() == machine.now()


async def test_it_sleeps_as_the_machine_does() -> None:
    machine = SetClock()
    steady = SteadyClock(machine)
    await steady.sleep(0)
    assert steady.monotonic() == machine.monotonic()
