"""What the figures of `make bench-harmless` mean. The trials need the cluster."""

import pytest

from bench.cluster.subject import model_deployment
from bench.harmless import __main__ as bench
from bench.harmless.trials import CHALLENGER, Run, door, seen, spec
from demo.ledger import Answer, Ledger
from podium.api.v1alpha1.manifest import ModelDeploymentManifest


def test_a_run_counts_failures_and_those_that_were_saved() -> None:
    ledger = Ledger([Answer(0, 0.1, "1", 200, failed_by="2"), Answer(1, 1.3, "2", 500), Answer(2, 2.2, "", 0, "lost")])
    run = seen(ledger)
    assert ([answer.at for answer in run.failed], run.saved) == ([1.3, 2.2], 1)
    assert run.p99 == pytest.approx(0.3)


def test_without_answers_there_is_no_p99() -> None:
    with pytest.raises(ValueError, match="found no answer"):
        seen(Ledger())


@pytest.mark.parametrize("behind_gateway", [False, True])
def test_its_yaml_is_right(behind_gateway: bool) -> None:
    through = door(behind_gateway=behind_gateway, retries=False)
    made = ModelDeploymentManifest.model_validate(model_deployment(spec(CHALLENGER, "1", through)))
    assert made.spec.traffic.fallback.after is not None
    assert made.spec.traffic.exact == behind_gateway == (not made.spec.traffic.retries.enabled)


def test_the_table_tells_what_was_not_reached(capsys: pytest.CaptureFixture[str]) -> None:
    lost = Answer(0, 1, "2", 500)
    result = bench.figures(Run([], 0, 0.1), {"nan": [Run([], 9, 0.1)], "crash": [Run([lost], 3, 0.9)]})
    assert result["failed"] == {"nan": 0, "crash": 1}
    assert result["p99_ratio"] == pytest.approx(0.9 / 0.7, abs=1e-3)
    bench.print_table(result)
    missed = [line.split()[0] for line in capsys.readouterr().out.splitlines() if "NOT REACHED" in line]
    assert missed == ["crash", "p99,"]
