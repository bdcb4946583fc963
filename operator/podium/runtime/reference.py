"""How a model is named: the grammar of references, read without asking a registry.

In the order in which they are tried:

    PODIUM_MODEL_URI=models:/churn/7            registry: a version
    PODIUM_MODEL_URI=models:/churn@champion     registry: an alias, resolved once, at start
    PODIUM_MODEL_URI=runs:/<run id>/<path>      an artifact of a run; so do s3://, gs://, mlflow-artifacts:/ …
    PODIUM_SOURCE_RUN_ID=<run id>               the model that a run logged
    PODIUM_SOURCE_RUN_NAME=<name>               the model of the newest finished run with that name
    PODIUM_SOURCE_PATH=<directory or pickle>    a directory with an MLmodel, or a pickled scikit-learn estimator

Only the first that is set is tried: another source is another model. PODIUM_SOURCE_FALLBACK=on goes on to the next.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from podium.runtime.exits import Exit, StartError, without_secrets
from podium.runtime.identity import Identity

_VERSION = re.compile(r"models:/(?P<name>[^/]+)/(?P<version>[0-9]+)")
_ALIAS = re.compile(r"models:/(?P<name>[^/]+)@(?P<alias>[^/@]+)")
_RUN = re.compile(r"runs:/(?P<run>[^/]+)/(?P<path>.+)")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:")


class Kind(StrEnum):
    """Whom to ask."""

    VERSION = "registered version"
    ALIAS = "registered alias"
    ARTIFACT = "artifact"
    RUN = "run"
    RUN_NAME = "newest run with a name"
    LOCAL = "local path"


@dataclass(frozen=True, slots=True)
class Reference:
    """One way to a model."""

    kind: Kind
    text: str

    def __str__(self) -> str:
        return without_secrets(self.text)

    @property
    def identity(self) -> Identity:
        """What the reference itself says of who will answer, before a registry is asked."""
        if found := _VERSION.fullmatch(self.text):
            return Identity(found["name"], found["version"])
        if found := _ALIAS.fullmatch(self.text):
            return Identity(found["name"], "")
        if found := _RUN.fullmatch(self.text):
            return Identity(Path(found["path"]).name, found["run"], run_id=found["run"])
        if self.kind is Kind.RUN:
            return Identity("", self.text, run_id=self.text)
        return Identity(self.text if self.kind is Kind.RUN_NAME else Path(str(self).rstrip("/")).stem, "")

    @property
    def alias(self) -> str:
        """The alias that it names; empty where it names none."""
        found = _ALIAS.fullmatch(self.text)
        return found["alias"] if found else ""


def references(environ: Mapping[str, str]) -> tuple[Reference, ...]:
    """Return the references that are set, in order.

    Raises StartError: one is of no known form.
    """
    found = [reference_of(uri, "PODIUM_MODEL_URI")] if (uri := environ.get("PODIUM_MODEL_URI")) else []
    for kind, name in (
        (Kind.RUN, "PODIUM_SOURCE_RUN_ID"),
        (Kind.RUN_NAME, "PODIUM_SOURCE_RUN_NAME"),
        (Kind.LOCAL, "PODIUM_SOURCE_PATH"),
    ):
        if text := environ.get(name):
            found.append(Reference(kind, text))
    return tuple(found)


def reference_of(uri: str, where: str) -> Reference:
    """Return the reference that a URI is.

    Raises StartError: it is of no known form; the message says where it was written.
    """
    uri = uri.rstrip("/")
    if not uri:
        raise StartError(Exit.BAD_SETTINGS, f"{where}: expected e.g. models:/churn/7, found nothing")
    if _VERSION.fullmatch(uri):
        return Reference(Kind.VERSION, uri)
    if _ALIAS.fullmatch(uri):
        return Reference(Kind.ALIAS, uri)
    if uri.startswith("models:") and not uri.startswith("models:/m-"):
        expected = "models:/<name>/<version> or models:/<name>@<alias>"
        raise StartError(Exit.BAD_SETTINGS, f"{where}: expected {expected}, found {uri!r}")
    if uri.startswith("file:"):
        return Reference(Kind.LOCAL, uri.removeprefix("file:").replace("//", "/", 1))
    return Reference(Kind.ARTIFACT if _SCHEME.match(uri) else Kind.LOCAL, uri)
