"""The file that names the model: a version that is pinned, or nothing."""

import json
import os
from pathlib import Path

import pytest

from podium.runtime.exits import Exit, StartError
from podium.runtime.model_file import Wanted, wanted_by
from podium.runtime.reference import Kind, Reference
from podium.runtime.settings import Settings

DIGEST = f"sha256:{'0' * 64}"
WORD = {"uri": "models:/churn/8", "digest": DIGEST}


def written(folder: Path, word: object) -> Path:
    file = folder / "model.json"
    file.write_text(word if isinstance(word, str) else json.dumps(word))
    return file


def test_it_names_a_version_and_its_digest(tmp_path: Path) -> None:
    assert wanted_by(written(tmp_path, WORD)) == Wanted(Reference(Kind.VERSION, "models:/churn/8"), DIGEST)


@pytest.mark.parametrize("word", ["", " \n", None])
def test_no_file_and_an_empty_one_say_nothing(tmp_path: Path, word: str | None) -> None:
    file = tmp_path / "model.json" if word is None else written(tmp_path, word)
    assert wanted_by(file) is None


@pytest.mark.parametrize(
    "word",
    [
        "models:/churn/8",
        "[]",
        "\x00\xff",
        "[" * 10_000,
        " " * 20_000 + "{}",
        {"uri": "models:/churn/8"},
        {**WORD, "digset": DIGEST},
        {**WORD, "uri": 8},
        {**WORD, "digest": "sha256:0"},
        {**WORD, "digest": DIGEST.upper()},
        {**WORD, "uri": "models:/churn"},
        {**WORD, "uri": ""},
    ],
    ids=lambda word: str(word)[:20],
)
def test_what_pins_no_version_is_refused_by_the_files_name(tmp_path: Path, word: object) -> None:
    with pytest.raises(StartError, match=r"model\.json: (expected|wanted)") as refused:
        wanted_by(written(tmp_path, word))
    assert refused.value.exit_code is Exit.BAD_SETTINGS


def test_a_folder_in_its_place_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="cannot be read"):
        wanted_by(tmp_path)


def test_a_pipe_in_its_place_is_refused_at_once(tmp_path: Path) -> None:
    """It held the whole server, probes too, until another process wrote to it."""
    os.mkfifo(tmp_path / "model.json")
    with pytest.raises(StartError, match=r"model\.json: expected a file"):
        wanted_by(tmp_path / "model.json")


def test_it_comes_before_the_uri_of_the_settings(tmp_path: Path) -> None:
    file = written(tmp_path, WORD)
    other = {
        "PODIUM_MODEL_URI": "models:/churn/7",
        "PODIUM_MODEL_RUN_ID": "abc",
        "PODIUM_MODEL_DIGEST": f"sha256:{7:064x}",
    }
    read = Settings.from_environment({**other, "PODIUM_MODEL_FILE": str(file)})
    assert (read.references, read.digest, read.run_id) == ((Reference(Kind.VERSION, "models:/churn/8"),), DIGEST, None)


def test_an_empty_one_leaves_it_to_the_settings(tmp_path: Path) -> None:
    file = written(tmp_path, "")
    read = Settings.from_environment({"PODIUM_MODEL_URI": "models:/churn/7", "PODIUM_MODEL_FILE": str(file)})
    assert read.references == (Reference(Kind.VERSION, "models:/churn/7"),)
    with pytest.raises(StartError, match=r"PODIUM_MODEL_URI is not set and .*model\.json names no model"):
        Settings.from_environment({"PODIUM_MODEL_FILE": str(file)})
