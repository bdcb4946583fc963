"""Evaluations that run elsewhere, as a job: it is told the snapshot's id, and what came of it is checked afterwards.

    job = EvaluationJob.of(snapshot.model_id)
    run_id = start_and_wait_for_my_job(job.parameters)    # it calls mlflow.genai.evaluate(…, model_id=…)
    evaluations = job.finished(run_id)

A job that loses the id on its way evaluates all the same, and its run names no model, in silence.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from podium.core.evaluations import Evaluation
from podium.errors import Rejected, Temporary
from podium.snapshots.reading import show
from podium.snapshots.snapshot import Snapshot, model_id_of
from podium.snapshots.tracking import client, doing


@dataclass(frozen=True)
class EvaluationJob:
    """One evaluation of one snapshot by a job."""

    model_id: str

    @classmethod
    def of(cls, model_id: str) -> Self:
        """Raises Rejected where the id is empty or names no snapshot, and NotFound where there is none of this id."""
        return cls(show(model_id_of(model_id, "the model id")).model_id)

    @property
    def parameters(self) -> Mapping[str, str]:
        """What the job is to be given, and to hand on to `mlflow.genai.evaluate` or `mlflow.models.evaluate`."""
        return {"model_id": self.model_id}

    def finished(self, run_id: str) -> Sequence[Evaluation]:
        """What the run measured of the snapshot, one for each dataset.

        Raises Temporary while the run goes on, and Rejected where it failed, or where it is not linked to the snapshot.
        """
        if not isinstance(run_id, str) or not run_id.strip():
            raise Rejected(f"the job returned the run id {run_id!r}; required: the id of the run that it evaluated in")
        with doing(f"read run {run_id}", "The job returned an id that is none of a run at this tracking URI"):
            run = client().get_run(run_id)
        self._refuse_unfinished(run)
        snapshot = show(self.model_id)
        self._refuse_unlinked(run, snapshot)
        return [each for each in snapshot.evaluations if each.name == run_id]

    def _refuse_unfinished(self, run: Any) -> None:
        if run.info.status in {"RUNNING", "SCHEDULED"}:
            raise Temporary(f"run {run.info.run_id} is {run.info.status}. Ask again once the job has ended")
        if run.info.status != "FINISHED":
            raise Rejected(f"run {run.info.run_id} is {run.info.status}; required: FINISHED. Read the job's log")

    def _refuse_unlinked(self, run: Any, snapshot: Snapshot) -> None:
        """A metric that was logged with the id is linked, too, though the run's inputs do not name it."""
        run_id = run.info.run_id
        if any(each.name == run_id and each.metrics for each in snapshot.evaluations):
            return
        named = [each.model_id for each in run.inputs.model_inputs] if run.inputs is not None else []
        if self.model_id in named:
            raise Rejected(f"run {run_id} names {self.model_id}, and measured no metric of it")
        raise Rejected(
            f"run {run_id} names {', '.join(named) or 'no model'}; expected: {self.model_id}. Pass the job's parameter "
            "model_id on to mlflow.genai.evaluate or mlflow.models.evaluate"
        )
