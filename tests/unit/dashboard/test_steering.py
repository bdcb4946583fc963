"""The verbs as buttons: what is offered, what is refused, and what is written."""

import re
from collections.abc import Callable, Mapping
from html import unescape
from typing import Any, cast

import pytest

from bench.page.fleets import Json, kinds, placed
from podium.adapters.kubernetes.api import Api
from podium.dashboard.app import app
from podium.dashboard.kept import Place
from podium.dashboard.look import address
from podium.dashboard.steering import REVIEWS, Steering
from podium.errors import NotFound, Rejected, Unavailable
from tests.unit.cli.api_server import WHO, merge
from tests.unit.cli.conftest import saved
from tests.unit.dashboard.browser import Browser
from tests.unit.dashboard.conftest import DOOR, NOW, keeping
from tests.unit.dashboard.reading import Document
from tests.unit.dashboard.test_hostile import SAVED, attacks, harmless

OWN = {"Origin": "http://127.0.0.1:8910"}
ARGO = {"argocd.argoproj.io/tracking-id": "shop:podium.dev/ModelDeployment:ml/churn"}


class Cluster:
    """An API server in memory with one object, and what it says of the caller's rights."""

    def __init__(self, value: Json, *, allowed: bool = True) -> None:
        self.value = placed(value, "ml", "churn")
        self.value["metadata"].setdefault("resourceVersion", "1")
        self.allowed = allowed
        self.patches: list[Json] = []
        self.reviews: list[Mapping[str, Any]] = []
        self.down = False

    async def get(self, path: str) -> Json:
        if not path.endswith("/namespaces/ml/modeldeployments/churn"):
            raise NotFound(f"GET {path}: 404")
        return self.value

    async def merge(self, path: str, body: Json, *, manager: str) -> Json:
        if not self.allowed:
            raise Rejected("PATCH: the API server answered 403 Forbidden: bob may not patch")
        assert body["metadata"]["resourceVersion"] == self.value["metadata"]["resourceVersion"]
        self.patches.append(body["spec"])
        self.value = {**self.value, "spec": merge(self.value["spec"], body["spec"])}
        return self.value

    async def create(self, path: str, body: Json) -> Json:
        if self.down:
            raise Unavailable("away")
        if path == WHO:
            return {"status": {"userInfo": {"username": "bob"}}}
        assert path == REVIEWS
        self.reviews.append(body["spec"]["resourceAttributes"])
        return {"status": {"allowed": self.allowed}}

    def browser(self) -> Browser:
        steering = Steering(cast("Api", self))
        return Browser(app(keeping(self.value), DOOR, lambda: NOW, steering), {DOOR.cookie: DOOR.token})


def shown(cluster: Cluster, verb: str) -> dict[str, str]:
    """What the verb's form carries on the page as it is now; without a form, who the object is."""
    text = cluster.browser().get("/deployments/ml/churn").text
    form = next((one for one in re.findall(r"<form.*?</form>", text, re.DOTALL) if f'/{verb}"' in one), "")
    found = {name: unescape(value) for name, value in re.findall(r'name="([^"]+)" value="([^"]*)"', form)}
    return found or {"csrf": DOOR.csrf, "uid": str(cluster.value["metadata"].get("uid", ""))}


def press(cluster: Cluster, verb: str, **form: str) -> tuple[int, str]:
    """What comes of a form as the page has it now, with these fields in it."""
    data = {**shown(cluster, verb), **form}
    found = cluster.browser().request("POST", f"/deployments/ml/churn/{verb}", headers=OWN, data=data)
    return found.status_code, Document(found.text).text


def offered(cluster: Cluster) -> dict[str, str]:
    """The verbs by their form's address, with what is said beside each button."""
    document = Document(cluster.browser().get("/deployments/ml/churn").text)
    assert document.problems == []
    forms = [form for form in document.all("form") if form["class"] == "verb"]
    assert all(form["method"] == "post" for form in forms)
    names = [str(form["action"]).rpartition("/")[2] for form in forms]
    buttons = document.all("button")[: len(forms)]  # theirs come first
    return {name: "disabled" if "disabled" in button else "" for name, button in zip(names, buttons, strict=True)}


def test_what_an_object_is_already_is_not_offered() -> None:
    running = offered(Cluster(kinds()["Canary"]))
    assert ("pause" in running, "resume" in running) == (True, False)
    paused = kinds()["Canary"]
    paused["spec"]["paused"] = True
    assert ("pause" in offered(Cluster(paused)), "resume" in offered(Cluster(paused))) == (False, True)
    assert "approve" not in running


