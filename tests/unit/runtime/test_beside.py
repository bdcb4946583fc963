"""When a second model may be loaded beside one that serves: its code and its memory are what stands in the way."""

from pathlib import Path

import pytest

from podium.runtime.exits import Exit, RestartNeeded, StartError
from podium.runtime.loading.beside import brings_code, check_beside
from podium.runtime.settings import Settings

MIB = 2**20


def model(folder: Path, flavor: str = "code: null") -> Path:
    (folder / "model").mkdir()
    (folder / "model/MLmodel").write_text(f"flavors:\n  python_function:\n    {flavor}\n")
    return folder / "model"


def cgroup(folder: Path, limit: str, used: int, cached: int = 0) -> Path:
    (folder / "cgroup").mkdir()
    (folder / "cgroup/memory.max").write_text(f"{limit}\n")
    (folder / "cgroup/memory.current").write_text(f"{used}\n")
    (folder / "cgroup/memory.stat").write_text(f"anon 1\ninactive_file {cached}\n")
    return folder / "cgroup"


@pytest.mark.parametrize(("flavor", "brings"), [("code: code", True), ("code: null", False), ("env: {}", False)])
def test_a_model_with_code_of_its_own_is_known_before_it_is_loaded(tmp_path: Path, flavor: str, brings: bool) -> None:
    assert brings_code(model(tmp_path, flavor)) is brings


def test_what_is_no_model_is_said_as_at_a_start(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="MLmodel cannot be read") as failed:
        brings_code(tmp_path)
    assert failed.value.exit_code is Exit.NOT_LOADED


def test_files_that_the_memory_limit_leaves_no_room_for_need_a_new_process(tmp_path: Path) -> None:
    directory, limits = model(tmp_path), cgroup(tmp_path, str(100 * MIB), 96 * MIB, cached=2 * MIB)
    (directory / "weights").write_bytes(b"x" * 5 * MIB)
    check_beside(directory, code=False, cgroup=tmp_path / "none")  # no limit is known
    check_beside(directory, code=False, cgroup=cgroup_of(limits, cached=4 * MIB))
    with pytest.raises(RestartNeeded, match=r"its files have 5 MiB, and the memory limit leaves 4 MiB"):
        check_beside(directory, code=False, cgroup=cgroup_of(limits, cached=0))
    with pytest.raises(RestartNeeded, match="code_paths"):
        check_beside(directory, code=True, cgroup=tmp_path / "none")


def test_each_process_that_predicts_loads_the_files_once_more(tmp_path: Path) -> None:
    settings = Settings.from_environment({"PODIUM_MODEL_URI": "models:/churn/1", "PODIUM_PROCESSES": "2"})
    directory, limits = model(tmp_path), cgroup(tmp_path, str(100 * MIB), 86 * MIB)
    (directory / "weights").write_bytes(b"x" * 5 * MIB)
    check_beside(directory, code=False, members=1, cgroup=limits)
    with pytest.raises(RestartNeeded, match="its files have 15 MiB"):
        check_beside(directory, code=False, members=settings.members, cgroup=limits)


def cgroup_of(limits: Path, cached: int) -> Path:
    (limits / "memory.stat").write_text(f"inactive_file {cached}\n")
    return limits


def test_a_container_without_a_limit_has_room(tmp_path: Path) -> None:
    check_beside(model(tmp_path), code=False, cgroup=cgroup(tmp_path, "max", 10**12))
