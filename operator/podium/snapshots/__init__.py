"""Versions of a configuration: an agent's, or a BI space's, kept as LoggedModels of MLflow.

    snapshot        what a snapshot is, and how it is named
    content         the files of one, made of a configuration and what belongs to it
    prompts         versions of MLflow's prompt registry that a snapshot names
    creating        `create`
    reading         `find`, `show`, `lineage`, `diff`, `missing`
    choosing        `best`: the best evaluated one
    evaluation_job  evaluations that run elsewhere: what they are told, and whether they were linked
    tracking        MLflow's client, imported when it is used, and its errors in our words

What belongs here: how a snapshot is written so that it is whole, and read so that this is seen. What does not: its
deployment, which is the operator's, and texts for people, which are the verbs'.

MLflow is asked at the process's own tracking URI, as all its functions are. It is imported with the first call.
"""

from podium.core.best_evaluated import BestBy
from podium.snapshots.choosing import BestSnapshot, best
from podium.snapshots.creating import create
from podium.snapshots.evaluation_job import EvaluationJob
from podium.snapshots.reading import configuration, diff, find, lineage, missing, show
from podium.snapshots.snapshot import Snapshot

__all__ = [
    "BestBy",
    "BestSnapshot",
    "EvaluationJob",
    "Snapshot",
    "best",
    "configuration",
    "create",
    "diff",
    "find",
    "lineage",
    "missing",
    "show",
]
