"""`podium simulate`: arguments, table, object and plot. simulated.txt and .svg are golden: PODIUM_GOLDEN=write."""

import json
import os
import xml.etree.ElementTree as ET
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from podium.cli.main import main
from podium.cli.simulation_plot import svg
from podium.cli.simulation_report import About, Report, as_table
from podium.simulation.assumed import assumed
from podium.simulation.figures import figures
from podium.simulation.trial import Outcome, Plan
from podium.simulation.window import windowed
from tests.stories.simulator import spec_of

HERE = Path(__file__).parent
QUICK = """\
apiVersion: podium.dev/v1alpha1
kind: ModelDeployment
metadata: {name: churn}
spec:
  model: {name: churn, version: "7"}
  rollout: {steps: [{weight: 50, duration: 5s}], soak: 10s}
"""


def simulate(*words: str | Path, text: str = QUICK) -> Result:
    few = ["--workers", "1", "--trials", "3"]
    return CliRunner().invoke(main, ["simulate", "-", *few, *map(str, words)], input=text)


def report() -> Report:
    """Outcomes by hand: what is shown does not hang on how they came about."""
    guards = [
        {"name": "errors", "errorRate": {"atMost": "1%", "maxAboveChampion": "0.5%"}},
        {"name": "drift", "predictionShift": {"maxShift": "10%"}},
    ]
    spec = spec_of("2", rollout={"guards": guards}, serving={"replicas": 4})
    plan = Plan(spec, 50, assumed(spec.rollout.guards, {}), timedelta(days=7))
    good = [Outcome("promoted", 90.0 + n, 1890.0 + n, 90_000, 180, "") for n in range(19)]
    good += [Outcome("rolled back", None, 41.0, 400, 9, "GuardFailed")]
    bad = [Outcome("rolled back", None, 5.0 + n, 40 + 10 * n, 3 + n, "GuardFailed") for n in range(18)]
    bad += [Outcome("rolled back", 90.0, 700.0, 9000, 450, "GuardFailed"), Outcome("undecided", None, 6e5, 3, 1, "")]
    window = windowed(spec, 50, 0.002, 0.05)
    return Report(plan, About("churn", 20, 1), figures("good", good), figures("bad", bad), window)


@pytest.mark.parametrize(("name", "made"), [("simulated.txt", as_table), ("simulated.svg", svg)])
def test_table_and_plot_are_as_the_golden_files_say(name: str, made: object) -> None:
    assert callable(made)
    text = made(report()).rstrip("\n") + "\n"
    if os.environ.get("PODIUM_GOLDEN") == "write":
        (HERE / name).write_text(text)
    assert text == (HERE / name).read_text()


def test_a_simulation_from_a_file_to_a_table() -> None:
    result = simulate()
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("churn: 50 requests/s, 1 pod; steps 50% for 5s (50% exposed)\n")
    assert "\npromoted " in result.stdout


def test_the_same_seed_gives_the_same_figures_and_another_one_others() -> None:
    first, again, other = (simulate("--json", "--seed", seed).stdout for seed in ("4", "4", "5"))
    assert first == again != other
    found = json.loads(first)
    assert found["good"]["promoted"]["count"] == found["bad"]["rolled_back"]["count"] == 3
    assert found["bad"]["seconds_to_rollback"]["median"] < 60


def test_shares_and_rate_are_what_is_said() -> None:
    result = simulate("--json", "--good", "0.1%", "--bad", "errors=40%", "--champion", "1%", "--rate", "600/m")
    found = json.loads(result.stdout)
    assert found["requests_per_s"] == 10
    assert found["assumed"] == {"good": {"errors": 0.001}, "bad": {"errors": 0.4}, "champion": {"errors": 0.01}}


def test_who_asks_is_said_and_told() -> None:
    result = simulate("--users", "20", "--requests-per-user", "30", "--activity", "log-normal")
    assert result.exit_code == 0, result.output
    said = "20 users whose requests are drawn one by one; 30 requests each, then another one comes; activity log-normal"
    assert said in result.stdout
    clients = json.loads(simulate("--connections", "5", "--json").stdout)["clients"]
    assert clients == {"clients": 5, "requests": None, "activity": "equal", "kept_alive": True}


def test_a_threshold_stands_beside_it_if_asked_for() -> None:
    assert json.loads(simulate("--json").stdout)["window"] is None
    assert "beside it, a threshold" in simulate("--beside-window").stdout


def test_a_plot_is_a_picture(tmp_path: Path) -> None:
    for name in ("plot.svg", "plot.png"):
        result = simulate("--plot", tmp_path / name)
        assert result.exit_code == 0, result.output
    assert ET.parse(tmp_path / "plot.svg").getroot().tag == "{http://www.w3.org/2000/svg}svg"
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")


def test_a_name_in_the_title_is_no_markup() -> None:
    sly = report()
    hostile = Report(sly.plan, About("<script>&", 20, 1), sly.good, sly.bad, None)
    assert "<script>" not in svg(hostile)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--rate", "50"], "expected a rate such as 50/s, 200/m or 10/h, found 50"),
        (["--rate", "0/s"], "expected a rate"),
        (["--bad", "5"], "expected a share in percent such as 1% or 0.5%, found '5'"),
        (["--bad", "latency=5%"], "expected the name of a guard (errors), found latency"),
        (["--longest", "soon"], "expected a duration such as 90s"),
        (["--trials", "0"], "0 is not in the range"),
        (["--users", "2", "--connections", "2"], "expected --users or --connections, found both"),
        (["--requests-per-user", "2"], "--requests-per-user and --activity need --users or --connections"),
        (["--plot", "plot.jpg"], "expected a file .svg or .png, found plot.jpg"),
        (["--plot", "/no/such/folder/plot.svg"], "folder /no/such/folder not found"),
    ],
)
def test_options_that_cannot_be_are_refused_with_what_is_wanted(words: list[str], said: str) -> None:
    result = simulate(*words)
    assert result.exit_code == 2
    assert said in " ".join(result.output.split())


def test_a_png_without_matplotlib_names_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("podium.cli.simulation_plot.find_spec", lambda name: None)
    result = simulate("--plot", "plot.png")
    assert result.exit_code == 2
    assert "a .png needs matplotlib" in result.output


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (QUICK.replace('"7"', "7"), "-: spec.model.version: expected text, found 7"),
        ("kind: ConfigMap\n", "expected one ModelDeployment, found none\n"),
        (f"{QUICK}---\n{QUICK.replace('name: churn}', 'name: fraud}', 1)}", "found churn, fraud"),
        ("a: [1\n", "not valid YAML for kubectl"),
    ],
)
def test_a_file_without_one_valid_model_deployment_is_told_from_wrong_options(text: str, said: str) -> None:
    result = simulate(text=text)
    assert result.exit_code == 1
    assert said in result.output


def test_one_of_several_is_chosen_by_its_name() -> None:
    both = f"{QUICK}---\n{QUICK.replace('name: churn}', 'name: fraud}', 1)}"
    assert simulate("--name", "fraud", text=both).stdout.startswith("fraud: ")
    found = simulate("--name", "frauds", text=both).output
    assert "expected one ModelDeployment frauds, found churn, fraud; do: choose one by its name\n" in found
