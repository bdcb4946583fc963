"""Images on their way to a node: exported once, and of that only what the node does not have.

A rebuilt image differs from the last one in its last layer, a few hundred kilobytes of some hundred megabytes. An OCI
layout in the cache keeps the layers apart, so that the others are neither exported nor sent again.
"""

import io
import json
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, Any

from testbed import places
from testbed.commands import run

REFERENCE = "it"
# What containerd names an imported image by.
NAME = "io.containerd.image.name"


def export(image: str, env: Mapping[str, str]) -> Path:
    """A layout with that image in it and nothing else. Layers that the last export left there are kept."""
    repository = places.flat(image.rsplit(":", 1)[0])
    layout = places.folder("oci") / repository
    copy = ["skopeo", "copy", "--quiet", "--dest-oci-accept-uncompressed-layers"]
    run([*copy, f"containers-storage:{image}", f"oci:{layout}:{REFERENCE}"], env=env, timeout=600)
    _tidy(layout)
    return layout


def lock_of(image: str) -> str:
    """The lock of an image's exported layers."""
    return f"oci-{places.flat(image.rsplit(':', 1)[0])}"


def _tidy(layout: Path) -> None:
    """Forgets earlier images and the blobs that only they had."""
    (layout / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [_entry(layout)]}))
    wanted = set(blobs(layout))
    for blob in (layout / "blobs/sha256").iterdir():
        if f"sha256:{blob.name}" not in wanted:
            blob.unlink()


def blobs(layout: Path) -> list[str]:
    """Digests of the manifest, the configuration and the layers, in this order."""
    digest = _entry(layout)["digest"]
    manifest = json.loads(_blob(layout, digest).read_text())
    return [digest, manifest["config"]["digest"], *(layer["digest"] for layer in manifest["layers"])]


def _entry(layout: Path) -> dict[str, Any]:
    entries = json.loads((layout / "index.json").read_text())["manifests"]
    found: dict[str, Any] = next(
        each for each in entries if each.get("annotations", {}).get("org.opencontainers.image.ref.name") == REFERENCE
    )
    return found


def _blob(layout: Path, digest: str) -> Path:
    return layout / "blobs" / digest.replace(":", "/")


def write_archive(layout: Path, image: str, there: Iterable[str], target: IO[bytes]) -> None:
    """An OCI archive of the image under its full name, without the blobs that are `there` already."""
    index = {"schemaVersion": 2, "manifests": [{**_entry(layout), "annotations": {NAME: image}}]}
    missing = [digest for digest in blobs(layout) if digest not in set(there)]
    with tarfile.open(fileobj=target, mode="w|") as archive:
        _add(archive, "oci-layout", json.dumps({"imageLayoutVersion": "1.0.0"}).encode())
        for digest in missing:
            archive.add(_blob(layout, digest), f"blobs/{digest.replace(':', '/')}")
        _add(archive, "index.json", json.dumps(index).encode())


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    archive.addfile(entry, io.BytesIO(content))
