"""Podium's own images: named by their content, built where they are not, and put on nodes where they are not.

A name looks like `localhost/podium-operator:3f2a9c81d0b7`. The tag is the hash of all that goes in: the Containerfile,
the files that its COPY lines name, the build arguments and the base image. So an unchanged source is neither built nor
loaded again, and what a pod runs can be told from its name.
"""

import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from testbed import layers, places
from testbed.backend import Backend
from testbed.errors import TestbedError
from testbed.locks import held
from testbed.progress import step

CTR = ("ctr", "--namespace=k8s.io")
IMPORT = (*CTR, "images", "import", "-")
KEPT = 5  # images of one name
CACHES = shutil.ignore_patterns("__pycache__")


def build(backend: Backend, name: str, containerfile: Path, context: Path, arguments: Mapping[str, str]) -> str:
    """The image's full name. The build sees nothing of the context but what the Containerfile copies."""
    given = {"BASE": backend.base_image(), **arguments}
    sources = copied(containerfile.read_text(), context)
    key = layers.key_of(containerfile, *_named(sources, context), *(f"{k}={v}" for k, v in sorted(given.items())))
    image = f"localhost/{name}:{key}"
    if backend.engine.has_image(image):
        return image
    with held(f"image-{name}"):
        if not backend.engine.has_image(image):  # another shell may have built it meanwhile
            with step(f"building {image}"):
                staged = _stage(name, containerfile, sources, context)
                backend.build(image, staged / "Containerfile", staged, given)
                shutil.rmtree(staged)
                _forget_old(backend, name)
    return image


def _forget_old(backend: Backend, name: str) -> None:
    """Removes all but the newest images of a name; the engine lists these first."""
    rows = backend.engine.lines("images", f"--filter=reference=localhost/{name}", "--format={{.Repository}}:{{.Tag}}")
    for old in rows[KEPT:]:
        backend.engine.run("rmi", old, check=False)


def copied(containerfile: str, context: Path) -> list[Path]:
    """The files and folders of the context that COPY and ADD lines name, patterns resolved.

    Raises `TestbedError` for a source that is not there, and for what this cannot tell: variables and JSON lists.
    """
    whole_lines = re.sub(r"\\\n", " ", containerfile)
    found: list[Path] = []
    for line in re.findall(r"^\s*(?:COPY|ADD)\s+(.+)$", whole_lines, re.MULTILINE | re.IGNORECASE):
        words = [word for word in line.split() if not word.startswith("--")]
        if "--from=" in line:
            continue
        if "$" in line or line.lstrip().startswith("["):
            raise TestbedError(f"cannot tell which files this copies: {line}")
        for word in words[:-1]:
            matches = sorted(context.glob(word.strip("/"))) if word.strip("./") else [context]
            if not matches:
                raise TestbedError(f"the Containerfile copies {word}, which is not in {context}")
            found += matches
    return list(dict.fromkeys(found))


def _named(sources: list[Path], context: Path) -> list[str | Path]:
    return [each for source in sources for each in (str(source.relative_to(context)), source)]


def _stage(name: str, containerfile: Path, sources: list[Path], context: Path) -> Path:
    staged = places.folder("work") / f"image-{name}"
    shutil.rmtree(staged, ignore_errors=True)
    staged.mkdir()
    for source in sources:
        target = staged / source.relative_to(context)
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, symlinks=True, ignore=CACHES, dirs_exist_ok=True)
        else:
            shutil.copy2(source, target)
    shutil.copy2(containerfile, staged / "Containerfile")
    return staged


def is_listed(image: str, image_id: str, listing: str) -> bool:
    """Whether a node's `ctr images list` has this very image under that name.

    containerd keeps an image under its name and under the hash of its configuration, with one digest for both.
    """
    rows = [line.split() for line in listing.splitlines()[1:]]
    digests = {row[0]: row[2] for row in rows}
    return image in digests and digests[image] == digests.get(image_id)
