import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

from podium.adapters.metrics.exposition import statement
from podium.core.facts import Counters, Histogram, ReloadState
from podium.core.identity import Identity
from podium.ports import PodReport
from podium.runtime.http.reload_report import ReloadReport

INFO = 'podium_model_info{model="churn",version="7",run_id="r",digest="sha256:77"} 1.0\n'


def count(outcome: str, number: object) -> str:
    return f'podium_requests_total{{model="churn",version="7",outcome="{outcome}"}} {number}\n'


def test_bad_answers_are_those_of_the_version_and_clients_and_full_queues_do_not_count() -> None:
    text = INFO + count("ok", 90) + count("model_error", 3) + count("nan", 2) + count("timeout", 1)
    text += count("client_error", 1000) + count("overload", 1000) + count("something_new", 1000)
    assert statement(text) == PodReport(Identity("7", "sha256:77"), Counters(answers=96, bad=6, invalid=2))


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
    assert said == PodReport(Identity("7", "sha256:77"), Counters(answers=1_000_002, bad=2, invalid=2))


@pytest.mark.parametrize(
    "text", ["", "\n\n", "<html>not found</html>", "# HELP x\n", 'podium_requests_total{outcome="ok"} 0']
)
def test_a_pod_that_tells_nothing_of_use_is_left_out(text: str) -> None:
    assert statement(text) is None


@pytest.mark.parametrize("number", ["NaN", "+Inf", "-1", "1e300", "many", "1_0"])
def test_a_count_that_cannot_be_believed_spoils_the_rest(number: str) -> None:
    assert statement(INFO + count("ok", 5) + count("nan", number)) is None or number == "1_0"


def step(name: str) -> str:
    return f'podium_startup_step{{step="{name}"}} 1.0\n'


def test_what_a_server_does_before_it_is_ready_is_read() -> None:
    assert statement(step("fetching")) == PodReport(None, Counters(0, 0), "fetching")
    said = statement(step("fetching") + step("loading") + INFO)
    assert said == PodReport(Identity("7", "sha256:77"), Counters(0, 0))


def test_two_identities_are_none() -> None:
    said = statement(INFO + INFO.replace('"7"', '"8"') + count("ok", 5))
    assert said == PodReport(None, Counters(answers=5, bad=0))


def test_an_identity_that_is_switched_off_is_none() -> None:
    assert statement(INFO.replace("} 1.0", "} 0") + count("ok", 5)) == PodReport(None, Counters(5, 0))


@given(st.text(max_size=2000))
def test_no_text_makes_it_fail(text: str) -> None:
    for body in (text, INFO + text, "podium_requests_total{" + text + "} 1", 'podium_scores_bucket{le="' + text):
        said = statement(body)
        assert said is None or said.counters.bad <= said.counters.answers


def test_long_lines_are_read_in_a_moment() -> None:
    line = 'podium_requests_total{a="' + "\\" * 400_000
    assert statement(line) is None
    assert statement("podium_model_info{" + 'a="",' * 100_000 + "} 1") is None


def bucket(edge: str, number: object, name: str = "podium_scores") -> str:
    return f'{name}_bucket{{le="{edge}",model="churn",version="7"}} {number}\n'


def told(text: str) -> Counters:
    said = statement(INFO + text)
    assert said is not None
    assert said.counters is not None
    return said.counters


def test_a_histogram_is_read_with_its_edges_and_what_is_above_them() -> None:
    text = bucket("-0.5", "1.0") + bucket("0.0", "3.0") + bucket("1e+06", "3.0") + bucket("+Inf", "4.0")
    assert told(text).scores == Histogram((-0.5, 0.0, 1e6), (1, 3, 3), 4)
    seconds = bucket("0.1", 5, "podium_request_duration_seconds") + bucket("+Inf", 6, "podium_request_duration_seconds")
    assert told(seconds).latency == Histogram((0.1,), (5,), 6)


