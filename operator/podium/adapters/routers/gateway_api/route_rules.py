"""The rules of Podium's own HTTPRoute. Pure: the same input always gives the same rules, and annotations to read.

The rule that shares by weight is the last one. Those before it are for requests that go another way: each of the user's
matches and one header more, so that they are the more specific ones. Between equals, the Gateway API's first rule wins.
With steps of 5, 25 and 50 percent, at the last one, in trial 3f9c1a2b:

    testers               preview header         challenger 100
    who is over already   3f9c1a2b.<any>.b       challenger 100
    who stayed at 50      3f9c1a2b.50.a          champion 100
    who stayed at 25      3f9c1a2b.25.a          champion 50, challenger 25     cookie: 3f9c1a2b.50.<a or b>
    who stayed at 5       3f9c1a2b.5.a           champion 50, challenger 45     cookie: 3f9c1a2b.50.<a or b>
    all others                                   champion 50, challenger 50     cookie: 3f9c1a2b.50.<a or b>

Of those who stayed at 5, which are 95 of 100, 45/95 go over now: so 5 + 45 are. No user ever comes back. Only requests
by the last rule tell the model server that their side was drawn by the weight: comparisons count these.

Annotations say what the route was asked for beside its weights. They are there only where spec.traffic has a use for
them, and then always: a hand that writes one there is overwritten.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from podium.adapters.kubernetes import names
from podium.api.v1alpha1.evidence import ARM_SLOTS, Slot
from podium.api.v1alpha1.spec.gateway import Gateway
from podium.api.v1alpha1.spec.traffic import Preview, Traffic
from podium.core.actions import RouteOverrides, TrialAffinity
from podium.core.facts import ALL, SLOTS, other_than

Json = dict[str, Any]
SLOT_PORT: Final = 80  # of the slots' Services
NO_SLOT: Final = "none"
# https://gateway-api.sigs.k8s.io/reference/spec/#httproutespec: "the total number of matches across all rules in a
# route must be less than 128".
_MOST_RULES, _MOST_MATCHES = 16, 127
_FIXED_RULES = 4  # those for testers, for who is over, for who stayed at this weight, and for all others
_STICKY: Final = re.compile(r"([0-9a-f]{1,16}):([ab]):([0-9]{1,2}(?:,[0-9]{1,2}){0,31})")


def rules(owner: str, traffic: Traffic, weights: Mapping[Slot, int], overrides: RouteOverrides) -> list[Json]:
    """The rules of the ModelDeployment `owner`, in the order in which they win."""
    return list(_rules(owner, traffic, weights, overrides))


def _rules(owner: str, traffic: Traffic, weights: Mapping[Slot, int], overrides: RouteOverrides) -> Iterator[Json]:
    gateway, preview, session_affinity = traffic.gateway, traffic.preview, traffic.session_affinity
    assert gateway is not None
    plain = {slot: _backend(owner, slot) for slot in (*SLOTS, *ARM_SLOTS)}
    marking = plain
    if preview is not None and overrides.preview is not None:
        yield _rule(gateway, _header(preview), _shared(plain, _all_to(overrides.preview)))
    cookie, affinity = session_affinity.cookie_name if session_affinity else None, overrides.session_affinity
    if cookie is not None and affinity is not None:
        marks = {slot: _marks(cookie, affinity, slot) for slot in SLOTS}
        staying = {slot: _backend(owner, slot, _drawn(False)) for slot in SLOTS}
        moving = {slot: _backend(owner, slot, _drawn(False), marks[slot]) for slot in SLOTS}
        marking = {slot: _backend(owner, slot, _drawn(True), marks[slot]) for slot in SLOTS}
        for mark, shares, over in _stays(gateway, affinity):
            yield _rule(gateway, _cookie(cookie, mark), _shared(moving if over else staying, shares))
    yield _rule(gateway, None, _shared(marking, weights))


# --- users who stay ---------------------------------------------------------------------------------------------------


def _stays(gateway: Gateway, session_affinity: TrialAffinity) -> Iterator[tuple[str, Mapping[Slot, int], bool]]:
    """For each mark of a user: the pattern of the mark, the shares, and whether some go over now.

    Where the Gateway API leaves no room for all the weights that there were, the oldest have no rule: who was not seen
    since then is shared like a new user, which is one way too.
    """
    *earlier, now = session_affinity.weights
    challenger = session_affinity.challenger
    champion = other_than(challenger)
    yield rf"{session_affinity.trial}\.[0-9]+\.{challenger}", _all_to(challenger), False
    yield rf"{session_affinity.trial}\.{now}\.{champion}", _all_to(champion), False
    room = min(_MOST_RULES, _MOST_MATCHES // max(1, len(gateway.matches))) - _FIXED_RULES
    for weight in list(reversed(earlier))[:room]:
        yield rf"{session_affinity.trial}\.{weight}\.{champion}", {champion: ALL - now, challenger: now - weight}, True


def _marks(cookie: str, session_affinity: TrialAffinity, slot: Slot) -> Json:
    """The filter by which an answer says on which side its user is, and since which weight."""
    value = f"{cookie}={session_affinity.trial}.{session_affinity.weights[-1]}.{slot}; Path=/; HttpOnly; SameSite=Lax"
    return {
        "type": "ResponseHeaderModifier",
        "responseHeaderModifier": {"add": [{"name": "Set-Cookie", "value": value}]},
    }


def _drawn(drawn: bool) -> Json:
    """The filter by which the model server knows whether a request's side was drawn for it alone, by the weight.

    Of those who go over now the side is drawn as well, but by another share: with answers of new users in one count,
    two kinds of users would be mixed in another ratio on each side, and the versions would seem to differ.
    """
    header = {"name": names.DRAWN, "value": "yes" if drawn else "no"}
    return {"type": "RequestHeaderModifier", "requestHeaderModifier": {"set": [header]}}


def _cookie(name: str, mark: str) -> Json:
    """The header by which a request says the same: it may hold other cookies before and after. For a whole value."""
    return {"type": "RegularExpression", "name": "Cookie", "value": rf"^(.*; *)?{name}={mark}(;.*)?$"}


# --- rules ------------------------------------------------------------------------------------------------------------


def _rule(gateway: Gateway, header: Json | None, backends: list[Json]) -> Json:
    matches = gateway.matches if header is None else _with_header(gateway, header)
    parts: Json = {"matches": matches, "filters": gateway.filters, "timeouts": gateway.timeouts}
    return {name: part for name, part in parts.items() if part} | {"backendRefs": backends}


def _with_header(gateway: Gateway, header: Json) -> list[Json]:
    """Each of the user's matches, or the one that every request fits, with this header too."""
    return [{**match, "headers": [*(match.get("headers") or []), header]} for match in gateway.matches or [{}]]