def test_a_verb_that_means_nothing_now_says_why() -> None:
    cluster = Cluster(kinds()["Stable"])
    assert offered(cluster)["retry"] == "disabled"
    text = Document(cluster.browser().get("/deployments/ml/churn").text).text
    assert "expected a version that is rejected, aborted, blocked or held, found phase Stable" in text
    assert offered(Cluster(kinds()["Rejected"]))["retry"] == ""


def test_a_viewer_without_the_right_sees_which_one_is_missing_and_no_button_works() -> None:
    cluster = Cluster(kinds()["Canary"], allowed=False)
    assert set(offered(cluster).values()) == {"disabled"}
    text = Document(cluster.browser().get("/deployments/ml/churn").text).text
    assert "you lack the right to patch modeldeployments.podium.dev in namespace ml" in text
    status, text = press(cluster, "pause")  # forged
    assert status == 409
    assert "bob may not patch" in text
    assert cluster.patches == []
    asked = {"namespace": "ml", "verb": "patch", "group": "podium.dev", "resource": "modeldeployments"}
    assert {tuple(one.items()) for one in cluster.reviews} == {tuple(asked.items())}


def test_rights_are_asked_for_once_a_minute() -> None:
    cluster, clock = Cluster(kinds()["Canary"]), iter([0.0, 30.0, 90.0, 90.0])
    steering = Steering(cast("Api", cluster), lambda: next(clock))
    browser = Browser(app(keeping(cluster.value), DOOR, lambda: NOW, steering), {DOOR.cookie: DOOR.token})
    for asked in (1, 1, 2):
        browser.get("/deployments/ml/churn")
        assert len(cluster.reviews) == asked


def test_where_rights_cannot_be_asked_for_no_button_works_and_the_page_is_there() -> None:
    cluster = Cluster(kinds()["Canary"])
    cluster.down = True
    assert set(offered(cluster).values()) == {"disabled"}
    assert "could not ask whether you may change it: away" in cluster.browser().get("/deployments/ml/churn").text


@pytest.mark.parametrize(
    ("phase", "verb", "form", "patch", "said"),
    [
        ("Canary", "pause", {}, {"paused": True}, "churn is paused"),
        ("Canary", "undo", {}, {"model": {"version": "1"}}, "churn names version 1"),
        ("Stable", "set-version", {"version": " 3 "}, {"model": {"version": "3"}}, "churn names version 3"),
    ],
)
def test_a_button_writes_what_the_verb_of_the_command_line_writes(
    phase: str, verb: str, form: dict[str, str], patch: Json, said: str
) -> None:
    cluster = Cluster(kinds()[phase])
    status, text = press(cluster, verb, **form)
    assert (status, cluster.patches) == (200, [patch])
    assert said in text
    assert "Next: " in text


def test_resume_retry_and_approve_are_written_too() -> None:
    paused = kinds()["Canary"]
    paused["spec"]["paused"] = True
    cluster = Cluster(paused)
    assert press(cluster, "resume")[0] == 200
    assert cluster.patches == [{"paused": False}]
    rejected = Cluster(kinds()["Rejected"])
    assert press(rejected, "retry")[0] == 200
    assert rejected.patches[0]["rollout"]["retry"].startswith("20")
    asking = kinds()["Stable"]
    asking["spec"]["gates"] = [{"name": "reviewed", "approval": {"by": ["alice"]}}]
    cluster = Cluster(asking)
    assert "approve" in offered(cluster)
    assert press(cluster, "approve", **{"as": "bob"})[0] == 409
    status, text = press(cluster, "approve", **{"as": "alice"})
    assert (status, cluster.patches) == (200, [{"approvals": [{"version": "1", "by": "alice"}]}])
    assert "version 1 of churn is approved by alice" in text


def begun(cluster: Cluster) -> str:
    return str(cluster.value["status"]["trial"]["startedAt"])


def test_a_persons_verdict_is_written_with_who_gave_it_and_why() -> None:
    cluster = Cluster(kinds()["Canary"])
    trial = {"version": "2", "model": "churn", "trialStartedAt": begun(cluster), "by": "bob"}
    status, text = press(cluster, "promote", reason="quiet")
    assert (status, cluster.patches) == (200, [{"rollout": {"promote": {**trial, "skipSteps": 1, "reason": "quiet"}}}])
    assert "version 2 of churn skips step 1" in text
    cluster = Cluster(kinds()["Canary"])
    assert press(cluster, "promote-full", reason="")[0] == 200
    assert cluster.patches == [{"rollout": {"promote": {**trial, "full": True}}}]
    cluster = Cluster(kinds()["Canary"])
    assert press(cluster, "abort", reason="prices")[0] == 200
    said = {"version": "2", "model": "churn", "by": "bob", "reason": "prices"}
    assert cluster.patches == [{"rollout": {"abort": said}}]


