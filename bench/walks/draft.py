"""What Git, the registry and the namespace say at one point of a walk. Values: each change makes another one."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bench.walks.ground import GOOD, Ground

Spec = dict[str, Any]
Path = Sequence[str]


@dataclass(frozen=True)
class Draft:
    """The spec, where the followed alias points, and how many pods the namespace may have."""

    ground: Ground
    spec: Spec
    alias: str = GOOD[0]  # version of the followed alias
    quota: int | None = None
    former: tuple[Spec, ...] = field(default=(), repr=False)  # earlier specs, the newest last

    @property
    def model(self) -> str:
        """The registered model that the spec names."""
        return str(self.spec["model"]["name"])

    @property
    def version(self) -> str:
        """The version that Git and the registry name together; "" where the alias is not there."""
        named: Mapping[str, str] = self.spec["model"]
        if "version" in named:
            return named["version"]
        there = (self.ground.model, self.ground.followed)
        return self.alias if (named["name"], named["alias"]) == there else ""

    @property
    def follows(self) -> bool:
        """Whether the spec names the followed alias."""
        return bool(self.spec["model"].get("alias") == self.ground.followed)

    @property
    def paused(self) -> bool:
        """Whether the spec is paused."""
        return bool(self.spec.get("paused", False))

    def with_spec(self, spec: Spec) -> "Draft":
        """Return it with another spec; the one before is remembered."""
        return replace(self, spec=spec, former=(*self.former, self.spec))

    def put(self, path: Path, value: Any) -> "Draft":
        """Return it with the value at the path of the spec; None takes the field away."""
        return self.with_spec(put(self.spec, path, value))


def put(spec: Spec, path: Path, value: Any) -> Spec:
    """A copy of the spec with the value at the path; None takes the field away."""
    found = copy.deepcopy(spec)
    inner = found
    for name in path[:-1]:
        inner = inner.setdefault(name, {})
    if value is None:
        inner.pop(path[-1], None)
    else:
        inner[path[-1]] = copy.deepcopy(value)
    return found


def base(ground: Ground) -> Spec:
    """The spec with which a walk begins, and to which it comes back. All that takes time is short."""
    return {
        "model": {"name": ground.model, "version": GOOD[0]},
        "registry": {"aliases": {"champion": ground.champion}},
        "serving": {
            "replicas": 2,
            "drain": "5s",
            "resources": {"requests": {"cpu": "10m", "memory": "128Mi"}},
        },
        "traffic": {"service": {"type": "NodePort", "nodePort": ground.port}},
        "rollout": {
            "steps": [{"weight": 50, "duration": "1s"}],
            "guards": [{"name": "errors", "errorRate": {"atMost": "50%"}}],
            "detect": 2,
            "consecutiveFailures": 3,
            "startupTimeout": "30s",
            "soak": "1s",
        },
    }
