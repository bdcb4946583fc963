"""A layer is found as long as its inputs are the same, and a half-finished one is never found."""

from pathlib import Path

import pytest

from testbed import layers


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PODIUM_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def recipe(folder: Path, **files: str) -> Path:
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder


def test_the_key_does_not_depend_on_where_the_inputs_are(tmp_path: Path) -> None:
    here, there = recipe(tmp_path / "here", a="1", b="2"), recipe(tmp_path / "there", a="1", b="2")
    assert layers.key_of(here, "x") == layers.key_of(there, "x")


@pytest.mark.parametrize(
    "files",
    [
        pytest.param({"a": "1", "b": "3"}, id="content"),
        pytest.param({"a": "1", "c": "2"}, id="name"),
        pytest.param({"a": "12", "b": ""}, id="content moved from one file to the next"),
        pytest.param({"a": "1"}, id="missing file"),
    ],
)
def test_the_key_changes_with_the_inputs(tmp_path: Path, files: dict[str, str]) -> None:
    before = layers.key_of(recipe(tmp_path / "before", a="1", b="2"))
    assert layers.key_of(recipe(tmp_path / "after", **files)) != before


def test_the_key_changes_when_a_script_becomes_executable(tmp_path: Path) -> None:
    folder = recipe(tmp_path / "recipe", a="1")
    before = layers.key_of(folder)
    (folder / "a").chmod(0o755)
    assert layers.key_of(folder) != before


def test_byte_code_is_no_input(tmp_path: Path) -> None:
    folder = recipe(tmp_path / "recipe", a="1")
    before = layers.key_of(folder)
    recipe(folder / "__pycache__", a="2")
    assert layers.key_of(folder) == before


def test_a_layer_is_built_once() -> None:
    built: list[Path] = []
    first = layers.kept_folder("layer", "key", built.append)
    second = layers.kept_folder("layer", "key", built.append)
    assert first == second
    assert len(built) == 1


def test_another_key_is_another_layer() -> None:
    assert layers.kept_folder("layer", "one", lambda _: None) != layers.kept_folder("layer", "two", lambda _: None)


def test_a_half_finished_build_does_not_count() -> None:
    def fail(target: Path) -> None:
        (target / "half").touch()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        layers.kept_folder("layer", "key", fail)
    layer = layers.kept_folder("layer", "key", lambda target: (target / "whole").touch())
    assert [path.name for path in layer.iterdir()] == ["whole"]


def test_what_stands_for_a_layer_does_not_depend_on_where_the_cache_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def identity(cache: str) -> str | Path:
        monkeypatch.setenv("PODIUM_CACHE", str(tmp_path / cache))
        return layers.identity(layers.kept_folder("layer", "key", lambda _: None) / "program")

    assert identity("one") == identity("two") == "layers/layer-key/program"
    assert layers.identity(Path("/etc/hostname")) == Path("/etc/hostname")
