"""The table of invalid changes: whatever the spec says besides, the API server must refuse it."""

from dataclasses import dataclass
from typing import Any, Final

from bench.walks.draft import Path

LONG = "x" * 65
_VERSION, _ERRORS = {"name": "m", "version": "1"}, {"name": "errors", "errorRate": {"atMost": "1%"}}
_METRIC = {"name": "auc", "metric": {"key": "auc", "atLeast": 0.5}}


@dataclass(frozen=True)
class Mistake:
    """A value that cannot be at this path."""

    kind: str
    path: Path
    value: Any


def _all(kind: str, *path: str, of: tuple[Any, ...]) -> tuple[Mistake, ...]:
    return tuple(Mistake(kind, path, value) for value in of)


def _step(weight: Any, duration: Any = "1s") -> dict[str, Any]:
    return {"weight": weight, "duration": duration}


OUT_OF_RANGE: Final = (
    *_all("outOfRange", "serving", "replicas", of=(0, -1, 1001)),
    *_all("outOfRange", "serving", "drain", of=("-1s", "2h")),
    *_all("outOfRange", "rollout", "steps", of=([], [_step(0)], [_step(101)], [_step(5, "8d")], [_step(5, "200h")])),
    *_all("outOfRange", "rollout", "soak", of=("-1s", "721h")),
    *_all("outOfRange", "rollout", "startupTimeout", of=("0s", "25h")),
    *_all("outOfRange", "rollout", "stepTimeout", of=("0s",)),
    *_all("outOfRange", "rollout", "detect", of=(1, 1001)),
    *_all("outOfRange", "rollout", "consecutiveFailures", of=(1, 10_001)),
    *_all("outOfRange", "rollout", "falseRollbackRate", of=("0%", "50%")),
    *_all("outOfRange", "rollout", "retry", of=(LONG,)),
    *_all("outOfRange", "traffic", "service", "port", of=(0, 65_536)),
    *_all("outOfRange", "model", "version", of=("0", "latest", "")),
)
UNKNOWN_FIELD: Final = (
    *_all("unknownField", "canary", of=({},)),
    *_all("unknownField", "serving", "replica", of=(2,)),
    *_all("unknownField", "rollout", "patience", of=("1h",)),
    *_all("unknownField", "model", "stage", of=("Production",)),
    *_all("unknownField", "traffic", "service", "ports", of=([80],)),
)
WRONG_TYPE: Final = (
    *_all("wrongType", "model", of=("churn", [_VERSION])),
    *_all("wrongType", "model", "version", of=(7, True)),
    *_all("wrongType", "serving", of=([],)),
    *_all("wrongType", "serving", "replicas", of=("two", 1.5, "2")),
    *_all("wrongType", "rollout", "steps", of=({"weight": 5}, [5], [_step("5%")], [_step(5, 1)])),
    *_all("wrongType", "rollout", "guards", of=("errors",)),
    *_all("wrongType", "rollout", "soak", of=(30, "soon", "30")),
    *_all("wrongType", "rollout", "onInconclusive", of=("wait", "Stop")),
    *_all("wrongType", "paused", of=("yes", 1)),
    *_all("wrongType", "gates", of=({"name": "auc"},)),
)
CONTRADICTION: Final = (
    *_all("contradiction", "model", of=({"name": "m"}, {**_VERSION, "alias": "a"}, {"version": "1"}, {"name": "."})),
    *_all("contradiction", "model", "name", of=("a/b", "")),
    *_all("contradiction", "rollout", "steps", of=([_step(50), _step(20)], [_step(50), _step(50)])),
    *_all("contradiction", "rollout", "guards", of=([_ERRORS, _ERRORS], [{"name": "errors"}])),
    *_all("contradiction", "gates", of=([_METRIC, _METRIC],)),
    *_all("contradiction", "gates", of=([{"name": "auc", "metric": {"key": "auc", "atLeast": 2, "atMost": 1}}],)),
    *_all("contradiction", "traffic", "service", of=({"type": "ClusterIP", "nodePort": 31029},)),
    *_all("contradiction", "registry", "uri", of=("file:///models", "https://me:secret@mlflow.example.com")),
    *_all("contradiction", "serving", "autoscaling", of=({"minReplicas": 3, "maxReplicas": 2},)),
)
MISTAKES: Final = (OUT_OF_RANGE, UNKNOWN_FIELD, WRONG_TYPE, CONTRADICTION)
