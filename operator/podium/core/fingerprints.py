"""Hashes of parts of the spec, so that a change of these parts is noticed and no other."""

import json
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Final

from podium.api.v1alpha1 import reasons
from podium.api.v1alpha1.source import address
from podium.api.v1alpha1.spec.gates import Gate
from podium.api.v1alpha1.spec.serving import Serving
from podium.api.v1alpha1.spec.spec import Spec
from podium.api.v1alpha1.status import Pinned, Rejection, Trial
from podium.api.v1alpha1.values.base import Value, format_time
from podium.core.facts import Facts

# Failures that another image, more memory or another environment can mend.
OF_SERVING: Final = frozenset(
    {
        reasons.CRASHED,
        reasons.LOAD_FAILED,
        reasons.NO_READY_PODS,
        reasons.OUT_OF_MEMORY,
        reasons.PREDICTION_STALLED,
        reasons.STARTUP_TIMEOUT,
    }
)

_PART: Final = "."  # between the parts of a template's hash


def terms_hash(spec: Spec) -> str:
    """The terms of a trial: editing any of them restarts it."""
    return _fingerprint(spec.gates, spec.rollout.steps, spec.rollout.guards, *_strictness(spec))


def rejection_hash(spec: Spec, reason: str = "") -> str:
    """What a rejection was about: a change of any of it gives the version another trial.

    A version that did not load, start or stay up failed under its image, memory and environment, too.
    """
    about = (spec.gates, spec.rollout.guards, spec.rollout.retry, *_strictness(spec))
    return _fingerprint(*about, _unsized(spec.serving)) if reason in OF_SERVING else _fingerprint(*about)


def experiment_hash(spec: Spec) -> str:
    """What an experiment is about. A change of any of it gives another one; other terms only begin it again."""
    return _fingerprint(spec.rollout.experiment, spec.model.name, spec.model.version, spec.rollout.retry)


def watch_hash(spec: Spec) -> str:
    """The terms on which a champion is watched after its soak."""
    rollout = spec.rollout
    return _fingerprint(rollout.guards, rollout.after_soak, rollout.false_promotion_rate)


@dataclass(frozen=True)
class Fingerprints:
    """The hashes of one spec. Each is made when it is asked for, and once."""

    spec: Spec

    @cached_property
    def terms(self) -> str:
        """See `terms_hash`."""
        return terms_hash(self.spec)

    @cached_property
    def whole(self) -> str:
        """See `spec_hash`."""
        return spec_hash(self.spec)

    def stands(self, lost: Rejection) -> bool:
        """Whether a rejection is still about what Git says: also one that was written down without `serving`.

        What did not load or stay up may do so from the registry that Git names instead.
        """
        if lost.reason in OF_SERVING and self._named_elsewhere(lost):
            return False
        return lost.rejection_hash == self._judged or (
            lost.reason in OF_SERVING and lost.rejection_hash == self._served
        )

    def _named_elsewhere(self, lost: Rejection) -> bool:
        named = self.spec.registry.uri
        return bool(named and lost.registry) and address(named or "") != address(lost.registry)

    @cached_property
    def _judged(self) -> str:
        return rejection_hash(self.spec)

    @cached_property
    def _served(self) -> str:
        return rejection_hash(self.spec, next(iter(OF_SERVING)))


def fingerprints(facts: Facts) -> Fingerprints:
    """The hashes of what Git says: the same value for all the facts of a reconcile."""
    return facts.once(Fingerprints, facts.spec)


def spec_hash(spec: Spec) -> str:
    """The whole spec but for the number of pods, which an autoscaler may write."""
    return _fingerprint(spec.model_copy(update={"serving": _unsized(spec.serving)}))


def template_hash(spec: Spec) -> str:
    """What Git says of the pods, whatever the operator makes of it. Their number is no part of it.

    The registry that Git names has a part of its own, which an older Podium did not write.
    """
    serving = _unsized(spec.serving).model_copy(update={"autoscaling": None})
    preview = spec.traffic.preview
    tested = (preview.header, preview.value) if preview is not None else ()
    uri = spec.registry.uri
    named = _fingerprint(address(uri) if uri else None)
    return f"{_fingerprint(serving, spec.registry.secret_name, tested)}{_PART}{named}"


def same_by_git(one: str, other: str) -> bool:
    """Whether Git said the same of the pods, by two of these hashes. What only one of them has says nothing."""
    return all(part == beside for part, beside in zip(one.split(_PART), other.split(_PART), strict=False))


def _unsized(serving: Serving) -> Serving:
    return serving.model_copy(update={"replicas": 1})


def _strictness(spec: Spec) -> tuple[float, ...]:
    rollout = spec.rollout
    return rollout.false_rollback_rate, rollout.false_promotion_rate, rollout.detect, rollout.consecutive_failures


def request_id(spec: Spec, gate: Gate, pinned: Pinned) -> str:
    """The ID of a request to a job or webhook: one for each gate as it stands, version, digest and `rollout.retry`."""
    return _fingerprint(gate, spec.model.name, pinned.version, pinned.digest, spec.rollout.retry)


def trial_id(challenger: Pinned, trial: Trial) -> str:
    """A short name of a trial, which no other one of the same ModelDeployment has."""
    return _fingerprint(challenger.version, challenger.digest, format_time(trial.started_at))[:8]


def _fingerprint(*parts: object) -> str:
    text = json.dumps(parts, sort_keys=True, default=_plain)
    return sha256(text.encode()).hexdigest()[:16]


def _plain(value: object) -> object:
    assert isinstance(value, Value)
    return value.model_dump(mode="json", exclude_defaults=True)
