"""The rules of Podium's HTTPRoute, and where a request goes by them, as the Gateway API says."""

import copy
import re
from collections.abc import Mapping
from typing import Any

import pytest

from podium.adapters.kubernetes import names, render, route_rules
from podium.adapters.routers.gateway import _intact
from podium.adapters.routers.routes import Rule, own_rule
from podium.api.spec import Spec
from podium.api.status import Slot, Status
from podium.core.actions import NO_DETOURS, Detours
from podium.core.facts import Key
from podium.ports import ModelDeploymentSeen
from tests.unit.core.given import NOW

OWNER = render.Owner("ml", "churn", "0a1b2c3d")
ALL_A: dict[Slot, int] = {"a": 100, "b": 0}
TO_B = Detours(preview="b")
MATCHES: list[dict[str, Any]] = [
    {
        "path": {"value": "/invocations"},
        "headers": [{"name": "x-tenant", "value": "7"}, {"name": "x-region", "value": "eu"}],
    },
    {"path": {"value": "/invocations"}},
    {"path": {"value": "/v2"}, "method": "POST"},
]
FILTERS = [{"type": "RequestHeaderModifier", "requestHeaderModifier": {"remove": ["x-debug"]}}]


def spec(preview: Mapping[str, str] | None = None, **gateway: Any) -> Spec:
    testers = {"preview": dict(preview)} if preview else {}
    traffic = {"gateway": {"name": "public", **gateway}, **testers}
    return Spec.model_validate({"model": {"name": "churn", "version": "7"}, "traffic": traffic})


def rendered(given: Spec, detours: Detours, weights: dict[Slot, int] = ALL_A) -> dict[str, Any]:
    return render.http_route(OWNER, given, weights, detours)


# --- where a request goes ---------------------------------------------------------------------------------------------


def backends(route: Mapping[str, Any], path: str, method: str = "GET", **headers: str) -> Mapping[str, int] | None:
    """The weights by which a request is shared; None where no rule is for it.

    The most specific match wins, and the first of equals: see HTTPRouteRule.matches of the Gateway API.
    """
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    fits = [
        (_rank(match), -place, rule)
        for place, rule in enumerate(route["spec"]["rules"])
        for match in rule.get("matches") or [{}]
        if _matches(match, path, method, sent)
    ]
    if not fits:
        return None
    *_, best = max(fits, key=lambda fit: fit[:2])
    return {ref["name"].removeprefix("churn-"): ref["weight"] for ref in best["backendRefs"]}


def _matches(match: Mapping[str, Any], path: str, method: str, sent: Mapping[str, str]) -> bool:
    prefix = (match.get("path") or {}).get("value", "/").rstrip("/")
    return (
        (path == prefix or path.startswith(f"{prefix}/"))
        and match.get("method", method) == method
        and all(_has(header, sent) for header in match.get("headers") or [])
    )


def _has(header: Mapping[str, str], sent: Mapping[str, str]) -> bool:
    value = sent.get(header["name"].lower())
    if value is None or header.get("type", "Exact") == "Exact":
        return value == header["value"]
    return re.fullmatch(header["value"], value) is not None


def _rank(match: Mapping[str, Any]) -> tuple[int, bool, int]:
    path = (match.get("path") or {}).get("value", "/")
    return len(path), "method" in match, len(match.get("headers") or [])


CHAMPION, CHALLENGER = {"a": 100, "b": 0}, {"a": 0, "b": 100}


@pytest.mark.parametrize("matches", [[], MATCHES])
@pytest.mark.parametrize(
    "request_line",
    [
        {"path": "/invocations"},
        {"path": "/invocations", "x_tenant": "7", "x_region": "eu"},
        {"path": "/v2/models/churn/infer", "method": "POST"},
    ],
)
def test_testers_reach_the_challenger_on_every_way_that_users_have(
    matches: list[Any], request_line: dict[str, str]
) -> None:
    route = rendered(spec({"header": "X-Podium-Preview"}, matches=matches), TO_B)
    assert backends(route, **request_line) == CHAMPION
    assert backends(route, **request_line, x_podium_preview="alice") == CHALLENGER


def test_testers_reach_nothing_that_users_do_not() -> None:
    route = rendered(spec({"header": "x-podium-preview"}, matches=MATCHES), TO_B)
    assert backends(route, "/metrics", x_podium_preview="alice") is None
    assert backends(route, "/v2/models", x_podium_preview="alice") is None  # GET is nobody's


def test_with_a_value_only_that_value_makes_a_tester() -> None:
    route = rendered(spec({"header": "x-podium-preview", "value": "al.ce"}), TO_B)
    assert backends(route, "/invocations", x_podium_preview="al.ce") == CHALLENGER
    assert backends(route, "/invocations", x_podium_preview="alice") == CHAMPION


def test_without_a_challenger_to_see_testers_are_users() -> None:
    route = rendered(spec({"header": "x-podium-preview"}), NO_DETOURS, {"a": 30, "b": 70})
    assert backends(route, "/invocations", x_podium_preview="alice") == {"a": 30, "b": 70}
    assert len(route["spec"]["rules"]) == 1


def test_filters_and_timeouts_are_those_of_everybody() -> None:
    given = spec({"header": "x-podium-preview"}, filters=FILTERS, timeouts={"request": "10s"})
    for rule in rendered(given, TO_B)["spec"]["rules"]:
        assert (rule["filters"], rule["timeouts"]) == (FILTERS, {"request": "10s"})


