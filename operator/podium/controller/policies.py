"""PodiumPolicies as they were read last, and what a ModelDeployment is by them.

They are read again each minute and when a watch tells of one, and whoever is concerned is reconciled. A reconcile only
looks at what was read last: policies stand before no rollback, and a list that fails takes nothing away.

Where their CRD is not installed, as after an upgrade from a release without it, everything is as it was before: see
docs/decisions/0034. A process that has read policies once takes a CRD that is gone for no policy at all.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from podium.api.v1alpha1.policy import PodiumPolicySpec
from podium.api.v1alpha1.spec.spec import Spec
from podium.api.v1alpha1.status import Phase, PodTemplate
from podium.controller.waiting import within
from podium.core.facts import Key
from podium.core.permissions.matching import for_namespace
from podium.core.permissions.permitted import permitted, unsafe
from podium.core.permissions.signatures import with_keys, with_required_keys
from podium.core.refusal import Refusal
from podium.core.rollout.last_spec import recorded, trial_spec
from podium.core.traffic.phase_targets import PHASE_TARGETS
from podium.errors import Permanent, PodiumError, Unavailable
from podium.ports import Clock, ModelDeployment, Policies

EVERY: Final = 60.0  # seconds between two reads
_RETRY: Final = 1.0
_UNREAD: Final = "PodiumPolicies are not read yet"
_FIRST: Final = 2.0  # seconds that a reconcile waits for the first read
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Read:
    """What was read."""

    policies: Sequence[PodiumPolicySpec] | None  # None: the CRD is not installed
    labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # of namespaces; empty where none is needed
    problem: str = ""  # why they cannot be read: then none grants anything

    def of(self, namespace: str) -> tuple[PodiumPolicySpec, ...] | None:
        """Those that match the namespace."""
        if self.policies is None:
            return None
        return for_namespace(self.policies, namespace, self.labels.get(namespace, {}))


class PolicyBook:
    """The policies of all namespaces."""

    def __init__(
        self,
        policies: Policies,
        clock: Clock,
        own_registry: str,
        *,
        wake: Callable[[Key], None],
        template: Callable[[ModelDeployment], PodTemplate | None] = lambda md: md.template,
    ) -> None:
        """`wake` is told of each ModelDeployment whose grants have changed; `template`: of its pods."""
        self._template = template
        self._policies = policies
        self._clock = clock
        self._own_registry = own_registry
        self._wake = wake
        self._read: _Read | None = None
        self._first = asyncio.Event()
        self._keys: dict[str, set[Key]] = {}  # by namespace: who was asked about

    def clear(self) -> None:
        """Nothing is known: this process begins to lead."""
        self._read = None
        self._first.clear()

    def forget(self, key: Key) -> None:
        """It is gone."""
        self._keys.get(key.namespace, set()).discard(key)

    async def run(self) -> None:
        """Read until cancelled."""
        while True:
            if await self.once():
                await self._changed()
            else:
                await self._clock.sleep(_RETRY)

    async def _changed(self) -> None:
        """Return when a watch tells of a change, and in a minute at the latest. One that fails is only a hint less."""
        timer, watch = asyncio.ensure_future(self._clock.sleep(EVERY)), asyncio.ensure_future(self._policies.changed())
        try:
            await asyncio.wait((timer, watch), return_when=asyncio.FIRST_COMPLETED)
            if watch.done() and watch.exception() is not None:
                _log.debug("the watch of PodiumPolicies ended: %s", watch.exception())
                await timer
        finally:
            for each in (timer, watch):
                each.cancel()
            await asyncio.gather(timer, watch, return_exceptions=True)

    async def once(self) -> bool:
        """Read all, and wake those whose grants are others now. Returns False where the API server did not answer."""
        try:
            found = await self._all()
        except Permanent as error:
            _log.error("could not read PodiumPolicies, so that none grants anything: %s", error)
            found = _Read((), problem=f"Podium may not read PodiumPolicies: apply manifests/rbac.yaml ({error})")
        except PodiumError as error:
            _log.warning("could not read PodiumPolicies, retrying; those read last stand: %s", error)
            return False
        before, self._read = self._read, found
        self._first.set()
        if before is None:
            if found.policies is None:
                _log.warning("the CRD of PodiumPolicy is not installed: nothing is refused. Apply crds/")
            return True
        for namespace, keys in self._keys.items():
            if (before.of(namespace), before.problem) != (found.of(namespace), found.problem):
                _log.info("the PodiumPolicies of namespace %s have changed", namespace)
                for key in sorted(keys, key=str):
                    self._wake(key)
        return True

    async def _all(self) -> _Read:
        policies = await self._policies.policies()
        if policies is None:
            known = self._read is not None and self._read.policies is not None
            return _Read(() if known else None)
        by_label = any(policy.namespace_selector.needs_labels for policy in policies)
        return _Read(tuple(policies), await self._policies.namespaces() if by_label else {})

    async def confined(self, md: ModelDeployment) -> ModelDeployment:
        """The ModelDeployment with its policies, what they refuse, and the spec that goes on where they do.

        Raises Unavailable while no policy could be read yet, where nothing is on trial.
        """
        if md.spec is None:
            return md
        self._keys.setdefault(md.key.namespace, set()).add(md.key)
        read = self._read or await self._first_read(md)
        if read is None:
            began = trial_spec(md.status.trial)
            made = self._made_by(md, with_keys(md.spec, began.serving.verify) if began is not None else md.spec)
            return replace(
                made, policies=()
            )  # known of none is granted nothing: no query, no address beyond public ones
        policies = read.of(md.key.namespace)
        refusals = self._refusals(md, policies, read)
        # A trial ends by the spec that it began with, where what Git says now is refused.
        spec = (trial_spec(md.status.trial, recorded(md.spec)) if refusals else None) or md.spec
        made = self._made_by(md, with_required_keys(spec, policies or ()))
        return replace(made, policies=policies, refusals=refusals)

    def _made_by(self, md: ModelDeployment, spec: Spec) -> ModelDeployment:
        """The ModelDeployment with this spec. Keys of policies make another template, and none that Git asks for.

        So ModelDeployments try it in turns, as what another operator makes.
        """
        if md.spec is None or spec.serving.verify == md.spec.serving.verify or md.template is None:
            return replace(md, spec=spec)
        template = self._template(replace(md, spec=with_keys(md.spec, spec.serving.verify)))
        by_git = {"spec_hash": md.template.spec_hash}
        return replace(md, spec=spec, template=template.model_copy(update=by_git) if template is not None else None)

    def refuses(self, md: ModelDeployment) -> bool:
        """Whether another ModelDeployment is refused, as far as is known: it then claims nothing."""
        if self._read is None or md.spec is None:
            return False
        return bool(self._refusals(md, self._read.of(md.key.namespace), self._read))

    def of(self, namespace: str) -> tuple[PodiumPolicySpec, ...] | None:
        """The policies of a namespace; None where the CRD is not installed. Raises Unavailable before they are read."""
        if self._read is None:
            raise Unavailable(_UNREAD)
        return self._read.of(namespace)

    def _refusals(
        self, md: ModelDeployment, policies: tuple[PodiumPolicySpec, ...] | None, read: _Read
    ) -> tuple[Refusal, ...]:
        assert md.spec is not None
        if policies is None:
            return unsafe(md.spec)
        found = permitted(md.spec, md.key.namespace, policies, self._own_registry)
        return tuple(replace(each, ask=read.problem) for each in found) if read.problem else found

    async def _first_read(self, md: ModelDeployment) -> _Read | None:
        """What was read, once it was. A trial does not wait: a rollback may be due, and policies were asked before."""
        if not PHASE_TARGETS[md.status.phase].rests or md.status.phase is Phase.ROLLING_BACK:
            return None
        await within(self._clock, _FIRST, self._first.wait(), "reading PodiumPolicies")
        if self._read is None:
            raise Unavailable(_UNREAD)
        return self._read
