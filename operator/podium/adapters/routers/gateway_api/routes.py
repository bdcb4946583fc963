"""What an HTTPRoute says, understood: its weights, whether its gateways have taken it, and who wrote it last. Pure.

Words of others (controllers' messages, names of field managers) are data, cut to a bounded length.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from podium.adapters.kubernetes.names import FIELD_MANAGER, slot_name
from podium.api.v1alpha1 import reasons
from podium.api.v1alpha1.evidence import ARM_SLOTS, Slot
from podium.core.facts import SLOTS, Problem

Json = Mapping[str, Any]
_QUOTED: Final = 300  # characters of what others say
_WHOLE: Final = 100  # percent

# What would change it, for reasons that are the Gateway API's own and not about the gateway alone.
_ADVICE: Final[Mapping[str, str]] = {
    "NotAllowedByListeners": "the Gateway must admit routes of namespace {namespace}: spec.listeners[].allowedRoutes",
    "NoMatchingListenerHostname": "spec.traffic.gateway.hostnames must fit the host name of a listener",
    "NoMatchingParent": "sectionName or port must be those of a listener of the Gateway",
    "UnsupportedValue": "where the gateway does not know regular expressions, set spec.traffic.preview.value, and do "
    "without spec.traffic.sessionAffinity",
    "UnsupportedRefValue": "if the gateway does not support filters on backends, remove spec.traffic.sessionAffinity",
    "RefNotPermitted": "a ReferenceGrant beside the backend must permit HTTPRoutes of namespace {namespace}",
}


@dataclass(frozen=True)
class Standing:
    """What the gateways say of a route. `settled`: every one has looked at this generation of it."""

    settled: bool
    problem: Problem | None = None


@dataclass(frozen=True)
class Rule:
    """The rule of a route that shares the traffic: its index, and the index of each slot's backend."""

    index: int
    backends: Mapping[Slot, int]
    written: Mapping[Slot, int]  # the weights, whatever they sum to

    @property
    def weights(self) -> Mapping[Slot, int]:
        """The weights as percent; nothing where they are not."""
        return self.written if sum(self.written.values()) == _WHOLE else {}


# --- weights ----------------------------------------------------------------------------------------------------------


def find_rule(route: Json, name: str | None, owner: str) -> Rule | Problem:
    """The rule of this name, or the only one that has both slots of `owner` as backends; or why there is none."""
    rules = [rule for rule in _rules(route, owner) if name is None or _named(route, rule) == name]
    fit = [rule for rule in rules if rule.backends.keys() == set(SLOTS)]
    if len(fit) == 1:
        only = len(route["spec"]["rules"][fit[0].index]["backendRefs"]) == len(SLOTS)
        return fit[0] if only else _unfit(route, fit[0].index, "has other backends beside the two slots: remove them")
    services = " and ".join(slot_name(owner, slot) for slot in SLOTS)
    if fit:
        return _unfit(
            route, None, f"has several rules with {services} as backends: name one in spec.traffic.httpRouteRef.rule"
        )
    if name is not None and not rules:
        return _unfit(route, None, f"has no rule named {name} (spec.traffic.httpRouteRef.rule)")
    lacking = [slot_name(owner, slot) for slot in SLOTS if not any(slot in rule.backends for rule in rules)]
    missing = " and ".join(lacking) or services
    return _unfit(
        route,
        rules[0].index if len(rules) == 1 else None,
        f"does not have {services} as backends of one rule: add {missing} (port 80, weight 0) to its backendRefs",
    )


def own_rule(route: Json, owner: str) -> Rule | None:
    """The rule of Podium's own route that shares the traffic: the last one; None where another client changed it."""
    *_, last = [None, *_rules(route, owner, (*SLOTS, *ARM_SLOTS))]
    return last if last is not None and last.backends.keys() >= set(SLOTS) else None


def _rules(route: Json, owner: str, known: Sequence[Slot] = SLOTS) -> Iterator[Rule]:
    slots = {slot_name(owner, slot): slot for slot in known}
    for index, rule in enumerate(route["spec"].get("rules") or []):
        refs = rule.get("backendRefs") or []
        backends = {slots[ref["name"]]: at for at, ref in enumerate(refs) if _is_service(ref) and ref["name"] in slots}
        yield Rule(index, backends, {slot: refs[at].get("weight", 1) for slot, at in backends.items()})


def _is_service(ref: Json) -> bool:
    return ref.get("kind", "Service") == "Service" and not ref.get("group") and not ref.get("namespace")


def _named(route: Json, rule: Rule) -> str | None:
    name: str | None = route["spec"]["rules"][rule.index].get("name")
    return name


