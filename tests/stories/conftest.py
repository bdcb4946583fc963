"""No world outlives its test."""

from collections.abc import Iterator

import pytest

from podium.simulation.world.world import end_worlds


@pytest.fixture(autouse=True)
def worlds_end() -> Iterator[None]:
    yield
    end_worlds()
