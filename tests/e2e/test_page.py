"""The page as people have it: its image, manifests/page on a real cluster, and Chromium with a visitor's token."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

pytest.importorskip("playwright", reason="this environment is older than requirements/dev.txt; do: make")

from playwright.sync_api import expect

from demo.ledger import Ledger
from testbed.cluster import Cluster
from testbed.waiting import wait_until
from tests.e2e.page import LOOKS, STEERS, Eyes, PageInCluster, browsing, page_in_cluster
from tests.e2e.rollout import Rollout, clients
from tests.e2e.steered import SLOW, Act, steer_a_whole_rollout

pytestmark = [pytest.mark.browser, pytest.mark.cluster, pytest.mark.timeout(900)]

VERBS = {
    "set version": "set-version",
    "approve": "approve",
    "pause": "pause",
    "resume": "resume",
    "promote": "promote",
    "promote --full": "promote-full",
    "abort": "abort",
    "retry": "retry",
    "rollback --now": "rollback-now",
    "undo": "undo",
}
GUARDS = [
    {"name": "errors", "errorRate": {"atMost": "1%"}},
    {"name": "latency", "latency": {"atMost": "2s"}},
]
FORGERY = """() => {
  for (const one of document.querySelectorAll("#steer button, #steer input")) one.disabled = false;
}"""
FIELDS = {"set-version": "2", "approve": "alice", "promote": "quiet", "abort": "prices", "rollback-now": "orders"}


@pytest.fixture
def page(cluster: Cluster, namespace: str, ports: Iterator[int]) -> Iterator[PageInCluster]:
    with page_in_cluster(cluster, namespace, next(ports)) as found:
        yield found


def verb_of(words: str) -> str:
    """The button that does what these words of the command line do."""
    said = words.replace(" churn", "")
    return VERBS[max((one for one in VERBS if all(part in said.split() for part in one.split())), key=len)]


def press(eyes: Eyes, address: str, verb: str) -> str:
    """Press the button, and look again where something changed meanwhile, as a person does. Returns what is said."""
    tab = eyes.tab

    def pressed() -> str | None:
        tab.goto(address)
        if verb in FIELDS:
            tab.locator(f"#field-{verb}").fill(FIELDS[verb])
        tab.locator(f'form[action$="/{verb}"] button').click()
        said = tab.locator("main p.said").first.inner_text()
        return None if "look again" in said else said

    return wait_until(f"the button {verb} is pressed", pressed, 60)


def by_buttons(eyes: Eyes, page: PageInCluster, begin: Callable[[], None]) -> Act:
    address, steward = page.address("churn"), f"system:serviceaccount:{page.kubectl.namespace}:steward"

    def act(words: str, _: dict[str, Any]) -> None:
        verb = verb_of(words)
        if verb == "set-version":
            begin()
        if verb == "abort":  # in the second step, with answers of both versions
            eyes.tab.goto(address)
            expect(eyes.tab.locator("#charts")).to_contain_text("went from 20% to 50%", timeout=60_000)
            eyes.look("page-deployment")
            eyes.tab.goto(page.origin)
            expect(eyes.tab.locator("#rows")).to_contain_text("churn")
            eyes.look("page-fleet")
        said = press(eyes, address, verb)
        assert eyes.tab.locator("main p.said").first.get_attribute("role") == "status", said
        if verb == "abort":
            eyes.look()
            assert page.kubectl.get("md", "churn")["spec"]["rollout"]["abort"]["by"] == steward

    return act


def test_a_whole_rollout_is_steered_by_buttons_alone(rollout: Rollout, page: PageInCluster, rows: list[bytes]) -> None:
    """And every page on the way is one that anyone can read: axe, in light and dark, and on a phone."""
    with ExitStack() as stack:
        eyes = stack.enter_context(browsing(page.visitor("steward", STEERS)))
        ledgers = list[Ledger]()
        act = by_buttons(eyes, page, lambda: ledgers.append(stack.enter_context(clients(rollout.port, rows))))
        steer_a_whole_rollout(rollout, act, GUARDS)
        eyes.tab.goto(page.address("churn"))
        expect(eyes.tab.locator("#decisions")).to_contain_text("Aborted")
        eyes.look()
        eyes.tab.goto(page.address("gone"))
        eyes.look()
    assert eyes.wrong == []
    assert ledgers[0].failures == []


def test_a_viewer_without_rights_sees_no_button_that_works(rollout: Rollout, page: PageInCluster) -> None:
    """Nor does one that is forged: made to work in the page, or sent past it."""
    rollout.apply("1")
    rollout.settle("1")
    before = rollout.object()["spec"]
    with browsing(page.visitor("reader", LOOKS)) as eyes:
        tab = eyes.tab
        tab.goto(page.address("churn"))
        buttons = tab.locator("#steer button")
        assert buttons.count() > 3
        for at in range(buttons.count()):
            expect(buttons.nth(at)).to_be_disabled()
        expect(tab.locator("#steer")).to_contain_text("you lack the right to patch modeldeployments.podium.dev")
        expect(tab.locator("#pods tbody")).to_contain_text("champion")
        eyes.look()
        tab.locator("#slider-rate").press("ArrowRight")
        expect(tab.locator('output[for="slider-rate"]')).to_have_text("100/s")
        tab.locator(".what-if button").click()
        expect(tab.locator("h1")).to_contain_text("What if", timeout=60_000)
        eyes.look()
        tab.goto(page.address("churn"))
        tab.evaluate(FORGERY)
        tab.locator('form[action$="/pause"] button').click()
        expect(tab.locator("main p.said").first).to_have_attribute("role", "alert")
        tab.goto(page.address("churn"))
        form: dict[str, str | float | bool] = {
            "csrf": tab.locator('form[action$="/pause"] input[name="csrf"]').get_attribute("value") or ""
        }
        form |= {"does": "churn is paused", "uid": rollout.object()["metadata"]["uid"]}
        sent = tab.request.post(page.address("churn") + "/pause", form=form, headers={"Origin": page.origin})
        assert (sent.status, "forbidden" in sent.text().lower()) == (409, True), sent.text()
    assert eyes.wrong == []
    assert rollout.object()["spec"] == before


def test_what_is_written_in_a_field_stays_while_the_page_changes(rollout: Rollout, page: PageInCluster) -> None:
    rollout.apply("1", rollout=SLOW)
    rollout.settle("1")
    with browsing(page.visitor("steward", STEERS)) as eyes:
        tab = eyes.tab
        tab.goto(page.address("churn"))
        field = tab.locator("#field-set-version")
        field.fill("2")
        expect(field).to_be_focused()
        rollout.kubectl("patch", "md/churn", "--type=merge", '--patch={"spec": {"paused": true}}')
        expect(tab.locator('form[action$="/resume"]')).to_be_visible()
        expect(field).to_have_value("2")
        expect(field).to_be_focused()