def test_the_most_matches_that_a_gateway_may_have_are_within_the_limits_of_the_gateway_api() -> None:
    most = [{"path": {"value": f"/{number}"}} for number in range(16)]
    rules = rendered(spec({"header": "x-podium-preview"}, matches=most), TO_B)["spec"]["rules"]
    assert len(rules) <= 16
    assert all(len(rule["matches"]) <= 64 for rule in rules)
    assert sum(len(rule["matches"]) for rule in rules) < 128


def test_who_has_no_testers_has_the_route_that_it_always_had() -> None:
    route = rendered(spec(matches=MATCHES), NO_DETOURS)
    assert list(route["metadata"]["annotations"]) == [names.RENDERED]
    assert len(route["spec"]["rules"]) == 1


# --- what is read back ------------------------------------------------------------------------------------------------


def seen(given: Spec) -> ModelDeploymentSeen:
    return ModelDeploymentSeen(Key("ml", "churn"), OWNER.uid, 1, "1", NOW, deleting=False, spec=given, status=Status())


def live(route: Mapping[str, Any]) -> dict[str, Any]:
    """The route as the API server gives it back, with its defaults filled in."""
    found = copy.deepcopy(dict(route))
    for rule in found["spec"]["rules"]:
        rule.setdefault("matches", [{}])
        for match in rule["matches"]:
            match["path"] = {"type": "PathPrefix", "value": "/", **match.get("path", {})}
            for header in match.get("headers", []):
                header.setdefault("type", "Exact")
        for ref in rule["backendRefs"]:
            ref |= {"group": "", "kind": "Service"}
    return found


def read(given: Spec, route: dict[str, Any]) -> tuple[Mapping[Slot, int], Detours, bool]:
    """Weights and detours of a route, and whether it is as Podium would have written it for them."""
    rule = own_rule(route, "churn")
    assert isinstance(rule, Rule)
    detours = route_rules.detours_of(given.traffic, route["metadata"]["annotations"])
    return rule.weights, detours, _intact(seen(given), route, rule, detours)


@pytest.mark.parametrize("detours", [NO_DETOURS, TO_B, Detours(preview="a")])
@pytest.mark.parametrize("matches", [[], MATCHES])
def test_what_was_written_is_read_back(matches: list[Any], detours: Detours) -> None:
    given = spec({"header": "x-podium-preview"}, matches=matches, filters=FILTERS)
    assert read(given, live(rendered(given, detours, {"a": 70, "b": 30}))) == ({"a": 70, "b": 30}, detours, True)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("rules", 0, "backendRefs", 1, "weight"), 0),
        (("rules", 0, "matches", 0, "headers", 0, "name"), "x-other"),
        (("rules", 0, "matches"), [{}]),
        (("rules", 0, "filters"), FILTERS),
        (("rules", 0, "timeouts"), {"request": "1s"}),
        (("rules", 1, "filters"), FILTERS),
        (("hostnames",), ["elsewhere.test"]),
    ],
)
def test_a_hand_in_any_rule_is_noticed(path: tuple[Any, ...], value: Any) -> None:
    given = spec({"header": "x-podium-preview"})
    route = live(rendered(given, TO_B))
    *way, last = path
    place: Any = route["spec"]
    for step in way:
        place = place[step]
    place[last] = value
    assert not read(given, route)[2]


def test_a_rule_more_or_less_or_an_annotation_that_lies_is_noticed() -> None:
    given = spec({"header": "x-podium-preview"})
    route = live(rendered(given, TO_B))
    more, less, lies, spoilt = (copy.deepcopy(route) for _ in range(4))
    more["spec"]["rules"].insert(0, more["spec"]["rules"][0])
    less["spec"]["rules"].pop(0)
    lies["metadata"]["annotations"][names.PREVIEW] = "none"
    spoilt["metadata"]["annotations"][names.PREVIEW] = "c"
    assert [read(given, each)[2] for each in (more, less, lies, spoilt)] == [False] * 4


def test_a_route_whose_last_rule_does_not_share_is_not_podiums_any_more() -> None:
    route = live(rendered(spec(), NO_DETOURS))
    del route["spec"]["rules"][0]["backendRefs"][1]
    assert own_rule(route, "churn") is None
    assert own_rule({"spec": {}}, "churn") is None


def test_the_pods_are_told_how_testers_are_known_and_others_pods_are_not_rolled_for_it() -> None:
    pinned = Status.model_validate(
        {"champion": {"version": "7", "runId": "r7", "digest": "sha256:77", "slot": "a"}}
    ).champion
    assert pinned is not None
    defaults = render.Defaults("podium-runtime:1", "http://mlflow.ml:5000")

    def told(given: Spec) -> dict[str, str]:
        variables = {one["name"]: one["value"] for one in render.environment(given, pinned, defaults)}
        return {name: value for name, value in variables.items() if "PREVIEW" in name}

    assert told(spec()) == {}
    assert told(spec({"header": "x-podium-preview"})) == {"PODIUM_PREVIEW_HEADER": "x-podium-preview"}
    assert told(spec({"header": "x-p", "value": "alice"})) == {
        "PODIUM_PREVIEW_HEADER": "x-p",
        "PODIUM_PREVIEW_VALUE": "alice",
    }
