"""What a viewer may assume of a rollout: sliders, each with its values, from the least to the most. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from podium.api.v1alpha1.values.base import format_percent

HOUR, MINUTE = 3600, 60  # seconds


class OutOfBounds(Exception):
    """A value that no slider has. The message says what was expected, and what was found."""


@dataclass(frozen=True)
class Slider:
    """One of them. A place on it is a number from 0, so that its steps may grow with the values."""

    name: str
    label: str
    values: Sequence[float]
    texts: Sequence[str]
    start: int  # the place where it stands at first

    def place(self, text: str | None) -> int:
        """Where it stands. Raises OutOfBounds."""
        if text is None:
            return self.start
        last = len(self.values) - 1
        if not (text.isascii() and text.isdigit() and len(text) <= len(str(last)) and int(text) <= last):
            raise OutOfBounds(f"{self.name}: expected a place on its slider, a whole number from 0 to {last}")
        return int(text)


def _rates() -> Slider:
    said = [(1, "h"), (10, "h"), (1, "m"), (10, "m"), *((each, "s") for each in (1, 2, 5, 10, 20, 50, 100, 200, 500))]
    seconds = {"h": HOUR, "m": MINUTE, "s": 1}
    values = [number / seconds[unit] for number, unit in said]
    return Slider("rate", "Requests", values, [f"{number}/{unit}" for number, unit in said], 9)


def _shares(name: str, label: str, start: float) -> Slider:
    values = (0, 0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.015, 0.02, 0.03, 0.05, 0.1, 0.2, 0.5)
    return Slider(name, label, values, [format_percent(each) for each in values], values.index(start))


def _users() -> Slider:
    values = (0, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000)
    return Slider("users", "Users", values, ["each request another", *(f"{each:,}" for each in values[1:])], 0)


RATE: Final = _rates()
SHARE: Final = _shares("share", "Bad answers of the version", 0.01)
CHAMPION: Final = _shares("champion", "Bad answers of the champion", 0.002)
USERS: Final = _users()
SLIDERS: Final = (RATE, SHARE, CHAMPION, USERS)


@dataclass(frozen=True)
class Assumption:
    """Where the sliders stand, in their order."""

    places: tuple[int, ...]

    @classmethod
    def of(cls, query: Mapping[str, str]) -> "Assumption":
        """What an address says; what it does not say stands where it begins. Raises OutOfBounds."""
        return cls(tuple(each.place(query.get(each.name)) for each in SLIDERS))

    @property
    def values(self) -> Mapping[str, float]:
        """By the slider's name: requests a second, shares, and users, 0 where each request is another one's."""
        return {each.name: each.values[place] for each, place in zip(SLIDERS, self.places, strict=True)}

    @property
    def texts(self) -> Mapping[str, str]:
        """The same as people read it."""
        return {each.name: each.texts[place] for each, place in zip(SLIDERS, self.places, strict=True)}

    @property
    def options(self) -> str:
        """Those of `podium simulate` that assume the same."""
        said, users = self.texts, int(self.values["users"])
        asked = f"--rate {said['rate']} --good {said['share']} --champion {said['champion']}"
        return f"{asked} --users {users}" if users else asked


START: Final = Assumption.of({})
