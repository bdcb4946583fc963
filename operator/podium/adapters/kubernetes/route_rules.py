"""The rules of Podium's own HTTPRoute. Pure: the same input always gives the same rules, and annotations to read.

The rule that shares by weight is the last one. Those before it are for requests that go another way: each of the user's
matches and one header more, so that they are the more specific ones. Between equals, the Gateway API's first rule wins.

    testers    <user's match> + preview header   all to the challenger
    everybody  <user's match>                    by weight

Annotations say what the route was asked for beside its weights. They are there only where spec.traffic has a use for
them, and then always: a hand that writes one there is overwritten.
"""

from collections.abc import Mapping
from typing import Any, Final

from podium.adapters.kubernetes import names
from podium.api.status import Slot
from podium.api.traffic import Gateway, Preview, Traffic
from podium.core.actions import Detours
from podium.core.facts import ALL, SLOTS

Json = dict[str, Any]
SLOT_PORT: Final = 80  # of the slots' Services
NOBODY: Final = "none"


def rules(owner: str, traffic: Traffic, weights: Mapping[Slot, int], detours: Detours) -> list[Json]:
    """The rules of the ModelDeployment `owner`, in the order in which they win."""
    gateway, preview = traffic.gateway, traffic.preview
    assert gateway is not None
    made = [_rule(owner, gateway, gateway.matches, weights)]
    if preview is not None and detours.preview is not None:
        all_to_it = {slot: ALL if slot == detours.preview else 0 for slot in SLOTS}
        made.insert(0, _rule(owner, gateway, _with_header(gateway, _header(preview)), all_to_it))
    return made


def annotations(traffic: Traffic, detours: Detours) -> dict[str, str]:
    """What the route's annotations say of its detours."""
    return {names.PREVIEW: detours.preview or NOBODY} if traffic.preview is not None else {}


def detours_of(traffic: Traffic, found: Mapping[str, str]) -> Detours:
    """The detours of a route with these annotations; none where anybody wrote something else there."""
    preview = found.get(names.PREVIEW) if traffic.preview is not None else None
    return Detours(preview=preview if preview in SLOTS else None)


def _rule(owner: str, gateway: Gateway, matches: list[Json], weights: Mapping[Slot, int]) -> Json:
    parts: Json = {"matches": matches, "filters": gateway.filters, "timeouts": gateway.timeouts}
    backends = [
        {"name": names.slot_name(owner, slot), "port": SLOT_PORT, "weight": weights[slot]} for slot in sorted(weights)
    ]
    return {name: part for name, part in parts.items() if part} | {"backendRefs": backends}


def _header(preview: Preview) -> Json:
    if preview.value is not None:
        return {"type": "Exact", "name": preview.header, "value": preview.value}
    return {"type": "RegularExpression", "name": preview.header, "value": "^.+$"}


def _with_header(gateway: Gateway, header: Json) -> list[Json]:
    """Each of the user's matches, or the one that every request fits, with this header too."""
    return [{**match, "headers": [*(match.get("headers") or []), header]} for match in gateway.matches or [{}]]
