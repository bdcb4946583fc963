"""The packages that a model says it needs, compared with the packages that are installed."""

import codecs
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from packaging.markers import UndefinedComparison, UndefinedEnvironmentName
from packaging.requirements import InvalidRequirement, Requirement
from packaging.version import InvalidVersion

from podium.runtime.exits import Exit, StartError

log = logging.getLogger(__name__)

# MLflow names itself by the package with the server; the client alone loads models as well.
_SUBSTITUTES = {"mlflow": "mlflow-skinny"}
_MARKS = (  # UTF-32 first: its mark begins with that of UTF-16
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


@dataclass(frozen=True, slots=True)
class Difference:
    """One requirement that is not met. `found` is None where the package is not installed."""

    package: str
    expected: str
    found: str | None

    def __str__(self) -> str:
        return f"{self.package}: expected {self.expected or 'any'}, found {self.found or 'nothing'}"


def differences(directory: Path) -> list[Difference]:
    """Return how the installed packages differ from the model's requirements.txt, in its order."""
    file = directory / "requirements.txt"
    if not file.exists():
        return []
    return [found for line in _text(file).splitlines() for found in _compared(line)]


def _text(file: Path) -> str:
    """Decode as pip does: by the byte order mark that Windows' shells write, and else as UTF-8."""
    content = file.read_bytes()
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return content.removeprefix(mark).decode(encoding, errors="replace")
    return content.decode(errors="replace")


def check(directory: Path, ignored: frozenset[str]) -> list[Difference]:
    """Log all differences and return them.

    Raises StartError: a package is not installed, and is not among the ignored ones. (MLflow infers requirements
    from what was imported while the model was logged: with skops, which is its default for scikit-learn, that names
    pytest and rich, which no prediction needs and the server's image does not have.)
    """
    found = differences(directory)
    for difference in found:
        log.warning("requirement of the model not met: %s", difference)
    missing = [f"{one.package}{one.expected}" for one in found if one.found is None and one.package not in ignored]
    if missing:
        raise StartError(
            Exit.REQUIREMENT_MISSING,
            f"the model needs packages that are not installed: {', '.join(missing)}; "
            "install them in the server's image, or name them in PODIUM_REQUIREMENTS_IGNORED",
        )
    return found


def _compared(line: str) -> Iterator[Difference]:
    text = line.partition("#")[0].strip()
    if not text or text.startswith("-"):  # options of pip: -c constraints.txt
        return
    try:
        expected = Requirement(text)
    except InvalidRequirement:  # a URL or a path: pip knows more forms than the standard has
        log.warning("requirement of the model not checked: %r is not a name with a version", text)
        return
    try:
        if expected.marker is None or expected.marker.evaluate():
            yield from _difference(expected)
    except (UndefinedComparison, UndefinedEnvironmentName, InvalidVersion) as error:
        log.warning("requirement of the model not checked: %r (%s)", text, type(error).__name__)


def _difference(expected: Requirement) -> Iterator[Difference]:
    found = installed(expected.name)
    if found is None or not expected.specifier.contains(found, prereleases=True):
        yield Difference(expected.name.lower(), str(expected.specifier), found)


def installed(package: str) -> str | None:
    """Return the installed version of a package, or of the smaller one that can stand for it."""
    for name in (package, _SUBSTITUTES.get(package.lower())):
        try:
            if name:
                return version(name)
        except PackageNotFoundError:
            continue
    return None
