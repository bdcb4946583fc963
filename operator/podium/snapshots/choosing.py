"""The best of an experiment's snapshots, by an evaluation that is linked to each."""

from dataclasses import dataclass

from podium.core.best_evaluated import BestBy, Candidate, best_of
from podium.errors import NotFound
from podium.snapshots.reading import find
from podium.snapshots.snapshot import Snapshot

_MOST = 10_000  # snapshots that are looked at, the newest


@dataclass(frozen=True)
class BestSnapshot:
    """The snapshot, and the value that made it the best."""

    snapshot: Snapshot
    value: float


def best(experiment: str, by: BestBy, *, kind: str | None = None, domain: str | None = None) -> BestSnapshot:
    """The snapshot with the best value within the limit; of equal ones the one that was made first.

    Of each its newest evaluation on the dataset counts. Raises NotFound where none is good enough, or none was
    evaluated, and what `find` raises.
    """
    oldest_first = reversed(find(experiment, kind=kind, domain=domain, most=_MOST))
    made = {each.model_id: each for each in oldest_first}
    found = best_of([Candidate(each.model_id, each.evaluations) for each in made.values()], by)
    if found.candidate is None or found.value is None:
        raise NotFound(
            f"experiment {experiment}: {found.problem}. Evaluate a snapshot with mlflow.genai.evaluate(…, model_id=…), "
            "or mend metric, dataset and limit"
        )
    return BestSnapshot(made[found.candidate.name], found.value)
