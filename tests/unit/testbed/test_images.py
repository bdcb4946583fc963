"""An image is named by what goes into it, and built once."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from testbed import images
from testbed.engine import Engine
from testbed.errors import TestbedError

CONTAINERFILE = """\
ARG BASE
FROM ${BASE} AS built
COPY requirements.txt /
COPY --chown=65532 src/app \\
     src/lib /opt/
FROM ${BASE}
COPY --from=built /opt /opt
"""


@dataclass(frozen=True)
class FakeEngine(Engine):
    images: set[str] = field(default_factory=set)

    def has_image(self, image: str) -> bool:
        return image in self.images

    def lines(self, *words: str) -> list[str]:
        """Names of images, the newest first."""
        assert words[0] == "images"
        return sorted(self.images, reverse=True)

    def run(self, *words: str, **_: object) -> str:
        assert words[0] == "rmi"
        self.images.remove(words[1])
        return ""


@dataclass
class FakeBackend:
    """A backend that builds by writing down what it was asked for."""

    base: str = "base:1"
    engine: FakeEngine = field(default_factory=lambda: FakeEngine("fake"))
    builds: list[set[str]] = field(default_factory=list)
    name: str = "fake"
    own_network: bool = False

    def base_image(self) -> str:
        return self.base

    def build(self, image: str, containerfile: Path, context: Path, arguments: dict[str, str]) -> None:
        assert containerfile.parent == context
        assert arguments["BASE"] == self.base
        self.builds.append({str(path.relative_to(context)) for path in context.rglob("*") if path.is_file()})
        self.engine.images.add(image)

    def ensure_tools(self) -> None: ...
    def kind(self) -> Path: ...  # type: ignore[empty-body]
    def kubectl(self) -> Path: ...  # type: ignore[empty-body]
    def node_image(self) -> str: ...  # type: ignore[empty-body]
    def put(self, image: str, node: str) -> None: ...
    def sweep(self) -> None: ...


@pytest.fixture
def context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PODIUM_CACHE", str(tmp_path / "cache"))
    context = tmp_path / "context"
    files = ("requirements.txt", "src/app/main.py", "src/app/__pycache__/main.pyc", "src/lib/lib.py", "README.md")
    for name in files:
        path = context / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    (context / "Containerfile").write_text(CONTAINERFILE)
    return context


def built(backend: FakeBackend, context: Path) -> str:
    return images.build(backend, "app", context / "Containerfile", context, {})


def test_the_copied_files_are_those_that_the_containerfile_names(context: Path) -> None:
    found = images.copied(CONTAINERFILE, context)
    assert [str(path.relative_to(context)) for path in found] == ["requirements.txt", "src/app", "src/lib"]


def test_a_pattern_stands_for_what_it_matches(context: Path) -> None:
    assert images.copied("COPY src/* /opt/", context) == [context / "src/app", context / "src/lib"]


def test_a_dot_stands_for_the_whole_context(context: Path) -> None:
    assert images.copied("COPY . /opt/", context) == [context]


@pytest.mark.parametrize("line", ["COPY missing /", "COPY $WHAT /", 'COPY ["src/app", "/opt"]'])
def test_what_cannot_be_told_is_refused(context: Path, line: str) -> None:
    with pytest.raises(TestbedError):
        images.copied(line, context)


def test_an_unchanged_source_is_built_once(context: Path) -> None:
    backend = FakeBackend()
    assert built(backend, context) == built(backend, context)
    assert len(backend.builds) == 1


def test_a_build_sees_only_what_it_copies(context: Path) -> None:
    backend = FakeBackend()
    built(backend, context)
    assert backend.builds == [{"Containerfile", "requirements.txt", "src/app/main.py", "src/lib/lib.py"}]


def test_what_is_not_copied_does_not_change_the_name(context: Path) -> None:
    before = built(FakeBackend(), context)
    (context / "README.md").write_text("new")
    assert built(FakeBackend(), context) == before


def test_what_is_copied_changes_the_name(context: Path) -> None:
    before = built(FakeBackend(), context)
    (context / "src/lib/lib.py").write_text("new")
    assert built(FakeBackend(), context) != before


def test_another_base_changes_the_name(context: Path) -> None:
    assert built(FakeBackend(base="base:2"), context) != built(FakeBackend(), context)


def test_a_name_can_be_told_from_names_on_a_hub(context: Path) -> None:
    assert built(FakeBackend(), context).startswith("localhost/app:")


def test_old_images_of_a_name_are_forgotten(context: Path) -> None:
    backend = FakeBackend()
    backend.engine.images.update(f"localhost/app:{number:012}" for number in range(9))
    image = built(backend, context)
    assert image in backend.engine.images
    assert len(backend.engine.images) == images.KEPT
