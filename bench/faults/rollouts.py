"""Whole rollouts, short ones: few requests prove much, and steps last seconds. A new one is a row.

Each says what people do, in a world whose schedule it arms once the faults may begin, and what is under trial.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from bench.faults.faulty_world import FaultyWorld
from podium.api.v1alpha1.spec.spec import Spec
from podium.api.v1alpha1.status import Phase
from podium.errors import Unavailable
from podium.simulation.world.pods import Behaviour
from podium.simulation.world.view import KEY, MODEL

SECOND: Final = timedelta(seconds=1)
_GUARD: Final = {"name": "errors", "errorRate": {"atMost": "20%"}}
_QUICK: Final = {"steps": [{"weight": 50, "duration": "2s"}], "soak": "3s", "guards": [_GUARD]}
_SERVING: Final = {"replicas": 1, "drain": "1s"}
_GATEWAY: Final = {"gateway": {"name": "public"}}
_LOADS: Final = 0.4  # seconds
_IMAGE: Final = "podium-runtime:2"
_ELSEWHERE: Final = "http://mlflow.other.example:5000"
_TRIED: Final = frozenset({Phase.CANARY, Phase.PROMOTING, Phase.SOAKING})

Act = Callable[[FaultyWorld, "Rollout"], None]


@dataclass(frozen=True)
class Rollout:
    """What people do, and how the version that it is about behaves."""

    name: str
    act: Act  # once version 1 is champion
    subject: Mapping[str, Any] = field(default_factory=dict)
    parts: Mapping[str, Any] = field(default_factory=dict)  # of the spec
    image: Mapping[str, Any] = field(default_factory=dict)  # how pods of another image behave, whatever their version
    elsewhere: Mapping[str, Any] = field(default_factory=dict)  # how pods that load from another registry behave
    loses: bool = False  # the version must lose its trial: for how long it has traffic is bounded
    first: bool = False  # there is no champion yet
    remembers: bool = True  # it ends the same where the status was emptied

    def prepare(self, world: FaultyWorld) -> None:
        """Version 1 is champion, unless the rollout is about the first version."""
        world.register("1", **{"ready_after": _LOADS, "stagger": 0.0, **(self.subject if self.first else {})})
        world.register("2", **{"ready_after": _LOADS, "stagger": 0.0, **self.subject})
        world.register("3", ready_after=_LOADS, stagger=0.0)
        if not self.first:
            world.commit(self.spec("1"))
            world.settle("1")
            world.run(SECOND)

    def spec(self, version: str | None, **parts: Any) -> Spec:
        """The spec with this version; None for the one that the alias names."""
        model = {"name": MODEL, "version": version} if version else {"name": MODEL, "alias": "candidate"}
        body = {"serving": _SERVING, "rollout": _QUICK, **self.parts, **parts}
        return Spec.model_validate({"model": model, **body})


def _commits(version: str, **parts: Any) -> Act:
    return lambda world, of: world.commit(of.spec(version, **parts), f"version {version}")


def _reverts(world: FaultyWorld, of: Rollout) -> None:
    _commits("2")(world, of)
    world.reach(Phase.CANARY)
    _commits("1")(world, of)
    world.must_lose()


def _pauses(world: FaultyWorld, of: Rollout) -> None:
    _commits("2")(world, of)
    world.reach(Phase.CANARY)
    _commits("2", paused=True)(world, of)
    world.run(4 * SECOND)
    _commits("2")(world, of)


def _supersedes(world: FaultyWorld, of: Rollout) -> None:
    _commits("2")(world, of)
    world.reach(Phase.CANARY)
    _commits("3")(world, of)


def _approves(world: FaultyWorld, of: Rollout) -> None:
    gates = [{"name": "signed", "approval": {}}]
    _commits("2", gates=gates)(world, of)
    world.run(3 * SECOND)
    _commits("2", gates=gates, approvals=[{"version": "2", "by": "alice"}])(world, of)


def _follows(world: FaultyWorld, of: Rollout) -> None:
    world.registry.point(MODEL, "candidate", "1")
    world.commit(of.spec(None), "the alias candidate")
    world.run(2 * SECOND)
    world.registry.point(MODEL, "candidate", "2")


def _loses_registry(world: FaultyWorld, of: Rollout) -> None:
    _commits("2")(world, of)
    world.reach(Phase.CANARY)
    world.registry.failure = Unavailable("the registry does not answer")
    world.run(20 * SECOND)
    world.registry.failure = None


def _turns_bad(world: FaultyWorld, of: Rollout) -> None:
    _commits("2")(world, of)
    world.until(lambda seen: seen.champion() == "2")
    world.behaviour("2").bad_share = 1.0
    world.must_lose()


def _scales(world: FaultyWorld, of: Rollout) -> None:
    _commits("2")(world, of)
    world.reach(Phase.CANARY)
    world.commit(of.spec("2", serving={**_SERVING, "replicas": 3}), "3 replicas")


def _upgrades(world: FaultyWorld, of: Rollout) -> None:
    world.cluster.behave_image(_IMAGE, Behaviour(**{"ready_after": _LOADS, **of.image}))
    world.cluster.runtime_image = _IMAGE
    world.restart()


def _changes_image(world: FaultyWorld, of: Rollout) -> None:
    world.cluster.behave_image(_IMAGE, Behaviour(**{"ready_after": _LOADS, **of.image}))
    world.commit(of.spec("1", serving={**_SERVING, "image": _IMAGE}), f"image {_IMAGE}")


def _reverts_image(world: FaultyWorld, of: Rollout) -> None:
    _changes_image(world, of)
    world.until(lambda seen: seen.status.phase in _TRIED)  # without a champion's pod, no canary comes first
    _commits("1")(world, of)


def _moves_registry(world: FaultyWorld, of: Rollout) -> None:
    world.cluster.behave_registry(_ELSEWHERE, Behaviour(**{"ready_after": _LOADS, **of.elsewhere}))
    world.move_registry(_ELSEWHERE)


def _names_registry(world: FaultyWorld, of: Rollout) -> None:
    _commits("2")(world, of)
    world.until(lambda seen: seen.status.phase in _TRIED)
    world.cluster.behave_registry(_ELSEWHERE, Behaviour(**{"ready_after": _LOADS, **of.elsewhere}))
    world.commit(of.spec("2", registry={"uri": _ELSEWHERE}), f"the registry at {_ELSEWHERE}")


def _returns_in_place(world: FaultyWorld, of: Rollout) -> None:
    _commits("2")(world, of)
    world.settle("2")
    _commits("1")(world, of)


def _deletes(world: FaultyWorld, of: Rollout) -> None:
    _commits("2")(world, of)
    world.reach(Phase.CANARY)
    world.note("the ModelDeployment is deleted")
    world.cluster.remove(KEY)
    world.tell()


ROLLOUTS: Final = (
    Rollout("first-version", _commits("1"), first=True),
    Rollout("first-version-crashes", _commits("1"), first=True, subject={"crash_after": 0.2, "exit_code": 1}),
    Rollout("good", _commits("2")),
    Rollout("bad-answers", _commits("2"), subject={"bad_share": 0.8}, loses=True),
    Rollout("bad-in-the-soak", _turns_bad, loses=True, remembers=False),
    Rollout("crash", _commits("2"), subject={"crash_after_answers": 5, "exit_code": 139}, loses=True),
    Rollout("out-of-memory", _commits("2"), subject={"crash_after": 0.2, "exit_code": 137}, loses=True),
    Rollout("another-digest", _commits("2"), subject={"digest": "sha256:" + "f" * 64}, loses=True),
    Rollout("gates-pending", _approves),
    Rollout("gate-fails", _commits("2", gates=[{"name": "auc", "metric": {"key": "auc", "atLeast": 0.95}}])),
    Rollout("alias-follow", _follows),
    Rollout("revert-in-trial", _reverts, loses=True),
    Rollout("superseded-in-trial", _supersedes),
    Rollout("pause-and-resume", _pauses),
    Rollout("scaled-in-trial", _scales),
    Rollout("gateway-good", _commits("2"), parts={"traffic": _GATEWAY}),
    Rollout("gateway-bad", _commits("2"), parts={"traffic": _GATEWAY}, subject={"bad_share": 0.8}, loses=True),
    Rollout("serving-change", _commits("1", serving={**_SERVING, "env": [{"name": "A", "value": "1"}]})),
    Rollout("image", _changes_image),
    Rollout("image-bad", _changes_image, image={"bad_share": 0.8}, remembers=False),
    Rollout("image-reverted-in-trial", _reverts_image),
    Rollout(
        "revert-in-place", _returns_in_place, parts={"serving": {**_SERVING, "reload": "InPlace"}}, remembers=False
    ),
    Rollout("operator-upgrade", _upgrades),
    Rollout("operator-upgrade-bad", _upgrades, image={"bad_share": 0.8}, remembers=False),
    Rollout("registry-down", _loses_registry, subject={"bad_share": 0.8}, loses=True),
    Rollout("registry-moves", _moves_registry),
    Rollout("registry-moves-bad", _moves_registry, elsewhere={"bad_share": 0.8}, remembers=False),
    Rollout("registry-named-in-trial", _names_registry),
    Rollout("deletion", _deletes),
)
BY_NAME: Final = {rollout.name: rollout for rollout in ROLLOUTS}
