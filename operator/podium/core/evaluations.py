"""What was measured of a version, and on which data."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Dataset:
    """A dataset as MLflow knows it. Its digest says whether two are the same."""

    name: str
    digest: str


@dataclass(frozen=True)
class Evaluation:
    """What was measured of a version on one dataset."""

    name: str  # what the registry calls it
    dataset: Dataset | None
    at: datetime  # of its last metric
    metrics: Mapping[str, float]
