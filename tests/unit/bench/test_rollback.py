"""What the figures of `make bench-rollback` mean, and what its model does. The trials need the cluster."""

import json
import os
import time
from random import Random

import numpy as np
import pandas as pd
import pytest

from bench.cluster import obedient, orders
from bench.cluster.obedient import Obedient
from bench.cluster.subject import model_deployment
from bench.rollback import __main__ as bench
from bench.rollback.summary import Figures, Run, crashing, failing, rose
from bench.rollback.trials import CHALLENGER, CHAMPION, RISES, STAYS, spec
from demo.ledger import Answer, Ledger
from podium.api.v1alpha1.manifest import ModelDeploymentManifest


def ledger(*answers: tuple[float, str, int]) -> Ledger:
    """Answers as (time, version, status), each sent a tenth of a second before."""
    return Ledger([Answer(at - 0.1, at, version, status) for at, version, status in answers])


def test_a_failing_challenger_leaves_with_its_last_answer_and_all_failures_since_its_first_are_counted() -> None:
    seen = ledger((0.5, "2", 200), (1, "2", 500), (1.1, "1", 200), (1.5, "2", 500), (1.7, "", 0), (2.5, "2", 200))
    assert failing(seen, "2") == Run(1.5, 3)


def test_a_challenger_that_never_failed_cannot_be_measured() -> None:
    with pytest.raises(ValueError, match="none of its answers failed"):
        failing(ledger((1, "2", 200), (2, "1", 500)), "2")


def test_a_crash_is_over_when_nothing_is_lost_any_more_and_the_weight_is_back() -> None:
    seen = ledger((1, "2", 200), (2, "", 0), (2.6, "", 0), (3, "1", 200))
    assert crashing(seen, "2", [(0, 20), (2.3, 0)]) == Run(0.5, 2)  # the status was sooner
    assert crashing(seen, "2", [(0, 20), (3.5, 0)]) == Run(1.5, 2)


def test_a_lost_request_counts_when_it_was_sent_however_long_its_client_waited() -> None:
    seen = ledger((2, "", 0))
    seen.add(Answer(2.25, 12.25, "", 0))
    assert crashing(seen, "2", [(0, 20), (2.1, 0)]) == Run(0.25, 2)


def test_an_answer_of_a_challenger_that_came_back_counts_too() -> None:
    seen = ledger((2, "", 0), (7, "2", 200))
    assert crashing(seen, "2", [(0, 20), (3, 0)]).seconds == 5


@pytest.mark.parametrize(
    ("answers", "weights", "why"),
    [
        ([(1.0, "2", 500)], [(2.0, 0)], "no request was lost"),
        ([(1.0, "", 0)], [(0.5, 0), (2.0, 20)], "never taken back"),
    ],
)
def test_a_crash_that_was_none_cannot_be_measured(
    answers: list[tuple[float, str, int]], weights: list[tuple[float, int]], why: str
) -> None:
    with pytest.raises(ValueError, match=why):
        crashing(ledger(*answers), "2", weights)


@pytest.mark.parametrize(
    ("weights", "higher"),
    [
        ([(0, 20), (2, 0)], False),
        ([(0, 20), (2, 20), (3, 0)], False),
        ([(0, 20), (2, 50), (3, 0)], True),
        ([(0, 50), (2, 20), (3, 50), (4, 0)], False),
        ([(0, 50), (0.5, 20), (3, 50), (4, 0)], True),
        ([(2, 20)], True),
    ],
)
def test_a_weight_has_risen_when_it_is_above_that_of_the_crash(weights: list[tuple[float, int]], higher: bool) -> None:
    assert rose(weights, since=1) is higher


def test_the_figures_are_medians_and_the_worst() -> None:
    runs = [Run(1, 10), Run(2.004, 30), Run(9, 20), Run(3, 1)]
    assert Figures(runs).as_json() == {"seconds_median": 2.5, "seconds_worst": 9, "failed_median": 15}


def test_a_mix_has_about_the_share_of_orders_and_the_same_for_the_same_seed() -> None:
    mixed = orders.mix(orders.FAIL, 0.2, Random(1))
    assert 0.18 < mixed.count(orders.body(orders.FAIL)) / len(mixed) < 0.22
    assert set(mixed) == {orders.body(orders.FAIL), orders.body(orders.WORK)}
    assert mixed == orders.mix(orders.FAIL, 0.2, Random(1))


def test_the_model_has_the_same_words_as_the_clients() -> None:
    for word in ("FAIL", "CRASH", "INVALID", "HANG", "BUSY", "COLUMN"):
        assert getattr(obedient, word) == getattr(orders, word)


def asked(order: int) -> pd.DataFrame:
    sent = json.loads(orders.body(order))["dataframe_split"]
    return pd.DataFrame(sent["data"], columns=sent["columns"])


def test_the_challenger_does_as_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    model = Obedient(obeys=True)
    ended: list[int] = []
    monkeypatch.setattr(os, "_exit", ended.append)
    assert np.array_equal(model.predict(None, asked(orders.WORK)), [orders.WORK])
    with pytest.raises(ValueError, match="told to fail"):
        model.predict(None, asked(orders.FAIL))
    assert ended == []
    assert np.isnan(model.predict(None, asked(orders.INVALID))).all()
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    model.predict(None, asked(orders.HANG))
    model.predict(None, asked(orders.BUSY))
    assert slept == [5.0, 1.0]
    model.predict(None, asked(orders.CRASH))
    assert ended == [obedient.CRASHED]


@pytest.mark.parametrize("order", [orders.FAIL, orders.CRASH, orders.INVALID, orders.HANG, orders.BUSY])
def test_the_champion_heeds_no_orders(order: int) -> None:
    assert np.array_equal(Obedient(obeys=False).predict(None, asked(order)), [order])


@pytest.mark.parametrize("steps", [STAYS, RISES])
def test_its_yaml_is_right(steps: list[dict[str, object]]) -> None:
    made = ModelDeploymentManifest.model_validate(model_deployment(spec(CHALLENGER, steps, retry="1")))
    assert made.spec.model.version == CHALLENGER != CHAMPION


def test_the_table_tells_what_was_not_reached(capsys: pytest.CaptureFixture[str]) -> None:
    slow = {"seconds_median": 3.0, "seconds_worst": 4.0, "failed_median": 12}
    bench.print_table({"fail20": slow, "crashloop": slow | {"weight_rose": 1}, "healthy_rejected": 0})
    missed = [line.split(":")[0] for line in capsys.readouterr().out.splitlines() if "NOT REACHED" in line]
    assert missed == ["fail20", "crashloop", "crashloop"]
