"""What a ModelDeployment has to do with others: who writes the same alias, whose turn it is, what policies grant."""

import logging
from dataclasses import replace
from typing import Final

from podium.api.v1alpha1 import reasons
from podium.controller.alias_claims import AliasClaims
from podium.controller.cluster_identity import ClusterIdentity
from podium.controller.observe import QUIET
from podium.controller.policies import PolicyBook
from podium.controller.template_turns import TemplateTurns
from podium.controller.turns_elsewhere import TurnsElsewhere
from podium.controller.waiting import within
from podium.core.alias_owner import owner_named
from podium.core.facts import AliasConflict, Facts, Key, ObservedState
from podium.core.rollout.last_spec import trial_spec
from podium.core.rollout.templates import occupies_turn, wants_turn
from podium.core.status.readiness import condition_of
from podium.errors import PodiumError
from podium.ports import Clock, Cluster, ModelDeployment

_VERIFIED_WITHIN: Final = 2.0  # seconds that reading the other one may take; its claim stands until it is read
_log = logging.getLogger(__name__)


class Others:
    """Asked only where nothing is on trial: no rollback waits for others."""

    def __init__(
        self,
        cluster: Cluster,
        claims: AliasClaims,
        turns: TemplateTurns,
        policies: PolicyBook,
        clock: Clock,
        *,
        identity: ClusterIdentity,
        elsewhere: TurnsElsewhere | None = None,
    ) -> None:
        """`elsewhere` knows the turns of other shards, where there are any."""
        self._elsewhere = elsewhere
        self.confined = policies.confined
        self._policies = policies
        self._cluster = cluster
        self._identity = identity
        self._claims = claims
        self._turns = turns
        self._clock = clock

    def read(self, md: ModelDeployment) -> None:
        """Remember the alias that it writes, as it was read just now. A list is older than what a watch has told."""
        self._claims.note(md.key, md.claim)

    def note(self, md: ModelDeployment) -> None:
        """Remember whether others wait for its trial."""
        if md.status.phase not in QUIET:
            spec = md.spec or trial_spec(md.status.trial, md.written)
            self._turns.note(md.key, occupies=occupies_turn(md.status, spec, self._clock.now()))

    def forget(self, key: Key) -> None:
        """It is gone."""
        self._claims.note(key, None)
        self._turns.forget(key)
        self._policies.forget(key)

    async def beside(self, md: ModelDeployment, observed: ObservedState) -> ObservedState:
        """What was observed, with what others are about. Raises Unavailable where they are not listed yet."""
        if md.status.phase not in QUIET:
            return replace(observed, alias_owner=self._identity.owner(md.key))
        await self._identity.tried()
        observed = replace(observed, alias_owner=self._identity.owner(md.key))
        observed = replace(observed, template_trials=self._turns.others(md.key))
        claim = observed.registry.claim
        if claim is None and not _in_conflict(md):
            return observed  # whose the alias is the registry says, and without its answer nothing begins
        if claim and claim == observed.alias_owner:
            return observed
        if claim and (conflict := await self._claimed(md, claim)) is not None:
            return replace(observed, alias_conflict=conflict)
        return replace(observed, alias_conflict=await self._conflict(md), claim_void=bool(claim))

    async def _claimed(self, md: ModelDeployment, claim: str) -> AliasConflict | None:
        """The conflict with who claims the alias in the registry; None where that one gives way to this one.

        One of this cluster does where it is gone, writes another alias or may write none. What one of another cluster
        is, is not known here: Git has to say that its claim is taken over.
        """
        assert md.spec is not None
        owner, alias = owner_named(claim), md.spec.registry.aliases.champion
        found = AliasConflict(owner.key if owner is not None else md.key, alias, claim)
        if owner is None:
            return found
        if owner.cluster != self._identity.name:
            return None if md.spec.registry.take_over_from == claim else found
        try:
            read = self._cluster.get(owner.key)
            other = await within(self._clock, _VERIFIED_WITHIN, read, f"reading ModelDeployment {owner.key}")
        except PodiumError as error:
            _log.warning("%s: could not verify that %s claims its alias: %s", md.key, owner.key, error)
            return found
        stands = other is not None and not other.deleting and not self._policies.refuses(other)
        return found if stands and other is not None and self._claims.same(other.claim, md.claim) else None

    def beside_at_rest(self, md: ModelDeployment, observed: ObservedState) -> ObservedState | None:
        """The same for a look that asks nothing; None where the others have to be asked, or hear of it.

        Raises Unavailable where they are not listed yet.
        """
        observed = replace(observed, alias_owner=self._identity.owner(md.key))
        claim = observed.registry.claim
        if self._turns.knows(md.key) or (claim is None and _in_conflict(md)):
            return None
        if claim and claim != observed.alias_owner:
            return None  # whether that one is still there has to be read
        if claim == "" and self._claims.conflict(md.claim) is not None:
            return None
        return replace(observed, template_trials=self._turns.others(md.key))

    async def _conflict(self, md: ModelDeployment) -> AliasConflict | None:
        """The conflict, as the other one is now: what a watch told of it, or has not told yet, decides nothing."""
        while (found := self._claims.conflict(md.claim)) is not None:
            try:
                read = self._cluster.get(found.key)
                other = await within(self._clock, _VERIFIED_WITHIN, read, f"reading ModelDeployment {found.key}")
            except PodiumError as error:
                _log.warning("%s: could not verify that %s claims its alias: %s", md.key, found.key, error)
                return found
            claims = other is not None and not self._policies.refuses(other)  # one that may not write it is no conflict
            self._claims.note(found.key, other.claim if other is not None and claims else None)
            if self._claims.conflict(md.claim) == found:
                return found
        return None

    async def with_turn(self, facts: Facts) -> Facts:
        """The facts, with whether a template that came with another operator may be tried now."""
        if facts.status.phase not in QUIET:
            return facts
        wanted, elsewhere = wants_turn(facts), 0
        if wanted and self._elsewhere is not None and not self._turns.has(facts.key):
            elsewhere = await self._elsewhere.taken()
        turn = self._turns.take(facts.key, wanted=wanted, elsewhere=elsewhere)
        return replace(facts, observed=replace(facts.observed, template_turn=turn))


def _in_conflict(md: ModelDeployment) -> bool:
    """Whether its status says that another one has the alias."""
    stalled = condition_of(md.status, "Stalled")
    return stalled is not None and stalled.reason == reasons.ALIAS_CONFLICT
