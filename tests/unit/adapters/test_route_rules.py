"""The rules of Podium's HTTPRoute, and where a request goes by them, as the Gateway API says."""

import copy
import random
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from podium.adapters.kubernetes import names, pod_specs, render
from podium.adapters.routers.gateway_api import route_rules
from podium.adapters.routers.gateway_api.gateway import _intact
from podium.adapters.routers.gateway_api.http_route import http_route
from podium.adapters.routers.gateway_api.routes import Rule, own_rule
from podium.api.v1alpha1.evidence import Slot
from podium.api.v1alpha1.spec.spec import Spec
from podium.api.v1alpha1.status import Status
from podium.core.actions import NO_OVERRIDES, RouteOverrides, TrialAffinity
from podium.core.facts import Key
from podium.ports import ModelDeployment
from tests.unit.core.factories import NOW

OWNER = render.Owner("ml", "churn", "0a1b2c3d")
ALL_A: dict[Slot, int] = {"a": 100, "b": 0}
TO_B = RouteOverrides(preview="b")
MATCHES: list[dict[str, Any]] = [
    {
        "path": {"value": "/invocations"},
        "headers": [{"name": "x-tenant", "value": "7"}, {"name": "x-region", "value": "eu"}],
    },
    {"path": {"value": "/invocations"}},
    {"path": {"value": "/v2"}, "method": "POST"},
]
FILTERS = [{"type": "RequestHeaderModifier", "requestHeaderModifier": {"remove": ["x-debug"]}}]


def spec(preview: Mapping[str, str] | None = None, *, session_affinity: bool = False, **gateway: Any) -> Spec:
    testers = {"preview": dict(preview)} if preview else {}
    users = {"sessionAffinity": {"cookieName": "podium"}} if session_affinity else {}
    traffic = {"gateway": {"name": "public", **gateway}, **testers, **users}
    return Spec.model_validate({"model": {"name": "churn", "version": "7"}, "traffic": traffic})


def rendered(given: Spec, overrides: RouteOverrides, weights: dict[Slot, int] = ALL_A) -> dict[str, Any]:
    return http_route(OWNER, given, weights, overrides)


# --- where a request goes ---------------------------------------------------------------------------------------------


def backends(route: Mapping[str, Any], path: str, method: str = "GET", **headers: str) -> Mapping[str, int] | None:
    """The weights by which a request is shared; None where no rule is for it."""
    found = rule_for(route, path, method, **headers)
    return found and {ref["name"].removeprefix("churn-"): ref["weight"] for ref in found["backendRefs"]}


