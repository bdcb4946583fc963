"""Whether a version is signed by whom it must be: its bundle is read, and compared with the digest that pins it."""

from collections import OrderedDict
from collections.abc import Hashable
from threading import Lock
from typing import Final

from mlflow.entities.model_registry import ModelVersion as Entry

from podium.adapters.registries.mlflow.artifacts import artifacts_named, small_file
from podium.adapters.registries.mlflow.faults import Target
from podium.api.v1alpha1 import reasons
from podium.core.model_signing import FILE, LARGEST, NotVerified, verify
from podium.errors import NotFound, Rejected
from podium.ports import RegistryLogin

MOST_KEPT: Final = 20_000


class Signed:
    """Which digests were seen to be signed by which keys, so that each bundle is read once. For several threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._known: OrderedDict[Hashable, None] = OrderedDict()

    def check(self, login: RegistryLogin, entry: Entry, digest: str, public_keys: tuple[str, ...]) -> None:
        """Return if one of the keys has signed the files of this digest. Blocking.

        Raises Rejected where none has, and Unavailable.
        """
        key = digest, public_keys  # the bundle itself is part of what the digest covers
        with self._lock:
            if key in self._known:
                self._known.move_to_end(key)
                return
        try:
            verify(_bundle(login, entry), digest, public_keys)
        except NotVerified as error:
            raise Rejected(
                f"{artifacts_named(entry)} are not signed as spec.serving.verify requires: {error}. Sign them "
                f"(model_signing sign key … --signature {FILE}), and register them as a new version",
                reason=reasons.SIGNATURE_NOT_VERIFIED,
            ) from error
        with self._lock:
            self._known[key] = None
            if len(self._known) > MOST_KEPT:
                self._known.popitem(last=False)


def _bundle(login: RegistryLogin, entry: Entry) -> bytes | None:
    target = Target(login, f"{FILE} among {artifacts_named(entry)}", "spec.serving.verify", reasons.ARTIFACTS_MISSING)
    try:
        return small_file(login, entry, FILE, target, LARGEST)
    except NotFound:
        return None
