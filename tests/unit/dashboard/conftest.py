"""The page over a fleet that is kept already, without a cluster."""

from datetime import UTC, datetime

import pytest

from bench.page.fleets import Json, kinds, placed
from podium.dashboard.app import app
from podium.dashboard.kept import Kept
from podium.dashboard.shield import Door
from tests.unit.dashboard.browser import Browser

NOW = datetime(2026, 1, 5, 9, 1, 40, tzinfo=UTC)
DOOR = Door(8910, "opened", key="key")


def keeping(*values: Json) -> Kept:
    """All that there is."""
    kept = Kept()
    kept.put(values)
    kept.listed({each.place for each in kept.entries})
    return kept


def browsing(kept: Kept, **options: bool) -> Browser:
    """A browser with the token, of a page over what is kept."""
    return Browser(app(kept, DOOR, lambda: NOW), {DOOR.cookie: DOOR.token}, **options)


@pytest.fixture(scope="session", autouse=True)
def statuses() -> None:
    """They are made before any test's own event loop runs: the simulated world has a loop, too."""
    kinds()


@pytest.fixture
def client() -> Browser:
    """A browser at a fleet of one of each kind, in ml, named by its phase."""
    return browsing(keeping(*(placed(value, "ml", phase.lower()) for phase, value in kinds().items())))
