"""The Git repository in which people say what they want."""

import re
import shutil
import subprocess
from pathlib import Path

FILE = "churn.yaml"
_VERSION = re.compile(r'^(    version: )"\d+"$', re.MULTILINE)
_IDENTITY = ("-c", "user.name=Ann Example", "-c", "user.email=ann@example.com", "-c", "commit.gpgsign=false")


def with_version(text: str, version: str) -> str:
    """Return the ModelDeployment's YAML with another version wanted.

    Raises ValueError where there is not exactly one line that says the version.
    """
    changed, count = _VERSION.subn(rf'\1"{version}"', text)
    if count != 1:
        raise ValueError(f'expected exactly one line `    version: "…"` in {FILE}, found {count}')
    return changed


def with_shadow(text: str) -> str:
    """Return the ModelDeployment's YAML with a shadow step before the others, and a guard for it.

    Raises ValueError where it has no steps or guards to put them before.
    """
    steps, guards = "    steps: [", "    guards:\n"
    if text.count(steps) != 1 or text.count(guards) != 1:
        raise ValueError(f"expected exactly one line each that begins `steps: [` and `guards:` in {FILE}")
    guard = "      - {name: pairs, shadow: {maxAboveChampion: 1%}}\n"
    return text.replace(steps, f"{steps}{{shadow: 50%, duration: 10s}}, ").replace(guards, f"{guards}{guard}")


class Repository:
    """A repository with one file and one branch."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def file(self) -> Path:
        """The manifest in the repository."""
        return self.folder / FILE

    def create(self) -> None:
        """Make it again, empty."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self._git("init", "--quiet", "--initial-branch=main")

    def commit(self, text: str, message: str) -> list[str]:
        """Commit the file's new text, and return the lines that changed it."""
        self.file.write_text(text)
        self._git("add", FILE)
        self._git(*_IDENTITY, "commit", "--quiet", "--message", message)
        shown = self._git("show", "--format=", "--unified=0", "HEAD").splitlines()
        return [line for line in shown if re.match(r"[+-][^+-]", line)]

    def head(self) -> str:
        """The short hash of the last commit."""
        return self._git("rev-parse", "--short", "HEAD").strip()

    def _git(self, *words: str) -> str:
        done = subprocess.run(["git", *words], cwd=self.folder, check=True, text=True, capture_output=True)  # noqa: S603, S607  our words
        return done.stdout
