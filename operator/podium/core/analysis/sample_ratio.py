"""The sample-ratio check: whether requests reach both sides in the shares of the weights in force.

Where they do not, some requests are not drawn as Podium thinks: what compares the two sides is then no evidence. That
is a circumstance and no fault of the version, so it rolls nothing back by itself.

Requests count only while the weight in force stays what it is, and from GRACE after it came to be so: proxies and
gateways follow later than what they tell, and requests on their way have been drawn before. While a ready pod does not
say what it has counted, nothing is added, and GRACE begins again.
"""

from datetime import datetime, timedelta
from math import log
from typing import Final

from podium.api.v1alpha1.evidence import Evidence, SampleRatio, Slot
from podium.api.v1alpha1.values.base import format_percent
from podium.core.analysis.sequential import Block, log_evidence_of_mismatch
from podium.core.facts import ALL, Facts

ALPHA: Final = 0.001  # of a false alarm in a trial, for as long as one weight is in force
GRACE: Final = timedelta(seconds=15)
LONGEST_GAP: Final = timedelta(minutes=2)  # between two reconciles: in a longer one, pods may have come and gone unseen
CAUSES: Final = (
    "likely causes: sticky sessions or retries of a proxy before Podium's route, clients that use a Service beside the "
    "gateway, sessionAffinity or a topology setting on the Service, a service mesh, or a gateway that does not follow "
    "the weights"
)


def updated(evidence: Evidence, facts: Facts, subject: Slot, came: Block | None, before: datetime | None) -> Evidence:
    """The evidence with the requests that came since it was last taken, at `before`; None: nothing is compared."""
    share = _in_force(facts, subject) if came is not None and _told(facts) else None
    if came is None or share is None:
        known = evidence.sample_ratio
        restarted = known.model_copy(update={"since": facts.now}) if known is not None and came is not None else None
        return evidence.model_copy(update={"sample_ratio": restarted})
    known = evidence.sample_ratio or SampleRatio(weight=share, since=facts.now)
    if known.weight != share:
        update = {"weight": share, "since": facts.now, "challenger": 0, "champion": 0}
        return evidence.model_copy(update={"sample_ratio": known.model_copy(update=update)})
    if before is None or before < known.since + GRACE or facts.now - before > LONGEST_GAP:
        return evidence.model_copy(update={"sample_ratio": known})
    counted = known.model_copy(
        update={
            "challenger": known.challenger + came.challenger_good,
            "champion": known.champion + came.champion_good,
        }
    )
    return evidence.model_copy(update={"sample_ratio": _judged(counted)})


def _judged(ratio: SampleRatio) -> SampleRatio:
    """The ratio after more requests. What was proved ends once as many requests as proved it agree with the weight."""
    requests = ratio.challenger + ratio.champion
    found = log_evidence_of_mismatch(ratio.challenger, ratio.champion, ratio.weight / ALL)
    if found >= -log(ALPHA):
        update = {"mismatch": _message(ratio), "needed": requests, "challenger": 0, "champion": 0}
        return ratio.model_copy(update=update)
    if ratio.mismatch and requests >= ratio.needed and found < 0:
        return ratio.model_copy(update={"mismatch": "", "needed": 0})
    return ratio


def _message(ratio: SampleRatio) -> str:
    requests = ratio.challenger + ratio.champion
    seen = format_percent(round(ratio.challenger / requests, 3))
    return (
        f"{ratio.challenger} of {requests} requests ({seen}) reached the challenger, expected: {ratio.weight:.3g} %, "
        f"the weight in force; {CAUSES}"
    )


def _in_force(facts: Facts, subject: Slot) -> float | None:
    """The challenger's share in percent; None while another one may be in force, or one side has all."""
    traffic = facts.observed.traffic
    share = traffic.current.get(subject, 0.0)
    return share if traffic.in_sync and not traffic.settling and 0 < share < ALL else None


def _told(facts: Facts) -> bool:
    """Whether every ready pod has said what it received."""
    pods = [pod for slot in facts.observed.slots.values() for pod in slot.pods if pod.ready]
    counted = [pod.counters for pod in pods]
    return all(each is not None and each.received is not None for each in counted)


def counts_first_answers(facts: Facts, before: bool) -> bool:
    """Whether comparisons can count first answers only: where clients stay on a side, and every pod tells them apart.

    `before` is what was so, where no pod says anything just now.
    """
    traffic = facts.spec.traffic
    if traffic.exact and traffic.session_affinity is None:
        return False  # every request is drawn
    pods = [pod for slot in facts.observed.slots.values() for pod in slot.pods if pod.identity is not None]
    told = [pod.counters.first is not None for pod in pods if pod.counters is not None]
    return all(told) if told else before