def _header(preview: Preview) -> Json:
    if preview.value is not None:
        return {"type": "Exact", "name": preview.header, "value": preview.value}
    return {"type": "RegularExpression", "name": preview.header, "value": "^.+$"}


def _backend(owner: str, slot: Slot, *filters: Json) -> Json:
    ref: Json = {"name": names.slot_name(owner, slot), "port": SLOT_PORT}
    return ref | ({"filters": [*filters]} if filters else {})


def _shared(backends: Mapping[Slot, Json], weights: Mapping[Slot, int]) -> list[Json]:
    return [{**backends[slot], "weight": weights[slot]} for slot in sorted(weights)]


def _all_to(slot: Slot) -> Mapping[Slot, int]:
    return {slot: ALL, other_than(slot): 0}


# --- annotations ------------------------------------------------------------------------------------------------------


def annotations(traffic: Traffic, overrides: RouteOverrides) -> dict[str, str]:
    """What the route's annotations say of its overrides."""
    preview = {names.PREVIEW: overrides.preview or NO_SLOT} if traffic.preview is not None else {}
    return preview | (
        {names.SESSION_AFFINITY: _written(overrides.session_affinity)} if traffic.session_affinity is not None else {}
    )


def overrides_of(traffic: Traffic, found: Mapping[str, str]) -> RouteOverrides:
    """The overrides of a route with these annotations; none where they hold another text."""
    preview = found.get(names.PREVIEW) if traffic.preview is not None else None
    session_affinity = _read(found.get(names.SESSION_AFFINITY, "")) if traffic.session_affinity is not None else None
    return RouteOverrides(preview if preview in SLOTS else None, session_affinity)


def _written(session_affinity: TrialAffinity | None) -> str:
    """As the annotation has it: `3f9c1a2b:b:5,25,50`."""
    return (
        f"{session_affinity.trial}:{session_affinity.challenger}:{','.join(map(str, session_affinity.weights))}"
        if session_affinity is not None
        else NO_SLOT
    )


def _read(text: str) -> TrialAffinity | None:
    parts = _STICKY.fullmatch(text)
    if parts is None:
        return None
    trial, slot, weights = parts.groups()
    return TrialAffinity(trial, "a" if slot == "a" else "b", tuple(map(int, weights.split(","))))
