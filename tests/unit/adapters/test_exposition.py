import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

from podium.adapters.evidence.exposition import statement
from podium.core.facts import Counters, Identity
from podium.ports import Statement

INFO = 'podium_model_info{model="churn",version="7",run_id="r",digest="sha256:77"} 1.0\n'


def count(outcome: str, number: object) -> str:
    return f'podium_requests_total{{model="churn",version="7",outcome="{outcome}"}} {number}\n'


def test_bad_answers_are_those_of_the_version_and_clients_and_full_queues_do_not_count() -> None:
    text = INFO + count("ok", 90) + count("model_error", 3) + count("nan", 2) + count("timeout", 1)
    text += count("client_error", 1000) + count("overload", 1000) + count("something_new", 1000)
    assert statement(text) == Statement(Identity("7", "sha256:77"), Counters(answers=96, bad=6))


def test_the_format_of_the_official_client_is_understood() -> None:
    registry = CollectorRegistry()
    labels = {"model": 'a "quoted"\\name\n{}', "version": "7"}
    Gauge("podium_model_info", "x", [*labels, "run_id", "digest"], registry=registry).labels(
        **labels, run_id="r", digest="sha256:77"
    ).set(1)
    requests = Counter("podium_requests", "x", [*labels, "outcome"], registry=registry)
    requests.labels(**labels, outcome="ok").inc(1_000_000)
    requests.labels(**labels, outcome="nan").inc(2)
    said = statement(generate_latest(registry).decode())
    assert said == Statement(Identity("7", "sha256:77"), Counters(answers=1_000_002, bad=2))


@pytest.mark.parametrize(
    "text", ["", "\n\n", "<html>not found</html>", "# HELP x\n", 'podium_requests_total{outcome="ok"} 0']
)
def test_a_pod_that_tells_nothing_of_use_is_left_out(text: str) -> None:
    assert statement(text) is None


@pytest.mark.parametrize("number", ["NaN", "+Inf", "-1", "1e300", "many", "1_0"])
def test_a_count_that_cannot_be_believed_spoils_the_rest(number: str) -> None:
    assert statement(INFO + count("ok", 5) + count("nan", number)) is None or number == "1_0"


def test_two_identities_are_none() -> None:
    said = statement(INFO + INFO.replace('"7"', '"8"') + count("ok", 5))
    assert said == Statement(None, Counters(answers=5, bad=0))


def test_an_identity_that_is_switched_off_is_none() -> None:
    assert statement(INFO.replace("} 1.0", "} 0") + count("ok", 5)) == Statement(None, Counters(5, 0))


@given(st.text(max_size=2000))
def test_no_text_makes_it_fail(text: str) -> None:
    for body in (text, INFO + text, "podium_requests_total{" + text + "} 1", 'podium_model_info{version="' + text):
        said = statement(body)
        assert said is None or said.counters.bad <= said.counters.answers


def test_long_lines_are_read_in_a_moment() -> None:
    line = 'podium_requests_total{a="' + "\\" * 400_000
    assert statement(line) is None
    assert statement("podium_model_info{" + 'a="",' * 100_000 + "} 1") is None
