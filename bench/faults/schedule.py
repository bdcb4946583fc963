"""Which fault strikes at which call. The calls are numbered from the moment at which the schedule is armed."""

from collections.abc import Callable
from dataclasses import dataclass

from bench.faults.kinds import BY_NAME, Fault, reads, striking
from podium.simulation.world.faults import Call, Disorder, Kind


@dataclass(frozen=True)
class Case:
    """A rollout, and its faults by the number of the call."""

    rollout: str
    faults: tuple[tuple[int, Fault], ...] = ()

    @classmethod
    def parse(cls, text: str) -> "Case":
        """A case by its name. Raises KeyError for a kind that does not exist."""
        rollout, _, rest = text.partition(":")
        parts = [part.partition(".") for part in rest.split("+") if part]
        return cls(rollout, tuple((int(number), BY_NAME[kind]) for number, _, kind in parts))

    def __str__(self) -> str:
        return f"{self.rollout}:{'+'.join(f'{number}.{fault.name}' for number, fault in self.faults)}"

    def and_then(self, number: int, fault: Fault) -> "Case":
        """The same with one more fault."""
        return Case(self.rollout, (*self.faults, (number, fault)))


class Schedule(Disorder):
    """Strikes with each fault at the first call, from its number on, that it can strike at. Never otherwise."""

    def __init__(self, case: Case) -> None:
        super().__init__(0.0, 1)
        self.case = case
        self.armed = False
        self.calls: list[tuple[Fault, ...]] = []  # what could have struck at each
        self.now: Callable[[], float] = lambda: 0.0  # seconds; the world's
        self._left = list(case.faults)
        self._lasting: list[tuple[float, Fault]] = []  # until when

    def draw(self, call: Call) -> Kind | None:
        if not self.armed or not (possible := striking(call)):
            return None
        self.calls.append(possible)
        fault = self._struck(possible) or self._still(possible)
        return fault.kind if fault is not None else None

    def _struck(self, possible: tuple[Fault, ...]) -> Fault | None:
        for number, fault in self._left:
            if number <= len(self.calls) and fault in possible:
                self._left.remove((number, fault))
                self._lasting.append((self.now() + fault.lasts, fault))
                return fault
        return None

    def _still(self, possible: tuple[Fault, ...]) -> Fault | None:
        return next((fault for until, fault in self._lasting if fault in possible and self.now() < until), None)

    def remembers(self, call: Call) -> bool:
        return reads(call)
