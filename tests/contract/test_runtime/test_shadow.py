"""A shadow step between two real servers: what the users of the one see, and what the other counts."""

import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from podium.adapters.metrics.exposition import statement
from podium.adapters.metrics.shadow import order_text
from podium.core.shadow import ShadowOrder
from podium.ports import PodReport
from tests.contract.test_runtime.conftest import Process, server
from tests.contract.test_runtime.test_reload import Models
from tests.contract.test_runtime.test_stall import eventually

pytestmark = pytest.mark.filterwarnings("ignore")  # MLflow warns of itself

BODY = {"dataframe_records": [{"x": 1.5}]}
RAISES = "raise ValueError('no')"
NAN = "return model_input['x'].to_numpy() * float('nan')"
# From its second answer on, so that the version proves itself first
LATER = """calls = self.__dict__.setdefault("calls", [])
        calls.append(1)
        if len(calls) > 1 and (model_input["x"] > 0.9).any() and (model_input["x"] != 1.0).any():
            {}"""


@dataclass
class Pair:
    """A champion's pod that knows where its challenger is, and that pod."""

    champion: Process
    challenger: Process

    def tell(self, share: float = 1.0, tolerance: float = 0.0) -> None:
        """Give the champion the operator's order."""
        identity = report(self.challenger).identity
        assert identity is not None
        headers = {"x-podium-shadow": order_text(ShadowOrder(identity, share, tolerance))}
        assert httpx.get(f"{self.champion.url}/metrics", headers=headers).status_code == 200

    @property
    def pairs(self) -> Any:
        """How they came out."""
        return report(self.champion).shadow

    def ask(self, x: float = 1.5) -> httpx.Response:
        """As a user does."""
        return httpx.post(f"{self.champion.url}/invocations", json={"dataframe_records": [{"x": x}]}, timeout=30)


def report(process: Process) -> PodReport:
    said = statement(httpx.get(f"{process.url}/metrics").text)
    assert said is not None
    return said


Start = Callable[..., Pair]


@pytest.fixture
def start(store: str, tmp_path: Path) -> Iterator[Start]:
    """Starts both, with what the challenger's model does at each prediction."""
    models = Models(tmp_path)
    models.make("two", 2)
    with ExitStack() as stack:

        def started(factor: int = 2, on_predict: str = "pass", **settings: str) -> Pair:
            if on_predict != "pass":
                on_predict = LATER.format(on_predict)
            models.make("three", factor, on_predict=on_predict)
            for name in ("b", "a"):
                (tmp_path / name).mkdir()
            given = {"MODEL_URI": str(tmp_path / "three"), "TRIAL_NUMBER": "2", **settings}
            challenger = stack.enter_context(server(tmp_path / "b", store, **given)).ready()
            given = {"MODEL_URI": str(tmp_path / "two"), "TRIAL_NUMBER": "1", "SHADOW_URL": challenger.url}
            champion = stack.enter_context(server(tmp_path / "a", store, **given, **settings)).ready()
            return Pair(champion, challenger)

        yield started


@pytest.mark.parametrize("processes", ["1", "2"])
def test_the_same_model_agrees_and_nothing_of_it_is_evidence(start: Start, processes: str) -> None:
    pair = start(PROCESSES=processes)
    before = report(pair.challenger).counters
    pair.tell()
    assert {pair.ask(x).json()["predictions"][0] for x in (1.5, 2.5)} == {3.0, 5.0}
    eventually(lambda: pair.pairs.both_good == 2, "both are paired")
    assert (pair.pairs.compared, pair.pairs.disagreements, pair.pairs.dropped) == (2, 0, 0)
    assert report(pair.challenger).counters == before
    assert report(pair.champion).counters.answers == 2


@pytest.mark.parametrize(
    ("factor", "on_predict", "expected"),
    [
        (3, "pass", {"both_good": 5, "compared": 5, "disagreements": 5}),
        (2, RAISES, {"only_challenger_bad": 5, "compared": 0}),
        (2, NAN, {"only_challenger_bad": 5, "compared": 0}),
    ],
)
def test_what_differs_is_seen_and_no_user_sees_it(
    start: Start, factor: int, on_predict: str, expected: dict[str, int]
) -> None:
    pair = start(factor, on_predict)
    pair.tell(tolerance=0.01)
    for _ in range(5):
        assert pair.ask().json()["predictions"] == [3.0]
    total = {name: count for name, count in expected.items() if name in {"both_good", "only_challenger_bad"}}
    eventually(lambda: all(getattr(pair.pairs, name) == count for name, count in total.items()), "all are paired")
    assert {name: getattr(pair.pairs, name) for name in expected} == expected
    assert report(pair.challenger).counters.consecutive_bad == 0


def test_a_challenger_that_dies_in_the_middle_changes_nothing_for_users(start: Start) -> None:
    pair = start()
    pair.tell()
    assert pair.ask().status_code == 200
    eventually(lambda: pair.pairs.both_good == 1, "it is paired")
    pair.challenger.popen.kill()
    pair.challenger.popen.wait()
    for _ in range(20):
        assert pair.ask().json()["predictions"] == [3.0]
    eventually(lambda: pair.pairs.dropped == 20, "all are dropped")
    assert pair.pairs.only_challenger_bad == 0


def test_a_flood_drops_copies_and_no_user_waits_for_the_challenger(start: Start) -> None:
    pair = start(on_predict="__import__('time').sleep(2)")

    def together() -> list[float]:
        def one(_: int) -> float:
            began = time.monotonic()
            assert pair.ask().status_code == 200
            return time.monotonic() - began

        with ThreadPoolExecutor(4) as pool:
            return list(pool.map(one, range(150)))

    pair.tell()
    shadowed = statistics.median(together())
    eventually(lambda: pair.pairs.dropped > 0, "none is dropped")
    assert shadowed < 1.0, "a user who waited for the challenger would have waited for 2 s"