def rule_for(route: Mapping[str, Any], path: str, method: str = "GET", **headers: str) -> Any:
    """The rule that a request goes by, or None.

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
    return max(fits, key=lambda fit: fit[:2])[-1]


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
    route = rendered(spec({"header": "x-podium-preview"}), NO_OVERRIDES, {"a": 30, "b": 70})
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
    route = rendered(spec(matches=MATCHES), NO_OVERRIDES)
    assert list(route["metadata"]["annotations"]) == [names.RENDERED]
    assert len(route["spec"]["rules"]) == 1


# --- users who stay ---------------------------------------------------------------------------------------------------

STEPS = (5, 25, 50)


def session_affinity(
    *weights: int, trial: str = "3f9c1a2b", challenger: Slot = "b", preview: Slot | None = None
) -> RouteOverrides:
    return RouteOverrides(preview, TrialAffinity(trial, challenger, weights))


def step(weights: tuple[int, ...], trial: str = "3f9c1a2b", **gateway: Any) -> dict[str, Any]:
    """The route once the challenger has had these weights."""
    shares: dict[Slot, int] = {"a": 100 - weights[-1], "b": weights[-1]}
    return rendered(spec(session_affinity=True, **gateway), session_affinity(*weights, trial=trial), shares)


@dataclass
class User:
    """Somebody with a browser: it keeps cookies, and sends others beside ours."""

    chance: random.Random
    cookies: dict[str, str] = field(default_factory=lambda: {"session": "a=b", "xpodium": "3f9c1a2b.50.b"})

    drawn: str = ""  # what the last request said of its side

    def ask(self, route: Mapping[str, Any]) -> str:
        """The side that answers."""
        sent = {"cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())} if self.cookies else {}
        refs = rule_for(route, "/invocations", **sent)["backendRefs"]
        (ref,) = self.chance.choices(refs, [ref["weight"] for ref in refs])
        self.drawn = ""
        for one in ref.get("filters", []):
            if one["type"] == "RequestHeaderModifier":
                (said,) = one["requestHeaderModifier"]["set"]
                assert said["name"] == "x-podium-drawn"
                self.drawn = said["value"]
                continue
            (header,) = one["responseHeaderModifier"]["add"]
            assert header["name"] == "Set-Cookie"
            name, _, value = header["value"].partition(";")[0].partition("=")
            self.cookies[name] = value
        return str(ref["name"]).removeprefix("churn-")


def users(number: int) -> list[User]:
    chance = random.Random(7)
    return [User(chance) for _ in range(number)]


def all_of(asking: list[User], route: Mapping[str, Any]) -> list[str]:
    """The side that answers each of them."""
    return [user.ask(route) for user in asking]


def assert_share(found: int, of: int, percent: float) -> None:
    """Within 3.3 standard deviations: the seed is fixed, and another one would fail in one of 1,000 times."""
    expected = percent / 100
    assert abs(found - of * expected) <= 3.3 * (of * expected * (1 - expected)) ** 0.5, (found, of, percent)


def test_users_stay_within_a_step_move_one_way_as_the_weight_rises_and_are_as_many_as_it_says() -> None:
    everybody = users(10_000)
    side = dict.fromkeys(range(len(everybody)), "a")
    for number, weight in enumerate(STEPS, 1):
        route = step(STEPS[:number])
        before = dict(side)
        side = {place: user.ask(route) for place, user in enumerate(everybody)}
        assert {place: user.ask(route) for place, user in enumerate(everybody)} == side
        assert [place for place, was in before.items() if was == "b" and side[place] == "a"] == []
        assert_share(sum(now == "b" for now in side.values()), len(everybody), weight)


def test_a_request_says_that_its_side_was_drawn_where_no_cookie_had_a_say() -> None:
    said = []
    for number in range(1, len(STEPS) + 1):
        for user in (known := users(50)) if number == 1 else known:
            user.ask(step(STEPS[:number]))
            said.append((number, user.drawn))
            user.ask(step(STEPS[:number]))
            assert user.drawn == "no"
    assert set(said) == {(1, "yes"), (2, "no"), (3, "no")}
    fresh = users(1)[0]
    fresh.ask(step(STEPS))
    assert fresh.drawn == "yes"


@pytest.mark.parametrize("last_seen", [1, 2])
def test_who_was_away_for_some_steps_is_shared_as_if_never_away(last_seen: int) -> None:
    everybody = users(10_000)
    before = all_of(everybody, step(STEPS[:last_seen]))
    after = all_of(everybody, step(STEPS))
    assert not any(was == "b" and now == "a" for was, now in zip(before, after, strict=True))
    assert_share(after.count("b"), len(everybody), STEPS[-1])


def test_what_another_trial_said_of_a_user_means_nothing() -> None:
    everybody = users(10_000)
    first = all_of(everybody, step((50,), trial="00000000"))
    second = all_of(everybody, step((25,), trial="11111111"))
    for side in ("a", "b"):
        now = [after for before, after in zip(first, second, strict=True) if before == side]
        assert_share(now.count("b"), len(now), 25)


def test_a_rollback_takes_everybody_back_with_one_write_and_says_nothing_in_cookies() -> None:
    everybody = users(100)
    for user in everybody:
        user.ask(step((99,)))
    back = rendered(spec(session_affinity=True), NO_OVERRIDES, ALL_A)
    assert {user.ask(back) for user in everybody} == {"a"}
    assert not any("filters" in ref for rule in back["spec"]["rules"] for ref in rule["backendRefs"])


def test_testers_reach_the_challenger_whatever_their_cookie_says() -> None:
    given = spec({"header": "x-podium-preview"}, session_affinity=True, matches=MATCHES)
    route = rendered(given, session_affinity(50, preview="b"), {"a": 50, "b": 50})
    cookie = "podium=3f9c1a2b.50.a"
    assert backends(route, "/invocations", cookie=cookie) == CHAMPION
    assert backends(route, "/invocations", cookie=cookie, x_podium_preview="alice") == CHALLENGER


@pytest.mark.parametrize(
    ("cookie", "goes_to"),
    [
        ("podium=3f9c1a2b.50.b", CHALLENGER),
        ("podium=3f9c1a2b.5.b", CHALLENGER),
        ("session=1; podium=3f9c1a2b.50.b; theme=dark", CHALLENGER),
        ("session=1;podium=3f9c1a2b.50.b", CHALLENGER),
        ("podium=3f9c1a2b.50.a", CHAMPION),
        ("podium=3f9c1a2b.25.a", {"a": 50, "b": 25}),
        ("podium=3f9c1a2b.5.a; podium2=x", {"a": 50, "b": 45}),
        ("xpodium=3f9c1a2b.50.b", {"a": 50, "b": 50}),
        ("podium=3f9c1a2b.50.bb", {"a": 50, "b": 50}),
        ("podium=3f9c1a2bx50.b", {"a": 50, "b": 50}),
        ("podium=11111111.50.b", {"a": 50, "b": 50}),
        ("other=podium=3f9c1a2b.50.b", {"a": 50, "b": 50}),
    ],
)
def test_a_cookie_is_found_among_others_and_nothing_else_is_taken_for_it(
    cookie: str, goes_to: Mapping[str, int]
) -> None:
    assert backends(step(STEPS), "/invocations", cookie=cookie) == goes_to


@pytest.mark.parametrize("matches", [0, 1, 8, 16])
def test_however_many_steps_and_matches_there_are_the_route_is_within_the_limits_of_the_gateway_api(
    matches: int,
) -> None:
    weights = tuple(range(5, 100, 5))  # 19 steps
    given = spec(
        {"header": "x-podium-preview"},
        session_affinity=True,
        matches=[{"path": {"value": f"/{number}"}} for number in range(matches)],
    )
    route = rendered(given, session_affinity(*weights, preview="b"), {"a": 5, "b": 95})
    rules = route["spec"]["rules"]
    assert len(rules) <= 16
    assert sum(len(rule.get("matches", [{}])) for rule in rules) < 128
    assert backends(route, "/1", cookie="podium=3f9c1a2b.90.a") == ({"a": 5, "b": 5} if matches != 1 else None)
    assert read(given, live(route)) == ({"a": 5, "b": 95}, session_affinity(*weights, preview="b"), True)


def test_who_was_last_seen_at_a_weight_that_has_no_rule_any_more_still_moves_one_way() -> None:
    weights = tuple(range(5, 100, 5))
    everybody = users(1000)
    before = all_of(everybody, step((5,)))
    after = all_of(everybody, step(weights))
    assert not any(was == "b" and now == "a" for was, now in zip(before, after, strict=True))
    assert_share(sum(now == "b" for was, now in zip(before, after, strict=True) if was == "a"), before.count("a"), 95)


# --- what is read back ------------------------------------------------------------------------------------------------


def seen(given: Spec) -> ModelDeployment:
    return ModelDeployment(Key("ml", "churn"), OWNER.uid, 1, "1", NOW, deleting=False, spec=given, status=Status())


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


def read(given: Spec, route: dict[str, Any]) -> tuple[Mapping[Slot, int], RouteOverrides, bool]:
    """Weights and overrides of a route, and whether it is as Podium would have written it for them."""
    rule = own_rule(route, "churn")
    assert isinstance(rule, Rule)
    overrides = route_rules.overrides_of(given.traffic, route["metadata"]["annotations"])
    return rule.weights, overrides, _intact(seen(given), route, rule, overrides)


@pytest.mark.parametrize(
    "overrides",
    [
        NO_OVERRIDES,
        TO_B,
        RouteOverrides(preview="a"),
        session_affinity(5, 25, 30),
        session_affinity(30, preview="b", challenger="b"),
    ],
)
@pytest.mark.parametrize("matches", [[], MATCHES])
def test_what_was_written_is_read_back(matches: list[Any], overrides: RouteOverrides) -> None:
    given = spec({"header": "x-podium-preview"}, session_affinity=True, matches=matches, filters=FILTERS)
    assert read(given, live(rendered(given, overrides, {"a": 70, "b": 30}))) == ({"a": 70, "b": 30}, overrides, True)


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


def test_a_hand_in_what_answers_say_to_users_is_noticed() -> None:
    given = spec(session_affinity=True)
    route = live(rendered(given, session_affinity(5, 25), {"a": 75, "b": 25}))
    assert read(given, route)[2]
    other, more, spoilt = (copy.deepcopy(route) for _ in range(3))
    last = other["spec"]["rules"][-1]["backendRefs"][0]["filters"][1]["responseHeaderModifier"]
    last["add"] = [{"name": "Set-Cookie", "value": "podium=3f9c1a2b.25.b"}]
    more["spec"]["rules"][0]["backendRefs"][0]["filters"] = FILTERS
    spoilt["metadata"]["annotations"][names.SESSION_AFFINITY] = "3f9c1a2b:b:"
    assert [read(given, each)[2] for each in (other, more, spoilt)] == [False] * 3


def test_a_route_whose_last_rule_does_not_share_is_not_podiums_any_more() -> None:
    route = live(rendered(spec(), NO_OVERRIDES))
    del route["spec"]["rules"][0]["backendRefs"][1]
    assert own_rule(route, "churn") is None
    assert own_rule({"spec": {}}, "churn") is None


def test_the_pods_are_told_how_testers_are_known_and_others_pods_are_not_rolled_for_it() -> None:
    pinned = Status.model_validate({"champion": {"version": "7", "digest": "sha256:77", "slot": "a"}}).champion
    assert pinned is not None
    defaults = pod_specs.Defaults("podium-runtime:1", "http://mlflow.ml:5000")

    def told(given: Spec) -> dict[str, str]:
        variables = {one["name"]: one["value"] for one in pod_specs.environment(given, pinned, defaults, "churn-b")}
        return {name: value for name, value in variables.items() if "PREVIEW" in name}

    assert told(spec()) == {}
    assert told(spec({"header": "x-podium-preview"})) == {"PODIUM_PREVIEW_HEADER": "x-podium-preview"}
    assert told(spec({"header": "x-p", "value": "alice"})) == {
        "PODIUM_PREVIEW_HEADER": "x-p",
        "PODIUM_PREVIEW_VALUE": "alice",
    }
