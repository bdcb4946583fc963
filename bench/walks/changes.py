"""The table of valid changes: what a person may well commit, or do in the registry, wise or not."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random
from typing import Any, Final

from bench.walks.draft import Draft, base
from bench.walks.ground import BROKEN, GOOD, MISSING, OTHER_GOOD

NO_IMAGE: Final = "localhost/podium-there-is-none:1"
NO_REGISTRY: Final = "http://nowhere.mlflow:5000"
MLFLOW: Final = "http://mlflow.mlflow:5000"  # where the operator's own setting leads, too
ONE_STEP, TWO_STEPS = (
    [{"weight": 50, "duration": "1s"}],
    [{"weight": 20, "duration": "1s"}, {"weight": 60, "duration": "0s"}],
)
# Limits so wide that a few answers are enough: a version that fails at each request is far beyond them.
ERRORS = {"name": "errors", "errorRate": {"atMost": "50%"}}
LATENCY = {"name": "fast", "latency": {"percentile": 50, "atMost": "5s"}}
VALID = {"name": "valid", "invalidOutput": {"atMost": "50%"}}
PASSING = [{"name": "signature", "signature": {"compatibleWith": "champion"}}]
FAILING = [{"name": "accurate", "metric": {"key": "auc", "atLeast": 0.9}}]  # no run has such a metric
FEW = 2  # pods that a quota leaves


@dataclass(frozen=True)
class Change:
    """One kind of change, and how often it is drawn beside the others."""

    kind: str
    apply: Callable[[Draft, Random], Draft]
    often: int = 2


def at(*path: str, of: tuple[Any, ...]) -> Callable[[Draft, Random], Draft]:
    """One of these values at this path; None takes the field away."""
    return lambda draft, random: draft.put(path, random.choice(of))


def _model(draft: Draft, **which: str) -> Draft:
    return draft.put(("model",), {"name": draft.ground.model, **which})


def _version(*versions: str) -> Callable[[Draft, Random], Draft]:
    return lambda draft, random: _model(draft, version=random.choice(versions))


def _other_model(draft: Draft, _: Random) -> Draft:
    return draft.put(("model",), {"name": draft.ground.other, "version": OTHER_GOOD})


def _follow(draft: Draft, random: Random) -> Draft:
    return _move(_model(draft, alias=draft.ground.followed), random)


def _move(draft: Draft, random: Random) -> Draft:
    """The followed alias moves: to a good version mostly."""
    followed = draft if draft.follows else _model(draft, alias=draft.ground.followed)
    return replace(followed, alias=random.choice((*GOOD, *GOOD, *BROKEN)))


def _revert(draft: Draft, random: Random) -> Draft:
    return draft.with_spec(random.choice(draft.former)) if draft.former else draft


def _quota(draft: Draft, random: Random) -> Draft:
    """No room for a challenger, together with another version or another size."""
    small = replace(draft, quota=FEW)
    return random.choice((_version(*GOOD), at("serving", "replicas", of=(3,))))(small, random)


def _several(draft: Draft, random: Random) -> Draft:
    """One commit with a version, another template and other steps."""
    for change in (_version(*GOOD), _env, _steps):
        draft = change(draft, random)
    return draft


def mend(draft: Draft, random: Random) -> Draft:
    """All obstacles go, and Git names a good version: with a new text for retry, so that a rejection does not stay."""
    spec = base(draft.ground)
    spec["model"]["version"] = random.choice(GOOD)
    spec["rollout"]["retry"] = f"mended-{len(draft.former)}"
    return replace(draft.with_spec(spec), quota=None)


def _retry(draft: Draft, _: Random) -> Draft:
    return draft.put(("rollout", "retry"), f"again-{len(draft.former)}")


def _alias(draft: Draft, random: Random) -> Draft:
    names = (draft.ground.champion, f"{draft.ground.champion}-b")
    return draft.put(("registry", "aliases", "champion"), random.choice(names))


_env: Final = at(
    "serving", "env", of=([{"name": "COLOUR", "value": "red"}], [{"name": "COLOUR", "value": "blue"}], None)
)
_steps: Final = at("rollout", "steps", of=(ONE_STEP, TWO_STEPS))

CHANGES: Final = (
    Change("version", _version(*GOOD), often=6),
    Change("missingVersion", _version(MISSING)),
    Change("brokenVersion", _version(*BROKEN), often=4),
    Change("otherModel", _other_model),
    Change("missingModel", lambda draft, _: draft.put(("model",), {"name": "there-is-none", "version": "1"}), often=1),
    Change("followAlias", _follow),
    Change("missingAlias", lambda draft, _: _model(draft, alias="nowhere"), often=1),
    Change("moveAlias", _move, often=3),
    Change("replicas", at("serving", "replicas", of=(1, 2, 3)), often=4),
    Change("steps", _steps),
    Change("guards", at("rollout", "guards", of=([ERRORS], [ERRORS, LATENCY], [ERRORS, VALID]))),
    Change("gates", at("gates", of=(PASSING, FAILING, None))),
    Change("missingImage", at("serving", "image", of=(NO_IMAGE,))),
    Change("env", _env),
    Change("soak", at("rollout", "soak", of=("0s", "1s", "3s"))),
    Change("startupTimeout", at("rollout", "startupTimeout", of=("25s", "30s"))),
    Change("pause", at("paused", of=(True, False)), often=3),
    Change("retry", _retry),
    Change("championAlias", _alias),
    Change("registry", at("registry", "uri", of=(MLFLOW, NO_REGISTRY, None))),
    Change("quota", _quota),
    Change("several", _several),
    Change("revert", _revert, often=4),
)
MEND: Final = Change("mend", mend)


def ill(draft: Draft) -> bool:
    """Whether something stands in the way of most versions: a walk that stays there sees little."""
    spec = draft.spec
    return (
        draft.quota is not None
        or draft.paused
        or spec["serving"].get("image") is not None
        or spec["registry"].get("uri") == NO_REGISTRY
        or spec.get("gates") == FAILING
    )


def good(draft: Draft) -> bool:
    """Whether Git names a version that works, and nothing is in its way."""
    versions = {draft.ground.model: GOOD, draft.ground.other: (OTHER_GOOD,)}
    return draft.version in versions.get(draft.model, ()) and not ill(draft)
