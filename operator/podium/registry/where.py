"""Conditions on versions: `metrics.auc > 0.9 and tags.team = 'growth' and alias = champion`. Pure.

MLflow's own search of versions knows neither metrics nor aliases nor the lifecycle, so all of a model's versions are
read, and these conditions choose. A metric that is NaN fulfils no condition, and neither does one that is not there.
"""

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Final

from podium.core.semantic_versions import SemanticVersion
from podium.errors import Rejected
from podium.registry.versions import Version

_CONDITION: Final = re.compile(
    r"\s*(?P<key>[A-Za-z_]+(?:\.[^\s=!<>]+)?)\s*(?P<operator>=|!=|<=|>=|<|>|\blike\b)\s*"
    r"(?P<value>'[^']*'|\"[^\"]*\"|[^\s'\"]+)\s*",
    re.IGNORECASE,
)
_AND: Final = re.compile(r"and\b", re.IGNORECASE)
_GROUPS: Final = ("metrics", "params", "tags")
_OWN: Final = ("alias", "lifecycle", "mlflow_stage", "run", "semver", "status", "version")
_EXAMPLE: Final = "metrics.auc > 0.9 and tags.team = 'growth' and alias = champion"
_ORDER: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(frozen=True)
class Condition:
    """One of those that must all hold."""

    key: str
    operator: str  # = != < <= > >= like
    value: str

    def holds(self, version: Version) -> bool:
        """Whether the version fulfils it."""
        return self._of_number(version) if self._compares_numbers() else self._of_texts(_texts(version, self.key))

    def _compares_numbers(self) -> bool:
        return self.key.startswith("metrics.") or self.key in {"version", "semver"}

    def _of_number(self, version: Version) -> bool:
        there, wanted = _ordered(version, self.key), _wanted(self.key, self.value)
        if there is None or there != there:  # noqa: PLR0124  NaN is not itself
            return False
        if self.operator in {"=", "!="}:
            return (there == wanted) is (self.operator == "=")
        return bool(_ORDER[self.operator](there, wanted))

    def _of_texts(self, texts: Sequence[str]) -> bool:
        if self.operator == "like":
            return any(fnmatchcase(text, self.value.replace("%", "*").replace("_", "?")) for text in texts)
        if self.operator in {"=", "!="}:
            return (self.value in texts) is (self.operator == "=")
        return any(_ORDER[self.operator](text, self.value) for text in texts)


def conditions(text: str) -> list[Condition]:
    """The conditions that a text says, with `and` between them. Raises Rejected, with the place and an example."""
    found, at = [], 0
    while True:
        match = _CONDITION.match(text, at)
        if match is None:
            raise Rejected(f"expected a condition such as {_EXAMPLE}, found {text[at:][:60]!r}")
        found.append(_condition(match))
        at = match.end()
        if at == len(text):
            return found
        joined = _AND.match(text, at)
        if joined is None:
            raise Rejected(f"expected `and` between conditions, found {text[at:][:60]!r}")
        at = joined.end()


def _condition(match: re.Match[str]) -> Condition:
    key, value = match["key"], match["value"]
    group, _, rest = key.partition(".")
    if not (group in _GROUPS and rest) and key not in _OWN:
        known = ", ".join((*_OWN, *(f"{each}.KEY" for each in _GROUPS)))
        raise Rejected(f"expected one of {known}, found {key}; an example: {_EXAMPLE}")
    bare = value[1:-1] if value[0] in "'\"" else value
    condition = Condition(key, match["operator"].lower(), bare)
    if condition._compares_numbers():  # noqa: SLF001
        _wanted(key, bare)
        if condition.operator == "like":
            raise Rejected(f"expected one of = != < <= > >= for {key}, found like")
    return condition


def _wanted(key: str, value: str) -> object:
    """What a number is compared with. Raises Rejected where it is none."""
    if key == "semver":
        found = SemanticVersion.parsed(value)
        if found is None:
            raise Rejected(f"expected a semantic version such as 1.2.0 for semver, found {value[:60]!r}")
        return found
    try:
        return float(value)
    except ValueError as error:
        raise Rejected(f"expected a number for {key}, found {value[:60]!r}") from error


def _ordered(version: Version, key: str) -> object:
    if key == "version":
        return float(version.number)
    return version.semver if key == "semver" else version.metrics.get(key.removeprefix("metrics."))


def _texts(version: Version, key: str) -> Sequence[str]:
    group, _, rest = key.partition(".")
    groups = {"params": version.params, "tags": version.tags}
    if group in groups:
        return [groups[group][rest]] if rest in groups[group] else []
    own = {
        "lifecycle": version.stage,
        "mlflow_stage": version.mlflow_stage,
        "run": version.run,
        "status": version.status,
    }
    return version.aliases if key == "alias" else [str(own[key])]
