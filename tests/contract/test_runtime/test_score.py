"""`podium score`: every row stamped, in order, whole or not at all, and nothing predicted twice."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result

from podium.cli.score import score
from podium.runtime.batch import job
from podium.runtime.batch.columns import STAMPS
from podium.runtime.batch.distribution import Distribution
from podium.runtime.batch.failures import ScoreExit

pytestmark = pytest.mark.filterwarnings("ignore")  # MLflow and pandas warn of themselves


@pytest.fixture
def table(tmp_path: Path) -> pd.DataFrame:
    frame = pd.DataFrame({"id": range(1050), "x": np.linspace(0, 99, 1050), "note": ["a,b"] * 1050})
    frame.to_parquet(tmp_path / "in.parquet")
    frame.to_csv(tmp_path / "in.csv", index=False)
    return frame


@pytest.fixture(autouse=True)
def registry(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import mlflow  # noqa: PLC0415  what conftest has imported, warnings and all

    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    mlflow.set_tracking_uri(store)


def run(tmp_path: Path, source: str, target: str, *more: str) -> Result:
    arguments = ["--model", "models:/picky/1", "--input", str(tmp_path / source), "--output", str(tmp_path / target)]
    return CliRunner().invoke(score, [*arguments, "--chunk-rows", "100", "--git-sha", "abc", *more])


@pytest.mark.parametrize("source", ["in.parquet", "in.csv"])
@pytest.mark.parametrize("target", ["out.parquet", "out.csv"])
def test_every_row_is_scored_in_order_and_stamped(
    tmp_path: Path, table: pd.DataFrame, source: str, target: str
) -> None:
    done = run(tmp_path, source, target, "--json")
    assert done.exit_code == 0, done.output
    out = pd.read_parquet(tmp_path / target) if target.endswith("parquet") else pd.read_csv(tmp_path / target)
    assert out["prediction"].tolist() == pytest.approx((table["x"] * 2).tolist())
    assert out["id"].astype(int).tolist() == table["id"].tolist()
    assert out["note"].tolist() == table["note"].tolist()
    assert set(STAMPS) <= set(out.columns)
    assert out["model_version"].astype(str).unique().tolist() == ["1"]
    assert out["git_sha"].unique().tolist() == ["abc"]
    summary = json.loads(done.output.splitlines()[-1])
    assert (summary["rows"], summary["predictions"]["prediction"]["max"]) == (1050, pytest.approx(198.0))
    assert sorted(path.name for path in tmp_path.glob("*out*")) == [target], "nothing is left beside the output"


def test_an_interrupted_run_goes_on_where_it_ended(
    tmp_path: Path, table: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    predicted, calls = job.predicted, []

    def interrupted(order: Any, table: Any, chunk: Any) -> Any:
        calls.append(chunk.rows)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return predicted(order, table, chunk)

    monkeypatch.setattr(job, "predicted", interrupted)
    (tmp_path / "out.parquet").write_text("the old one")
    assert run(tmp_path, "in.parquet", "out.parquet").exit_code != 0
    assert (tmp_path / "out.parquet").read_text() == "the old one"
    done = run(tmp_path, "in.parquet", "out.parquet", "--json")
    assert json.loads(done.output.splitlines()[-1])["reused_rows"] == 300
    assert len(pd.read_parquet(tmp_path / "out.parquet")) == 1050
    assert sum(calls) == 1150, "11 chunks, and the interrupted one again"


def test_an_unfinished_run_of_other_work_is_not_mixed_in(
    tmp_path: Path, table: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job, "predicted", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    run(tmp_path, "in.parquet", "out.parquet")
    table.head(10).to_parquet(tmp_path / "in.parquet")
    done = run(tmp_path, "in.parquet", "out.parquet")
    assert done.exit_code == ScoreExit.OTHER_RUN
    assert "an unfinished run of other work (differs in input_size, input_changed)" in done.output


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    pd.DataFrame({"y": [1.0]}).to_parquet(tmp_path / "in.parquet")
    done = run(tmp_path, "in.parquet", "out.parquet")
    assert done.exit_code == ScoreExit.UNFIT
    assert "missing column 'x'" in done.output


def test_numbers_are_summed_up_by_quantiles_and_labels_by_counts() -> None:
    import pyarrow as pa  # noqa: PLC0415

    numbers, labels = Distribution(), Distribution()
    for start in range(0, 100_000, 10_000):
        numbers.add(pa.chunked_array([pa.array(np.arange(start, start + 10_000.0))]))
        labels.add(pa.chunked_array([pa.array(["yes", "no", "yes"])]))
    found = numbers.summary()
    assert found["mean"] == pytest.approx(49_999.5)
    assert found["p50"] == pytest.approx(50_000, rel=0.05)
    assert labels.summary()["labels"] == {"no": 10, "yes": 20}
