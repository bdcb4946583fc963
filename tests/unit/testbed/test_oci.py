"""Only what a node does not have is sent to it."""

import io
import json
import tarfile
from pathlib import Path

import pytest

from testbed import oci


@pytest.fixture
def layout(tmp_path: Path) -> Path:
    """One image with two layers, and an older one that has lost its name."""
    blobs = tmp_path / "blobs/sha256"
    blobs.mkdir(parents=True)
    manifest = {"config": {"digest": "sha256:cc"}, "layers": [{"digest": "sha256:aa"}, {"digest": "sha256:bb"}]}
    for name, content in {"aa": "base", "bb": "source", "cc": "{}", "dd": json.dumps(manifest)}.items():
        (blobs / name).write_text(content)
    entry = {"digest": "sha256:dd", "annotations": {"org.opencontainers.image.ref.name": oci.REFERENCE}}
    (tmp_path / "index.json").write_text(json.dumps({"manifests": [{"digest": "sha256:ee"}, entry]}))
    return tmp_path


def archive(layout: Path, there: list[str]) -> tarfile.TarFile:
    target = io.BytesIO()
    oci.write_archive(layout, "localhost/app:1", there, target)
    return tarfile.open(fileobj=io.BytesIO(target.getvalue()))


def sent(layout: Path, there: list[str]) -> set[str]:
    return {Path(name).name for name in archive(layout, there).getnames() if name.startswith("blobs/")}


def test_an_empty_node_gets_everything(layout: Path) -> None:
    assert sent(layout, []) == {"aa", "bb", "cc", "dd"}


def test_layers_that_a_node_has_stay_here(layout: Path) -> None:
    assert sent(layout, ["sha256:aa", "sha256:ff"]) == {"bb", "cc", "dd"}


def test_the_node_learns_the_images_full_name(layout: Path) -> None:
    index = archive(layout, []).extractfile("index.json")
    assert index
    (entry,) = json.load(index)["manifests"]
    assert entry == {"digest": "sha256:dd", "annotations": {oci.NAME: "localhost/app:1"}}