def test_the_champion_before_returns_at_once() -> None:
    value = kinds()["Stable"]
    entry = {**value["status"]["history"][-1], "version": "7"}
    value["status"]["history"].insert(0, entry)
    cluster = Cluster(value)
    assert press(cluster, "rollback-now", reason="orders")[0] == 200
    back = {"version": "7", "model": "churn", "full": True, "by": "bob", "reason": "orders"}
    assert cluster.patches == [{"model": {"version": "7"}, "rollout": {"promote": back}}]


def test_a_verdict_is_about_the_trial_that_was_seen() -> None:
    cluster = Cluster(kinds()["Canary"])
    form = shown(cluster, "promote")
    cluster.value["status"]["trial"]["startedAt"] = "2026-01-05T09:01:00Z"
    status, text = press(cluster, "promote", **form)
    assert (status, cluster.patches) == (409, [])
    assert "expected that afterwards version 2 of churn skips step 1: the trial that began at" in text


def test_where_git_owns_the_object_the_patch_is_shown_and_nothing_written_unless_it_is_forced() -> None:
    owned = kinds()["Canary"]
    owned["metadata"]["annotations"] = ARGO
    cluster = Cluster(owned)
    status, text = press(cluster, "pause")
    assert (status, cluster.patches) == (409, [])
    assert "Argo CD's application shop owns it" in text
    assert "spec: paused: true" in text
    assert "Write it anyway" in text
    status, text = press(cluster, "pause", force="yes")
    assert (status, cluster.patches) == (200, [{"paused": True}])
    assert "Argo CD's application shop owns the object" in text


def test_what_was_not_seen_is_not_done() -> None:
    cluster = Cluster(kinds()["Canary"])
    status, text = press(cluster, "undo", does="churn names version 7")
    assert (status, cluster.patches) == (409, [])
    assert "expected that afterwards churn names version 7, found that churn names version 1; do: look again" in text
    document = Document(cluster.browser().get("/deployments/ml/churn").text)
    (seen,) = [one["value"] for one in document.all("input") if one.get("value") == "churn names version 1"]
    assert press(cluster, "undo", does=str(seen))[0] == 200


def gate(value: Json) -> None:
    value["spec"]["gates"] = [{"name": "reviewed", "approval": {"by": ["alice"]}}]


def another_version(value: Json) -> None:
    value["spec"]["model"]["version"] = "8"
    for one in value["status"].get("gates", []):
        one["version"] = "8"


def made_again(value: Json) -> None:
    value["metadata"]["uid"] = "another"


@pytest.mark.parametrize(
    ("phase", "verb", "typed", "change", "said"),
    [
        ("Stable", "approve", {"as": "alice"}, another_version, "found that version 8 of churn is approved"),
        ("Blocked", "approve", {"as": "alice"}, another_version, "found that version 8 of churn is approved"),
        ("Rejected", "retry", {}, another_version, "found that version 8 of churn is retried"),
        ("Stable", "set-version", {"version": "5"}, another_version, "found that churn names no more version 8"),
        ("Canary", "pause", {}, made_again, "it was deleted and made again meanwhile"),
    ],
)
def test_a_form_does_what_it_says_beside_its_button_or_nothing(
    phase: str, verb: str, typed: dict[str, str], change: Callable[[Json], None], said: str
) -> None:
    """Approve approved version 8, which was named after the page was loaded, and which had been seen by no viewer."""
    value = kinds()[phase]
    gate(value)
    cluster = Cluster(value)
    form = shown(cluster, verb)
    assert form["does"] in cluster.browser().get("/deployments/ml/churn").text
    change(cluster.value)
    browser, path = cluster.browser(), f"/deployments/ml/churn/{verb}"
    answer = browser.request("POST", path, headers=OWN, data={**form, **typed})
    assert answer.status_code == 409
    assert said in Document(answer.text).text
    without = browser.request("POST", path, headers=OWN, data={"csrf": DOOR.csrf, **typed})
    assert without.status_code == 409
    assert cluster.patches == []


