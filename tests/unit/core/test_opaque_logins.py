"""What only MLflow's adapter knows stays there: another registry has neither runs nor these variables."""

from pathlib import Path

import pytest

import podium

SOURCE = Path(podium.__file__).parent
FILES = sorted(file for room in ("core", "ports") for file in (SOURCE / room).rglob("*.py"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_the_core_and_the_ports_know_no_run_and_no_login_of_mlflow(file: Path) -> None:
    text = file.read_text()
    assert not [word for word in ("run_id", "MLFLOW_") if word in text]
