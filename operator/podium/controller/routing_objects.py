"""Which ModelDeployments share their traffic by an object that is watched: an HTTPRoute, their own or adopted."""

from podium.core.facts import Key
from podium.ports import ModelDeployment


class RoutingObjects:
    """As last seen."""

    def __init__(self) -> None:
        self._of: dict[Key, ModelDeployment] = {}

    def note(self, md: ModelDeployment) -> None:
        """The ModelDeployment, as it was read just now."""
        self._of.pop(md.key, None)
        if _routing_object(md) is not None:
            self._of[md.key] = md

    def note_hint(self, md: ModelDeployment) -> None:
        """The ModelDeployment as the watches know it: of two, the one with the newer spec counts."""
        known = self._of.get(md.key)
        if known is None or known.generation < md.generation:
            self.note(md)

    def last(self, key: Key) -> ModelDeployment | None:
        """The ModelDeployment; None where it shares its traffic by no such object."""
        return self._of.get(key)

    def sharing(self, route: Key) -> list[Key]:
        """The ModelDeployments whose traffic this object shares."""
        return [key for key, seen in self._of.items() if _routing_object(seen) == route]

    def forget(self, key: Key) -> None:
        """It is gone."""
        self._of.pop(key, None)


def _routing_object(md: ModelDeployment) -> Key | None:
    name = md.spec.traffic.routing_object(md.key.name) if md.spec else None
    return Key(md.key.namespace, name) if name is not None else None
