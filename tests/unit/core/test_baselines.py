"""At which values distributions are compared: the champion's own quantiles, read once."""

from podium.api.v1alpha1.evidence import Evidence, ReferenceQuantiles, Slot
from podium.api.v1alpha1.spec.guards import Guard
from podium.core.analysis.baselines import with_baselines
from podium.core.analysis.criteria import criteria
from podium.core.analysis.quantiles import ENOUGH
from podium.core.facts import Counters, Facts, Histogram, ObservedState, PodState, SlotState
from tests.unit.core.factories import facts

DRIFT = Guard.model_validate({"name": "drift", "predictionShift": {"maxShift": "10%"}})
QUICK = Guard.model_validate({"name": "quick", "latency": {"percentile": 95, "maxSlowerThanChampion": "5%"}})
TENTHS = tuple(tenth / 10 for tenth in range(1, 11))
EVEN = Histogram(TENTHS, tuple(100 * tenth for tenth in range(1, 11)), 1000)


def seen(champion: Counters, challenger: Counters | None = None) -> Facts:
    def slot(counters: Counters | None) -> SlotState:
        return SlotState(pods=(PodState("p", "p", "1", ready=True, counters=counters),))

    slots: dict[Slot, SlotState] = {"a": slot(champion), "b": slot(challenger)}
    return facts(world=ObservedState(slots=slots))


def mark(guard: Guard, champion: Counters, challenger: Counters | None = None) -> ReferenceQuantiles | None:
    found = with_baselines(Evidence(), [guard], seen(champion, challenger), "b").baselines
    return found[0] if found else None


def test_scores_are_compared_at_the_deciles_of_the_champion() -> None:
    found = mark(DRIFT, Counters(1000, 0, scores=EVEN))
    assert found is not None
    assert found.edges == TENTHS[:9]
    assert [round(share, 3) for share in found.shares] == [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1]


def test_equal_deciles_are_one() -> None:
    lumped = Histogram((0.0, 1.0), (600, 1000), 1000)
    found = mark(DRIFT, Counters(1000, 0, scores=lumped))
    assert found is not None
    assert found.edges == (0.0, 1.0)


def test_classes_are_compared_by_their_shares_the_most_frequent_first() -> None:
    found = mark(DRIFT, Counters(1000, 0, classes={"no": 700, "yes": 300}))
    assert found is not None
    assert (found.classes, found.shares) == (("no", "yes"), (0.7, 0.3))


def test_nothing_is_read_before_the_champion_has_answered_often_enough() -> None:
    few = Histogram((0.5,), (ENOUGH - 1,), ENOUGH - 1)
    assert mark(DRIFT, Counters(ENOUGH - 1, 0, scores=few)) is None
    assert mark(DRIFT, Counters(ENOUGH - 1, 0, classes={"no": ENOUGH - 1})) is None


def test_what_was_read_once_is_kept_for_the_whole_trial() -> None:
    first = with_baselines(Evidence(), [DRIFT], seen(Counters(1000, 0, scores=EVEN)), "b")
    moved = Histogram(TENTHS, (1000,) * 10, 1000)
    assert with_baselines(first, [DRIFT], seen(Counters(2000, 0, scores=moved)), "b").baselines == first.baselines


def test_times_are_compared_at_an_edge_that_both_sides_have() -> None:
    champion = Histogram((0.01, 0.02, 0.05), (100, 960, 1000), 1000)
    challenger = Histogram((0.01, 0.05), (10, 10), 10)
    found = mark(QUICK, Counters(1000, 0, latency=champion), Counters(10, 0, latency=challenger))
    assert found is not None
    assert found.edges == (0.05,)
    assert mark(QUICK, Counters(1000, 0, latency=champion)) is None, "the challenger's edges are not known yet"


def test_a_direction_without_room_for_the_margin_is_not_asked() -> None:
    evidence = Evidence(baselines=[ReferenceQuantiles(guard="drift", edges=(0.5, 0.9), shares=(0.5, 0.02))])
    asked = [(criterion.measure.name, criterion.mirrored) for criterion in criteria(DRIFT, evidence)]
    assert asked == [("scores above 0.5", False), ("scores above 0.5", True), ("scores above 0.9", False)]