def _unfit(route: Json, index: int | None, what: str) -> Problem:
    which = "" if index is None else f"rule {index} of "
    return Problem(reasons.ROUTE_INVALID, f"{which}HTTPRoute {label(route)} {what}")


def weights_patch(rule: Rule, owner: str, weights: Mapping[Slot, int]) -> list[dict[str, Any]]:
    """JSON Patch that writes these weights and nothing else, but not where another client moved the backends."""
    places = {slot: f"/spec/rules/{rule.index}/backendRefs/{at}" for slot, at in rule.backends.items()}
    tests = [{"op": "test", "path": f"{place}/name", "value": slot_name(owner, slot)} for slot, place in places.items()]
    writes = [{"op": "add", "path": f"{place}/weight", "value": weights[slot]} for slot, place in places.items()]
    return [*tests, *writes]


def label(route: Json) -> str:
    """The route as messages name it."""
    return f"{route['metadata']['namespace']}/{route['metadata']['name']}"


# --- what gateways say ------------------------------------------------------------------------------------------------


def standing(route: Json) -> Standing:
    """What every parent says of this generation of the route; the first problem is told."""
    found = [_standing(route, parent) for parent in route["spec"].get("parentRefs") or []]
    problem = next((one.problem for one in found if one.problem), None)
    if not found:
        problem = Problem(
            reasons.ROUTE_NOT_ACCEPTED, f"HTTPRoute {label(route)} has no parentRefs: no gateway serves it"
        )
    return Standing(all(one.settled for one in found), problem)


def _standing(route: Json, parent: Json) -> Standing:
    gateway = _gateway(route, parent)
    entries = [
        entry
        for entry in (route.get("status") or {}).get("parents") or []
        if _identity(route, entry["parentRef"]) == _identity(route, parent)
    ]
    generation = route["metadata"]["generation"]
    fresh = [found for entry in entries if (found := _conditions(entry, generation))]
    if not fresh:
        what = f"has not taken generation {generation} of HTTPRoute {label(route)} yet"
        doubt = "is its controller running?" if entries else f"is {gateway} there, and its controller running?"
        return Standing(False, Problem(reasons.IN_PROGRESS, f"{gateway} {what}; {doubt}"))
    wrong = [_wrong(route, gateway, found) for found in fresh]
    return Standing(True, None if None in wrong else wrong[0])


def _conditions(entry: Json, generation: int) -> Mapping[str, Json]:
    """The controller's conditions, by type, that are about this generation; none where Accepted is not."""
    found = {one["type"]: one for one in entry.get("conditions") or [] if one.get("observedGeneration") == generation}
    return found if "Accepted" in found else {}


def _wrong(route: Json, gateway: str, conditions: Mapping[str, Json]) -> Problem | None:
    kinds = {"Accepted": reasons.ROUTE_NOT_ACCEPTED, "ResolvedRefs": reasons.BACKENDS_NOT_RESOLVED}
    for kind, reason in kinds.items():
        found = conditions.get(kind)
        if found is not None and found.get("status") != "True":
            why = str(found.get("reason", ""))
            text = f"{why}: {found.get('message', '')}"[:_QUOTED]
            advice = _ADVICE.get(why, "").format(namespace=route["metadata"]["namespace"])
            parts = [f"{gateway} says {kind}={found.get('status')} of HTTPRoute {label(route)}: {text}", advice]
            return Problem(reason, "; ".join(filter(None, parts)))
    return None


def _identity(route: Json, ref: Json) -> tuple[Any, ...]:
    return (
        ref.get("group", "gateway.networking.k8s.io"),
        ref.get("kind", "Gateway"),
        ref.get("namespace") or route["metadata"]["namespace"],
        ref["name"],
        ref.get("sectionName"),
        ref.get("port"),
    )


def _gateway(route: Json, ref: Json) -> str:
    _, kind, namespace, name, section, port = _identity(route, ref)
    where = "".join(f", {what} {value}" for what, value in (("listener", section), ("port", port)) if value)
    return f"{kind} {namespace}/{name}{where}"


# --- who wrote it -----------------------------------------------------------------------------------------------------


def last_writer(route: Json) -> str:
    """The field manager that wrote the rules last and is not Podium."""
    entries: Sequence[Json] = route["metadata"].get("managedFields") or []
    others = [
        entry
        for entry in entries
        if entry.get("manager") != FIELD_MANAGER
        and entry.get("subresource", "") != "status"
        and "f:spec" in (entry.get("fieldsV1") or {})
    ]
    latest = max(others, key=lambda entry: str(entry.get("time", "")), default=None)
    return str(latest.get("manager", ""))[:128] if latest else "another client without a field manager"
