"""What the server writes is what the operator reads."""

import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families

from podium.adapters.metrics.exposition import statement
from podium.api.v1alpha1 import reasons
from podium.core.facts import Counters, Histogram
from podium.core.rollout.tripwires import tripped
from podium.runtime.faults import Outcome
from podium.runtime.http.metrics import Metrics
from podium.runtime.identity import Identity
from podium.runtime.prediction.distribution import Predictions
from tests.unit.core.factories import facts
from tests.unit.core.test_rare_facts import beside, on_trial, pod

WHO = Identity('a "quoted"\\name\n{},le="1",', "7", "r", "sha256:77")


def metrics(predictions: Predictions | None = None) -> Metrics:
    return Metrics(WHO, (0.1, 0.5), lambda: 3, predictions or Predictions())


def told(written: Metrics) -> Counters:
    said = statement(written.render().decode())
    assert said is not None
    assert said.identity is not None
    assert said.identity.digest == WHO.digest
    assert said.counters is not None
    return said.counters


def test_answers_and_their_times_arrive() -> None:
    written = metrics()
    for outcome, seconds in ((Outcome.OK, 0.05), (Outcome.OK, 0.3), (Outcome.NAN, 9.0), (Outcome.OVERLOAD, 0.0)):
        written.count(outcome, seconds)
    assert told(written) == Counters(
        answers=3, bad=1, invalid=1, consecutive_bad=1, latency=Histogram((0.1, 0.5), (1, 2), 3)
    )


@pytest.mark.parametrize(
    ("outcomes", "row"),
    [
        ("", 0),
        ("model_error nan timeout", 3),
        ("model_error ok", 0),
        ("ok nan client_error overload nan", 2),
        ("nan ok timeout", 1),
        ("nan deadline_exceeded timeout", 2),
    ],
)
def test_a_row_of_failures_ends_with_a_good_answer_and_with_nothing_else(outcomes: str, row: int) -> None:
    written = metrics()
    for each in outcomes.split():
        written.count(Outcome(each), 0.01)
    assert told(written).consecutive_bad == row


def test_clients_that_do_not_wait_for_any_model_trip_no_rollout() -> None:
    written = metrics()
    for _ in range(1000):
        written.count(Outcome.DEADLINE_EXCEEDED, 0.0)
    counters = told(written)
    assert (counters.answers, counters.bad) == (0, 0)
    assert tripped(facts(status=on_trial(), world=beside(pod("2", counters=counters)))) is None


def test_a_version_that_is_slower_than_the_server_allows_trips_it() -> None:
    written = metrics()
    for _ in range(10):
        written.count(Outcome.DEADLINE_EXCEEDED, 0.0)
        written.count(Outcome.TIMEOUT, 60.0)
    found = tripped(facts(status=on_trial(), world=beside(pod("2", counters=told(written)))))
    assert found is not None
    assert found.reason == reasons.CONSECUTIVE_FAILURES


def test_a_version_whose_queue_is_too_long_is_judged_by_its_share_of_bad_answers() -> None:
    written = metrics()
    for _ in range(20):
        written.count(Outcome.TIMEOUT, 60.0, doubtful=True)
    written.count_late(90.0)
    counters = told(written)
    assert (counters.answers, counters.bad, counters.consecutive_bad) == (20, 20, 0)
    assert counters.latency.total == 21


def test_numbers_arrive_with_both_edges_of_their_buckets() -> None:
    predictions = Predictions()
    predictions.add(np.array([-1.0, 0.0, 0.5, 2.0**30, 2.0**41]))
    low, high = -(1 + 1 / 32), -1.0
    found = told(metrics(predictions)).scores
    assert (found.edges[:2], found.counts[:2]) == ((low, high), (0, 1))
    assert found.total == 5
    assert found.counts[-1] == 4


def test_every_bucket_at_once_still_arrives() -> None:
    predictions = Predictions()
    exponents = np.arange(-21, 41, 1 / 64)
    predictions.add(np.concatenate([2**exponents, -(2**exponents), [0.0]]))
    found = told(metrics(predictions)).scores
    assert len(found.edges) == 3843
    assert found.total == 2 * len(exponents) + 1


def test_classes_arrive_under_their_names() -> None:
    predictions = Predictions()
    predictions.add(["yes", 'a "quoted" {name}', "yes"])
    assert told(metrics(predictions)).classes == {"yes": 2, 'a "quoted" {name}': 1}


def test_other_readers_of_the_format_understand_it() -> None:
    predictions = Predictions()
    predictions.add(np.array([0.5, 1.5]))
    predictions.add(["yes"])
    families = {
        family.name: family for family in text_string_to_metric_families(metrics(predictions).render().decode())
    }
    assert [(s.name, s.value) for s in families["podium_scores"].samples if "le" not in s.labels] == [
        ("podium_scores_count", 2),
        ("podium_scores_sum", 2),
    ]
    assert [(s.labels["class"], s.value) for s in families["podium_classes"].samples] == [("yes", 1)]
