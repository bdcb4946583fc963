"""One ModelDeployment: steps, guards, its trial over time, gates, conditions, decisions, and its spec as YAML."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

import yaml
from markupsafe import Markup

from podium.api.v1alpha1.manifest import API_VERSION, KIND
from podium.core.status.explained import Explanation
from podium.core.status.explanation import Unexplained, explanation
from podium.dashboard.buttons import buttons
from podium.dashboard.charts import charts
from podium.dashboard.distributions import distributions, slow
from podium.dashboard.drawing import HEIGHT, WIDTH
from podium.dashboard.fragments import Page, about
from podium.dashboard.kept import Entry, Kept
from podium.dashboard.look import address, html, since
from podium.dashboard.pods import SeenPod, SeenPods
from podium.dashboard.selection import named
from podium.dashboard.sliders import SLIDERS, START

_ORDER: Final = (
    *("head", "outage", "arms", "steps", "guards", "charts", "beside", "pods", "gates", "steer"),
    *("what-if", "decisions", "conditions", "spec"),
)


@dataclass(frozen=True)
class Offer:
    """What a viewer is offered to press: the right that is missing for it, and what its forms carry."""

    missing: str
    csrf: str


def deployment_page(
    kept: Kept, found: Entry, now: datetime, offer: Offer | None = None, pods: SeenPods | None = None
) -> Page:
    """The page of this object, also of one that this version cannot read. Without an offer it has no buttons."""
    notes = html("notes.html", kept=kept)
    return _page(found, notes, about(now), offer, pods)


@lru_cache(maxsize=64)
def _page(found: Entry, notes: Markup, now: datetime, offer: Offer | None, pods: SeenPods | None) -> Page:
    name, value = named(found.place), found.value
    parts = {"spec": html("parts/spec.html", yaml=manifest(value))}
    try:
        said = explanation(value)
        parts = _parts(said, now) | parts
        if pods is not None:
            parts["pods"] = html("parts/pods.html", pods=pods, rows=list(_rows(said, pods)))
        action = f"./{address(found.place.name, 'what-if')}"
        parts["what-if"] = html("parts/what-if.html", sliders=SLIDERS, asked=START, action=action)
        if offer is not None:
            shown, action = buttons(value, offer.missing), f"./{address(found.place.name)}"
            parts["steer"] = html("parts/steer.html", buttons=shown, action=action, csrf=offer.csrf)
    except (Unexplained, ArithmeticError) as error:
        parts = {"head": html("parts/unexplained.html", name=name, problem=str(error))} | parts
    return Page(
        title=name,
        template="deployment.html",
        live=f"./{address(found.place.name, 'live')}",
        home="../../",
        regions={"notes": {"notes-text": notes}, "sections": _ordered(parts)},
        values={"name": name},
    )


def _ordered(parts: dict[str, Markup]) -> dict[str, Markup]:
    """What a person does comes after what there is to know of the present, and before the past."""
    return {name: parts[name] for name in _ORDER if name in parts}


def _parts(said: Explanation, now: datetime) -> dict[str, Markup]:
    known = {"said": said, "now": now, "since": since}
    parts = {"head": html("parts/head.html", **known)}
    if said.shared_outage is not None:
        parts["outage"] = html("parts/outage.html", **known)
    if said.arms:
        parts["arms"] = html("parts/arms.html", **known)
    if said.trial is not None:
        parts["steps"] = html("parts/steps.html", **known)
    if said.guards:
        parts["guards"] = html("parts/guards.html", **known)
    if (drawn := charts(said)) and said.trial is not None:
        size, looks = {"width": WIDTH, "height": HEIGHT}, said.trial.looks
        parts["charts"] = html("parts/charts.html", charts=drawn, first=looks[0].at, last=looks[-1].at, **size)
    if said.trial is not None:
        size = {"width": WIDTH, "height": HEIGHT}
        parts["beside"] = html("parts/beside.html", distributions=distributions(said), slow=slow(said), **size, **known)
    if said.gates:
        parts["gates"] = html("parts/gates.html", **known)
    parts["decisions"] = html("parts/decisions.html", **known)
    parts["conditions"] = html("parts/conditions.html", **known)
    return parts


def _rows(said: Explanation, pods: SeenPods) -> Iterator[tuple[SeenPod, str, str, bool]]:
    """Each pod with its role, the digest that the status has of that role's version, and whether it counts."""
    roles = {slot: role for role, slot in said.slots.items()}
    versions = {"champion": said.champion, "challenger": said.challenger, "former champion": said.former}
    counted = said.trial.counted_pods if said.trial is not None else ()
    for pod in pods.pods:
        role = roles.get(pod.slot, "")
        digest = said.digests.get(role, "") if pod.version == versions.get(role) else ""
        yield pod, role, digest, pod.uid in counted


def manifest(value: Mapping[str, Any]) -> str:
    """The object as a file says it: without what the API server and the operator write."""
    metadata = value.get("metadata") or {}
    kept = {part: metadata[part] for part in ("name", "namespace", "labels") if metadata.get(part)}
    whole = {"apiVersion": API_VERSION, "kind": KIND, "metadata": kept, "spec": value.get("spec")}
    return yaml.safe_dump(whole, sort_keys=False, allow_unicode=True, width=100)
