"""Images by buildah, without a daemon and without a hub."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from testbed.commands import run, run_logged, succeeds
from testbed.forecast import Usual
from testbed.locks import held
from testbed.progress import step

REPOSITORY = "localhost/podium-testbed"


@dataclass(frozen=True)
class Buildah:
    """`buildah`, and podman where it is about images only."""

    env: Mapping[str, str] = field(default_factory=dict)

    def has(self, image: str) -> bool:
        """Whether the image is here."""
        return succeeds(["podman", "image", "exists", image], env=self.env)

    def kept_image(self, name: str, key: str, build: Callable[[str], None]) -> str:
        """The image of a layer; `build` makes it where the engine does not have it yet."""
        image = f"{REPOSITORY}/{name}:{key}"
        if self.has(image):
            return image
        with held(f"layer-{name}"):
            if not self.has(image):
                with step(f"building {name}"):
                    build(image)
        return image

    def build(
        self,
        image: str,
        containerfile: Path,
        context: Path,
        arguments: Mapping[str, str],
        log: Path,
        *,
        stage: str | None = None,
        mounts: Sequence[str] = (),
    ) -> None:
        """`docker build`, as far as it goes without a daemon. Unchanged steps are taken from earlier builds."""
        words = ["buildah", "bud", "--layers", "--isolation=chroot", "--pull=never"]
        words += [f"--volume={mount}" for mount in mounts]
        words += [f"--build-arg={name}={value}" for name, value in arguments.items()]
        words += [f"--target={stage}"] if stage else []
        words += [f"--tag={image}", f"--file={containerfile}", str(context)]
        name = image.rsplit("/", 1)[-1].partition(":")[0]
        run_logged(f"building {name}", words, log, env=self.env, forecast=Usual(name))

    def commit_folder(self, root: Path, image: str) -> None:
        """An image of one layer: the files of a folder."""
        container = self._run("from", "scratch")
        try:
            self._run("add", "--quiet", container, str(root), "/")
            self._run("commit", "--quiet", container, image)
        finally:
            self._run("rm", container)

    def save(self, images: Sequence[str], archive: Path) -> None:
        """One archive of several images, with shared layers in it once."""
        command = ["podman", "save", "--multi-image-archive", "--quiet", "--output", str(archive), *images]
        run(command, env=self.env, timeout=600)

    def _run(self, *words: str) -> str:
        return run(["buildah", *words], env=self.env, timeout=600).strip()