def test_an_object_that_is_being_deleted_is_not_steered() -> None:
    cluster = Cluster(kinds()["Canary"])
    form = shown(cluster, "pause")
    cluster.value["metadata"]["deletionTimestamp"] = "2026-01-05T09:00:00Z"
    status, text = press(cluster, "pause", **form)
    assert (status, cluster.patches) == (409, [])
    assert "it is being deleted" in text


@pytest.mark.parametrize("name", ["ali\u202ece", "ali\x7fce", "ali\x9bce"])
def test_a_name_cannot_command_who_reads_it(name: str) -> None:
    value = kinds()["Blocked"]
    value["spec"]["gates"] = [{"name": "reviewed", "approval": {}}]
    cluster = Cluster(value)
    assert press(cluster, "approve", **{"as": name})[0] == 409
    assert cluster.patches == []


def test_what_is_so_already_is_no_failure() -> None:
    paused = kinds()["Canary"]
    paused["spec"]["paused"] = True
    cluster = Cluster(paused)
    status, text = press(cluster, "pause")
    assert (status, cluster.patches) == (200, [])
    assert "nothing to do: churn is paused" in text


@pytest.mark.parametrize("csrf", ["", "wrong", "ö", DOOR.token])
def test_a_form_of_another_page_changes_nothing(csrf: str) -> None:
    cluster = Cluster(kinds()["Canary"])
    browser = cluster.browser()
    for form in ({"csrf": csrf}, {}):
        answer = browser.request("POST", "/deployments/ml/churn/pause", headers=OWN, data={**form, "x": "y"})
        assert answer.status_code == 403
    assert browser.request("POST", "/deployments/ml/churn/pause", data={"csrf": DOOR.csrf}).status_code == 403
    assert cluster.patches == []


def test_a_form_that_is_none_or_too_large_is_refused() -> None:
    cluster = Cluster(kinds()["Canary"])
    browser, path = cluster.browser(), "/deployments/ml/churn/pause"
    assert browser.request("POST", path, headers=OWN, json={"csrf": DOOR.csrf}).status_code == 415
    assert browser.request("POST", path, headers=OWN, data={"csrf": "x" * 9000}).status_code == 413
    form = {**OWN, "Content-Type": "application/x-www-form-urlencoded"}
    assert browser.request("POST", path, headers=form, content=b"\xff=1").status_code in {400, 403}
    assert browser.request("POST", path, headers=form, content="a=1&" * 99).status_code == 400
    assert cluster.patches == []


@pytest.mark.parametrize("version", ["", " ", "x" * 300, "seven", "<script>alert(1)</script>"])
def test_a_field_that_the_spec_refuses_changes_nothing(version: str) -> None:
    cluster = Cluster(kinds()["Stable"])
    browser = cluster.browser()
    answer = browser.request(
        "POST", "/deployments/ml/churn/set-version", headers=OWN, data={"csrf": DOOR.csrf, "version": version}
    )
    assert answer.status_code == 409
    assert cluster.patches == []
    assert "<script>alert" not in answer.text


def test_what_does_not_exist_cannot_be_steered() -> None:
    cluster = Cluster(kinds()["Stable"])
    assert press(cluster, "dance")[0] == 404
    gone = cluster.browser().request("POST", "/deployments/ml/gone/pause", headers=OWN, data={"csrf": DOOR.csrf})
    assert gone.status_code == 409
    assert "could not change gone" in gone.text
    assert cluster.browser().get("/deployments/ml/churn/pause").status_code == 405


def test_what_cannot_be_read_has_no_buttons() -> None:
    broken = saved("settled")
    broken["status"]["phase"] = "Dancing"
    cluster = Cluster(broken)
    assert 'method="post"' not in cluster.browser().get("/deployments/ml/churn").text
    assert press(cluster, "pause")[0] == 409


@pytest.mark.parametrize("at", range(len(SAVED) * 2 + 6))
def test_no_object_writes_markup_into_its_buttons(at: int) -> None:
    value = attacks()[at]
    steering = Steering(cast("Api", Cluster(value)))
    kept = keeping(value)
    browser = Browser(app(kept, DOOR, lambda: NOW, steering), {DOOR.cookie: DOOR.token})
    place = kept.entries[0].place
    harmless(browser.get(address("deployments", *place)).text)
    answer = browser.request("POST", address("deployments", *place, "pause"), headers=OWN, data={"csrf": DOOR.csrf})
    harmless(answer.text)


def test_a_right_is_unknown_until_it_was_asked_for() -> None:
    assert "not known yet" in Steering(cast("Api", Cluster(kinds()["Stable"]))).missing(Place("ml", "churn"))
