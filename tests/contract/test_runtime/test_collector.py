"""While a server answers, the garbage collector does not look at its model and at what MLflow imported."""

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

from podium.runtime.http import server
from podium.runtime.settings import Settings
from tests.contract.test_runtime.test_doors import saved
from tests.contract.test_runtime.test_swap import Triples, X

pytestmark = pytest.mark.filterwarnings("ignore")  # MLflow and its flavours warn of themselves


@pytest.fixture(autouse=True)
def _all_looked_at() -> Iterator[None]:
    yield
    gc.unfreeze()


def test_a_full_collection_passes_over_what_a_server_has_loaded(tmp_path: Path) -> None:
    """At 28,000 requests a second it was due every other second, and took 180 ms, in which no client was answered."""
    settings = Settings.from_environment({"PODIUM_MODEL_URI": str(saved(tmp_path / "model", Triples(), X))})
    thresholds = gc.get_threshold()
    loaded = server._load(settings, lambda _: None)
    try:
        looked_at = {id(each) for each in gc.get_objects()}
        assert not looked_at & {id(loaded.scorer), id(loaded.scorer.model), id(loaded.endpoints)}
        assert gc.get_threshold() == thresholds
    finally:
        loaded.let_go()
