"""The digest that pins a version can be checked by anybody, with a shell."""

import hashlib
import os
import subprocess
from pathlib import Path

import pytest

from podium.core.digest import digest_of
from podium.runtime.loading.artifact import digest_of_directory

IN_SHELL = (
    "find . -type f ! -name registered_model_meta -printf '%P\\n' | LC_ALL=C sort "
    "| xargs -d '\\n' sha256sum | sha256sum"
)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    for name, text in (("MLmodel", "flavors"), ("data/model.skops", "weights"), ("Zeta é b", "x"), ("a/b/c", "")):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_it_is_what_sha256sum_says_of_what_sha256sum_says(model: Path) -> None:
    (model / "registered_model_meta").write_text("added by MLflow")
    shell = subprocess.run(["bash", "-c", IN_SHELL], cwd=model, capture_output=True, text=True, check=True)
    assert digest_of_directory(model) == f"sha256:{shell.stdout.split()[0]}"


def test_it_does_not_see_what_mlflow_adds_on_download(model: Path) -> None:
    before = digest_of_directory(model)
    (model / "registered_model_meta").write_text("model_name: churn")
    assert digest_of_directory(model) == before


def test_it_sees_every_other_change(model: Path) -> None:
    before = digest_of_directory(model)
    (model / "a/b/c").rename(model / "a/b/d")
    assert digest_of_directory(model) != before


def test_the_order_of_the_files_does_not_matter() -> None:
    assert digest_of({"a": "1", "b": "2"}) == digest_of({"b": "2", "a": "1"})


def test_what_mlflow_adds_on_download_is_left_out_wherever_it_lies() -> None:
    files = {"MLmodel": "aa", "data/model.pkl": "bb"}
    beside = {"registered_model_meta": "cc", "a/b/registered_model_meta": "dd"}
    assert digest_of(files | beside) == digest_of(files)
    assert digest_of(files | {"registered_model_meta/weights": "ee"}) != digest_of(files)


def test_a_name_of_two_lines_is_not_two_files(tmp_path: Path) -> None:
    other = hashlib.sha256(b"other").hexdigest()
    files = {"a": hashlib.sha256(b"").hexdigest(), "b": other}
    (tmp_path / f"a\n{other}  b").write_bytes(b"")
    assert digest_of_directory(tmp_path) != digest_of(files)
    shell = "find . -type f -printf '%P\\0' | xargs -0 sha256sum | sha256sum"
    said = subprocess.run(["bash", "-c", shell], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert digest_of_directory(tmp_path) == f"sha256:{said.stdout.split()[0]}"
    assert digest_of({"a\nb": other}) != digest_of({"a\\nb": other})


def test_a_name_that_is_no_utf_8_has_its_own_bytes(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"caf\xe9")).write_bytes(b"")
    shell = subprocess.run(["bash", "-c", IN_SHELL], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert digest_of_directory(tmp_path) == f"sha256:{shell.stdout.split()[0]}"
