"""`podium validate` as people and CI call it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from podium.cli.main import main

GOOD = """\
apiVersion: podium.dev/v1alpha1
kind: ModelDeployment
metadata: {name: churn}
spec:
  model: {name: churn, version: "7"}
  serving: {replicas: 19}
"""
BAD = GOOD.replace('"7"', "7")
OTHER = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n"


def validate(*words: str | Path, stdin: str = "") -> Result:
    return CliRunner().invoke(main, ["validate", *map(str, words)], input=stdin)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "good.yaml").write_text(GOOD)
    (tmp_path / "deep" / ".git").mkdir(parents=True)
    (tmp_path / "deep" / "bad.yml").write_text(f"{OTHER}---\n{BAD}")
    (tmp_path / "deep" / ".git" / "hidden.yaml").write_text("no: [yaml\n")
    (tmp_path / "notes.txt").write_text("no: [yaml\n")
    return tmp_path


def test_a_good_file_passes(folder: Path) -> None:
    result = validate(folder / "good.yaml")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "1 ModelDeployment checked, 0 other objects skipped, 0 problems\n"


def test_a_folder_is_searched_and_a_problem_is_told_with_file_line_and_field(folder: Path) -> None:
    result = validate(folder)
    place = folder / "deep" / "bad.yml"
    assert result.exit_code == 1
    assert (
        result.stdout == f'{place}:9: churn: spec.model.version: expected text, found 7; do: write it in quotes, "7"\n'
    )
    assert result.stderr == "2 ModelDeployments checked, 1 other object skipped, 1 problem\n"


def test_standard_input_is_a_file_too() -> None:
    result = validate("-", stdin=BAD)
    assert result.exit_code == 1
    assert result.stdout.startswith("<stdin>:5: churn: spec.model.version: ")


def test_of_many_objects_in_one_text_a_problem_names_the_one() -> None:
    text = f"{GOOD}---\n{BAD.replace('{name: churn}', '{name: churn, namespace: staging}')}"
    assert validate("-", stdin=text).stdout.startswith("<stdin>:12: staging/churn: spec.model.version: ")


def test_programs_get_json(folder: Path) -> None:
    result = validate("--json", folder)
    assert result.exit_code == 1
    assert json.loads(result.stdout) == {
        "checked": 2,
        "skipped": 1,
        "kinds": {"ModelDeployment": 2},
        "notes": [],
        "problems": [
            {
                "file": str(folder / "deep" / "bad.yml"),
                "line": 9,
                "object": "churn",
                "path": "spec.model.version",
                "message": 'expected text, found 7; do: write it in quotes, "7"',
            }
        ],
    }


def test_problems_come_in_the_order_of_the_file() -> None:
    text = GOOD.replace("churn}", "Churn}") + "  paused: 1\n  gates: 2\n"
    assert [line.split(": ")[2] for line in validate("-", stdin=text).stdout.splitlines()] == [
        "metadata.name",
        "spec.paused",
        "spec.gates",
    ]


def test_what_is_no_yaml_is_told_with_its_line() -> None:
    result = validate("-", stdin="a: [1\nb: 2\n")
    assert result.exit_code == 1
    assert result.stdout.startswith("<stdin>:2: not valid YAML for kubectl: ")


def test_the_objects_before_a_broken_one_are_still_checked() -> None:
    result = validate("-", stdin=f"{BAD}---\na: [1\n")
    assert len(result.stdout.splitlines()) == 2


@pytest.mark.parametrize(
    ("text", "field"),
    [(GOOD.replace("podium.dev/", "podium.io/"), "apiVersion"), (GOOD.replace("ModelDeployment", "Model"), "kind")],
)
def test_a_slip_in_group_or_kind_does_not_hide_the_object(text: str, field: str) -> None:
    line = 1 if field == "apiVersion" else 2
    assert validate("-", stdin=text).stdout.startswith(f"<stdin>:{line}: churn: {field}: ")


@pytest.mark.parametrize("status", ["phase: Unheard-of", "history: 7"])
def test_a_status_of_another_release_is_let_through(status: str) -> None:
    """`kubectl get -o yaml` writes one; it ended in a traceback."""
    result = validate("-", stdin=f"{GOOD}status: {{{status}}}\n")
    assert (result.exit_code, result.stdout) == (0, "")


def test_a_json_array_of_model_deployments_is_no_other_object() -> None:
    """It was skipped in silence; kubectl takes no array."""
    result = validate("-", stdin=f"- {GOOD.replace(chr(10), chr(10) + '  ')}")
    assert result.exit_code == 1
    assert result.stdout.startswith("<stdin>:1: expected an object, found a list of objects; do: ")
    assert validate("-", stdin="- hosts: all\n").exit_code == 0


def test_a_file_that_cannot_be_read_is_another_matter(tmp_path: Path) -> None:
    (tmp_path / "latin.yaml").write_bytes(b"name: caf\xe9\n")
    latin = validate(tmp_path / "latin.yaml")
    assert latin.exit_code == 2
    assert "latin.yaml: expected UTF-8, found byte 0xe9 at offset 9; do: save it as UTF-8" in latin.stderr
    assert validate(tmp_path / "missing.yaml").exit_code == 2
    assert validate().exit_code == 2


@pytest.mark.parametrize("text", ["", "\n", "# only a comment\n", "---\n---\n", "null\n"])
def test_a_file_without_an_object_is_a_problem(text: str) -> None:
    result = validate("-", stdin=text)
    assert result.exit_code == 1
    assert result.stdout.startswith("<stdin>:1: no object found, expected at least one ModelDeployment")


def test_a_folder_without_an_object_is_a_problem_and_an_empty_file_beside_others_is_none(tmp_path: Path) -> None:
    (tmp_path / "empty.yaml").write_text("# nothing yet\n")
    result = validate(tmp_path)
    assert (result.exit_code, result.stdout.startswith(f"{tmp_path}:1: no object found")) == (1, True)
    (tmp_path / "good.yaml").write_text(GOOD)
    assert validate(tmp_path).exit_code == 0


def test_a_share_that_the_pods_cannot_make_is_noted_and_is_no_problem() -> None:
    result = validate("-", stdin=GOOD.replace("19", "1"))
    assert (result.exit_code, result.stdout) == (0, "")
    note = result.stderr.splitlines()[0]
    assert note.startswith("note: <stdin>:4: churn: spec.rollout.steps: 5 % (50 % in force: 1 of 2 pods); 25 % (50 % ")
    assert "spec.traffic.gateway" in note
    exact = GOOD.replace("19", "1") + "  traffic: {gateway: {name: public}}\n"
    assert "note:" not in validate("-", stdin=exact).stderr


PROVIDER = """\
apiVersion: podium.dev/v1alpha1
kind: Provider
metadata: {name: bus}
spec: {type: generic, address: "https://events.example.com"}
"""
ALERT = """\
apiVersion: podium.dev/v1alpha1
kind: Alert
metadata: {name: all}
spec:
  providerRef: {name: bus}
  eventSources: [{name: "*"}]