def test_labels_may_fake_model_server_any_order() -> None:
    text = 'podium_scores_bucket{model="x,le=",le="1.0"} 1\npodium_scores_bucket{model="x,le=",le="+Inf"} 2\n'
    assert told(text).scores == Histogram((1.0,), (1,), 2)


@pytest.mark.parametrize(
    "text",
    [
        bucket("2", 1) + bucket("1", 2) + bucket("+Inf", 3),
        bucket("1", 1) + bucket("1", 1) + bucket("+Inf", 3),
        bucket("1", 2) + bucket("2", 1) + bucket("+Inf", 3),
        bucket("1", 4) + bucket("+Inf", 3),
        bucket("1", 1) + bucket("2", 2),
        bucket("NaN", 1) + bucket("+Inf", 3),
        bucket("-Inf", 1) + bucket("+Inf", 3),
        bucket("1", "NaN") + bucket("+Inf", 3),
        bucket("1", -1) + bucket("+Inf", 3),
        bucket("1", 1) + bucket("+Inf", "1e300"),
        bucket("1", 1) + bucket("+Inf", "+Inf"),
        bucket("one", 1) + bucket("+Inf", 3),
        bucket("1", "") + bucket("+Inf", 3),
        "podium_scores_bucket 3\n",
        "".join(bucket(str(edge), 1) for edge in range(5000)) + bucket("+Inf", 1),
    ],
)
def test_a_histogram_that_contradicts_itself_is_left_out_and_the_answers_still_count(text: str) -> None:
    assert told(count("ok", 5) + text) == Counters(answers=5, bad=0)


def classes(name: str, number: object) -> str:
    return f'podium_classes_total{{class="{name}",model="churn",version="7"}} {number}\n'


def test_classes_are_read_as_they_are_named() -> None:
    text = classes("yes", 3) + classes(r"\"no\"", 2.0) + classes("", 1)
    assert told(text).classes == {"yes": 3, '"no"': 2, "": 1}


@pytest.mark.parametrize(
    "text",
    [
        classes("yes", 3) + classes("yes", 4),
        classes("yes", 3) + classes("no", "NaN"),
        "podium_classes_total 3\n",
        "".join(classes(str(number), 1) for number in range(5000)),
    ],
)
def test_classes_that_contradict_themselves_are_left_out(text: str) -> None:
    assert told(text).classes == {}


@pytest.mark.parametrize(("number", "found"), [("3.0", 3), ("1e9", 4), ("NaN", 0), ("-1", 0)])
def test_no_more_bad_answers_fake_model_server_a_row_than_there_are(number: str, found: int) -> None:
    row = f'podium_consecutive_failures{{model="churn",version="7"}} {number}\n'
    assert told(count("model_error", 4) + row).consecutive_bad == found


def reload_info(digest: str, state: str, reason: str = "") -> str:
    return f'podium_reload_info{{digest="{digest}",reason="{reason}",state="{state}"}} 1.0\n'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (reload_info("sha256:8", "served"), ReloadState("sha256:8", "served")),
        (reload_info("sha256:8", "failed", "restart_needed"), ReloadState("sha256:8", "failed", "restart_needed")),
        (reload_info("", "failed", "bad_settings"), ReloadState("", "failed", "bad_settings")),
        (reload_info("sha256:8", "failed", "no such word: <b>"), ReloadState("sha256:8", "failed")),
        (reload_info("sha256:8", "gone"), None),
        (reload_info("sha256:8", "served") + reload_info("sha256:9", "failed"), None),
        ("", None),
    ],
)
def test_what_became_of_a_reload_is_read_and_what_cannot_be_believed_is_not(
    text: str, expected: ReloadState | None
) -> None:
    said = statement(INFO + text)
    assert said is not None
    assert said.reload == expected


def test_the_servers_own_report_of_a_reload_is_understood() -> None:
    report = ReloadReport("sha256:7", hook=True)
    report.failed("sha256:8", "restart_needed")
    said = statement(INFO + report.render().decode())
    assert said is not None
    assert said.reload == ReloadState("sha256:8", "failed", "restart_needed")
