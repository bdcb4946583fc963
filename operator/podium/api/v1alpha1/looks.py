"""A trial over time: what the operator saw at each of a bounded number of looks, in columns, which are short."""

from typing import Annotated

from pydantic import Field

from podium.api.v1alpha1.evidence import StatusValue

LOOKS_LIMIT = 60
_Whole = Annotated[tuple[int, ...], Field(max_length=LOOKS_LIMIT)]
_Parts = Annotated[tuple[float, ...], Field(max_length=LOOKS_LIMIT)]


class GuardLooks(StatusValue):
    """What one guard had counted at each look, and how far its evidence was. One value a look in each list."""

    guard: str = Field(description="Name of the guard.")
    answers: _Whole = Field((), description="Answers of the version under judgement.")
    bad: _Whole = Field((), description="Those of them that failed.")
    champion_answers: _Whole = Field((), description="Answers of the version beside it.")
    champion_bad: _Whole = Field((), description="Those of them that failed.")
    failed: _Parts = Field((), description="How far it was on its way to Failed: log E / log(1/α), 1 is the proof.")
    passed: _Parts = Field((), description="The same to Passed: log E / log(1/β).")


class Looks(StatusValue):
    """The looks of a trial, the newest last. Once there are too many, every second one is left out."""

    gap: int = Field(5, ge=1, description="Seconds between two looks, at the least.")
    seconds: _Whole = Field((), description="When each one was, in seconds since the trial began.")
    weights: _Whole = Field((), description="The challenger's weight then, in percent.")
    guards: list[GuardLooks] = Field([], description="By guard: what was seen then.")