"""


def test_providers_and_alerts_are_checked_too() -> None:
    result = validate("-", stdin=f"{GOOD}---\n{PROVIDER}---\n{ALERT}")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "1 Alert, 1 ModelDeployment, 1 Provider checked, 0 other objects skipped, 0 problems\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (PROVIDER.replace("generic", "pager"), "4: bus: spec.type: expected "),
        (PROVIDER.replace("generic", "generic-hmac"), "4: bus: spec.secretRef: generic-hmac needs secretRef"),
        (
            PROVIDER.replace('address: "https', 'adress: "https'),
            "4: bus: spec.adress: unknown field; do: write address",
        ),
        (
            ALERT.replace("providerRef: {name: bus}", "eventSeverity: info"),
            "5: all: spec.providerRef: expected a value",
        ),
        (ALERT.replace('"*"', "Churn"), "6: all: spec.eventSources[0].name: expected"),
    ],
)
def test_what_is_wrong_with_one_is_told_with_its_line_and_field(text: str, said: str) -> None:
    result = validate("-", stdin=text)
    assert result.exit_code == 1
    assert any(line.startswith("<stdin>:") and said.partition(": ")[2] in line for line in result.stdout.splitlines())


def test_an_alert_of_flux_is_another_object() -> None:
    text = ALERT.replace("podium.dev/v1alpha1", "notification.toolkit.fluxcd.io/v1beta3")
    assert validate("-", stdin=text).stderr == "0 ModelDeployments checked, 1 other object skipped, 0 problems\n"


POLICY = """\
apiVersion: podium.dev/v1alpha1
kind: PodiumPolicy
metadata: {name: team}
spec:
  namespaceSelector: {matchLabels: {team: ml}}
  operatorLogin: {models: [churn]}
  pods: {maxReplicas: 2}
