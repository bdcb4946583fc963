"""The signature of a version, from its MLmodel file, which is read once."""

from collections import OrderedDict
from collections.abc import Hashable
from threading import Lock
from typing import Final

from mlflow.entities.model_registry import ModelVersion as Entry

from podium.adapters.registries.mlflow.artifacts import artifacts_named, small_file
from podium.adapters.registries.mlflow.faults import Target
from podium.adapters.registries.mlmodel import FILE, LARGEST, parse
from podium.api.v1alpha1 import reasons
from podium.core.signature import Signature
from podium.errors import NotFound
from podium.ports import RegistryLogin

MOST_KEPT: Final = 256  # signatures


class Signatures:
    """Those that were read, so that each is read once. May be asked from several threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._known: OrderedDict[Hashable, Signature | None] = OrderedDict()

    def of(self, key: Hashable, login: RegistryLogin, entry: Entry) -> Signature | None:
        """The version's signature, None where it has none. Blocking. Raises Rejected or Unavailable."""
        with self._lock:
            if key in self._known:
                self._known.move_to_end(key)
                return self._known[key]
        found = _read(login, entry)
        with self._lock:
            self._known[key] = found
            if len(self._known) > MOST_KEPT:
                self._known.popitem(last=False)
        return found


def _read(login: RegistryLogin, entry: Entry) -> Signature | None:
    named = f"{FILE} among {artifacts_named(entry)}"
    target = Target(login, named, "a gate's signature", reasons.ARTIFACTS_MISSING, "Log and register the model again")
    try:
        text = small_file(login, entry, FILE, target, LARGEST).decode(errors="replace")
    except NotFound:
        return None
    return parse(text)
