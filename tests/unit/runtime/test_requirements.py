"""What a model says it needs is compared with what is installed, and what is missing is named."""

from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from podium.runtime.exits import Exit, StartError
from podium.runtime.loading import requirements
from podium.runtime.loading.requirements import check, differences

INSTALLED = {"numpy": "2.4.6", "mlflow-skinny": "3.17.2", "scikit-learn": "1.9.1"}


@pytest.fixture(autouse=True)
def _installed(monkeypatch: pytest.MonkeyPatch) -> None:
    def version(name: str) -> str:
        if name.lower() in INSTALLED:
            return INSTALLED[name.lower()]
        raise PackageNotFoundError(name)

    monkeypatch.setattr(requirements, "version", version)


def model(folder: Path, text: str) -> Path:
    (folder / "requirements.txt").write_text(text)
    return folder


def test_what_is_installed_as_wanted_is_no_difference(tmp_path: Path) -> None:
    text = "numpy==2.4.6\nscikit-learn>=1.0  # fitted with it\n\n-c constraints.txt\nnever==1; python_version < '3'\n"
    assert differences(model(tmp_path, text)) == []


def test_mlflow_is_satisfied_by_its_smaller_package(tmp_path: Path) -> None:
    assert differences(model(tmp_path, "mlflow==3.17.2")) == []


def test_another_version_is_told_and_no_reason_to_fail(tmp_path: Path) -> None:
    (found,) = check(model(tmp_path, "numpy==2.0.0"), frozenset())
    assert str(found) == "numpy: expected ==2.0.0, found 2.4.6"


def test_a_missing_package_fails_the_load_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(StartError, match=r"not installed: xgboost==3\.0") as failed:
        check(model(tmp_path, "xgboost==3.0"), frozenset({"pytest"}))
    assert failed.value.exit_code is Exit.REQUIREMENT_MISSING


def test_a_missing_package_that_is_ignored_is_told(tmp_path: Path) -> None:
    (found,) = check(model(tmp_path, "pytest==9.2.0"), frozenset({"pytest"}))
    assert found.found is None


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32", "utf-16-be"])
def test_a_file_that_a_shell_of_windows_wrote_is_read(encoding: str, tmp_path: Path) -> None:
    mark = "\ufeff" if encoding == "utf-16-be" else ""
    (tmp_path / "requirements.txt").write_bytes(f"{mark}xgboost==3.0\r\nnumpy\r\n".encode(encoding))
    assert [found.package for found in differences(tmp_path)] == ["xgboost"]


@pytest.mark.parametrize(
    "line", ["\xff\xfe\xfd", "numpy; extra == 'gpu'", "numpy==1.0; os_name < 5", "[", "numpy==1.*.2"]
)
def test_a_line_that_cannot_be_read_ends_no_start(line: str, tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_bytes(line.encode("latin-1"))
    assert differences(tmp_path) == []


def test_a_model_without_requirements_needs_nothing(tmp_path: Path) -> None:
    assert differences(tmp_path) == []


def test_what_pip_alone_understands_is_left_alone(tmp_path: Path) -> None:
    assert differences(model(tmp_path, "./wheels/own.whl\n")) == []