"""
NAMESPACE = "apiVersion: v1\nkind: Namespace\nmetadata: {name: ml, labels: {team: ml}}\n"
ASKS = """\
apiVersion: podium.dev/v1alpha1
kind: ModelDeployment
metadata: {name: churn, namespace: ml}
spec:
  model: {name: churn, version: "7"}
  serving: {replicas: 1}
  gates:
    - name: reviewed
      webhook: {url: "https://review.example.com/churn"}
"""


@pytest.fixture
def granting(tmp_path: Path) -> Path:
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "team.yaml").write_text(f"{POLICY}---\n{NAMESPACE}")
    return tmp_path / "policies"


def test_what_policies_of_files_do_not_grant_is_a_problem_at_its_line(granting: Path) -> None:
    result = validate("-", "--policies", granting, stdin=ASKS.replace("replicas: 1", "replicas: 3"))
    assert result.exit_code == 1
    ask = 'host "review.example.com" is not permitted: ask for webhooks.hosts: ["review.example.com"]'
    assert result.stdout.splitlines() == [
        f"<stdin>:9: ml/churn: spec.gates[reviewed].webhook.url: {ask}",
        "<stdin>:6: ml/churn: spec.serving.replicas: 3 pods, where at most 2 are granted, is not permitted: "
        "ask for pods.maxReplicas: 3",
    ]


def test_what_policies_of_files_grant_is_none(granting: Path) -> None:
    granted = POLICY.replace("  pods:", "  webhooks: {hosts: [review.example.com]}\n  pods:")
    (granting / "team.yaml").write_text(f"{granted}---\n{NAMESPACE}")
    result = validate("-", "--policies", granting, stdin=ASKS)
    assert (result.exit_code, result.stdout) == (0, "")


def test_a_namespace_that_no_policy_matches_is_granted_nothing(granting: Path) -> None:
    result = validate("-", "--policies", granting, "--namespace", "other", stdin=GOOD)
    assert result.exit_code == 1
    assert "spec.model.name: registered model" in result.stdout
    assert "no PodiumPolicy matches this namespace" in result.stdout
    assert (
        "note: <stdin>:1: churn: PodiumPolicy team selects by labels, and no file has Namespace other" in result.stderr
    )


def test_the_operators_registry_is_its_own_in_writing_too(granting: Path) -> None:
    named = ASKS.partition("  gates:")[0] + '  registry: {uri: "https://mlflow.example.com"}\n'
    assert validate("-", "--policies", granting, stdin=named).exit_code == 1
    own = ("--operator-registry", "https://mlflow.example.com")
    assert validate("-", "--policies", granting, *own, stdin=named).exit_code == 0


@pytest.mark.parametrize(
    ("text", "said"), [(NAMESPACE, "expected at least one PodiumPolicy"), (POLICY + "  x: 1\n", "spec.x")]
)
def test_policies_that_cannot_be_read_are_told(granting: Path, text: str, said: str) -> None:
    (granting / "team.yaml").write_text(text)
    result = validate("-", "--policies", granting, stdin=ASKS)
    assert (result.exit_code, result.stdout) == (1, "")
    assert said in result.stderr
