"""The profile of a model's training data: the bins of each feature, and how many rows fell into each.

It is a file of the model itself, so that its digest, its signature and its copies hold for the profile too. Whoever may
write the model's files may write this one: what is read is bounded, and its names are shown bounded.
"""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Final, Literal, Self

from podium.core.drift.reference import ALPHA, TOLERANCE, Reference

FILE: Final = "podium_profile.json"
LARGEST: Final = 4 * 1024 * 1024  # bytes
MOST_FEATURES: Final = 200
MOST_BINS: Final = 34
LONGEST_NAME: Final = 200  # characters
LONGEST_CATEGORY: Final = 64  # a longer one is among "other"
PREDICTIONS: Final = "predictions"  # how they are called among the features
MOST_ROWS: Final = 10**12

Kind = Literal["number", "category"]


@dataclass(frozen=True)
class FeatureProfile:
    """One feature. A number x is in bin i where edges[i-1] < x <= edges[i]; the last bin but one is above all edges.

    A category has a bin, and all others have one. The last bin has the missing ones.
    """

    name: str
    counts: tuple[int, ...]
    edges: tuple[float, ...] | None = None
    categories: tuple[str, ...] | None = None

    @property
    def kind(self) -> Kind:
        """What is in its bins."""
        return "number" if self.edges is not None else "category"

    @property
    def ordered(self) -> int:
        """How many bins are in order: the first ones."""
        return len(self.counts) - 1 if self.edges is not None else 0

    @property
    def bins(self) -> tuple[str, ...]:
        """What each bin holds, for people."""
        if self.edges is None:
            return (*(self.categories or ()), "other", "missing")
        between = [f"{low:g} to {high:g}" for low, high in pairwise(self.edges)]
        ends = [f"up to {self.edges[0]:g}", *between, f"above {self.edges[-1]:g}"] if self.edges else ["any number"]
        return (*ends, "missing")

    def problem(self) -> str | None:
        """What is wrong with it, or None."""
        return next(self._problems(), None)

    def _problems(self) -> Iterator[str]:
        edges, categories = self.edges or (), self.categories or ()
        expected = len(edges or categories) + 2
        if not 0 < len(self.name) <= LONGEST_NAME:
            yield f"name: expected 1 to {LONGEST_NAME} characters"
        if (self.edges is None) == (self.categories is None):
            yield "expected either edges or categories"
        if len(self.counts) != expected or expected > MOST_BINS:
            yield f"counts: expected {expected}, at most {MOST_BINS}, found {len(self.counts)}"
        if min(self.counts, default=0) < 0 or sum(self.counts) > MOST_ROWS:
            yield f"counts: expected numbers from 0 on, {MOST_ROWS} in all at most"
        if not all(map(math.isfinite, edges)):
            yield "edges: expected finite numbers"
        if any(low >= high for low, high in pairwise(edges)):
            yield "edges: expected rising numbers"
        if len(set(categories)) < len(categories):
            yield "categories: expected each once"


@dataclass(frozen=True)
class Profile:
    """The features of a model, and its predictions where they were given."""

    features: tuple[FeatureProfile, ...]
    predictions: FeatureProfile | None = None

    @property
    def all(self) -> tuple[FeatureProfile, ...]:
        """The features, and then the predictions as one more."""
        return self.features if self.predictions is None else (*self.features, self.predictions)

    def references(self, tolerance: float = TOLERANCE) -> tuple[Reference, ...]:
        """What blocks are compared with. The samples of all are good ones, together, with a chance of 1 - ALPHA."""
        each = ALPHA / max(len(self.all), 1)
        return tuple(Reference(one.name, one.counts, one.ordered, tolerance, each) for one in self.all)

    @property
    def text(self) -> str:
        """As JSON: the file's content."""
        return json.dumps(
            {
                "version": 1,
                "features": [_written(one) for one in self.features],
                "predictions": None if self.predictions is None else _written(self.predictions),
            },
            indent=1,
        )

    @classmethod
    def read(cls, text: str | bytes) -> Self:
        """The profile that the text has. Raises ValueError: it is none; the message says what is wrong and where."""
        if len(text) > LARGEST:
            raise ValueError(f"a training profile: expected at most {LARGEST} bytes, found {len(text)}")
        try:
            found = json.loads(text)
        except RecursionError as error:
            raise ValueError("a training profile: expected JSON, found one that is too deep") from error
        if not isinstance(found, dict) or found.get("version") != 1 or not isinstance(found.get("features"), list):
            raise ValueError("a training profile: expected an object with version 1 and a list of features")
        if len(found["features"]) > MOST_FEATURES:
            raise ValueError(f"a training profile: expected at most {MOST_FEATURES} features")
        features = tuple(_read(f"features[{place}]", each) for place, each in enumerate(found["features"]))
        of = found.get("predictions")
        predictions = replace(_read("predictions", of), name=PREDICTIONS) if of is not None else None
        names = [feature.name for feature in features]
        if len(set(names)) < len(names) or (predictions is not None and PREDICTIONS in names):
            raise ValueError("a training profile: expected each name once")
        return cls(features, predictions)


def category_text(value: Any) -> str:
    """What a category is called: true and false as JSON has them."""
    if isinstance(value, str):
        return value
    text = str(value)
    return text.lower() if text in {"True", "False"} else text


def _written(one: FeatureProfile) -> dict[str, Any]:
    bins = {"edges": one.edges} if one.edges is not None else {"categories": one.categories}
    return {"name": one.name, **bins, "counts": one.counts}


def _read(where: str, found: Any) -> FeatureProfile:
    if not isinstance(found, dict):
        raise ValueError(f"a training profile: {where}: expected an object")  # noqa: TRY004  it is the text's fault
    name = found.get("name")
    one = FeatureProfile(
        name if isinstance(name, str) else "",
        tuple(_list(where, found, "counts", int) or ()),
        _list(where, found, "edges", float, int),
        _list(where, found, "categories", str),
    )
    if problem := one.problem():
        raise ValueError(f"a training profile: {where}: {problem}")
    return one


def _list(where: str, found: dict[str, Any], key: str, *types: type) -> tuple[Any, ...] | None:
    values = found.get(key)
    if values is None:
        return None
    if not isinstance(values, list) or len(values) > MOST_BINS or not all(type(each) in types for each in values):
        raise ValueError(
            f"a training profile: {where}.{key}: expected a list of {types[0].__name__}s, {MOST_BINS} at most"
        )
    try:
        return tuple(float(each) for each in values) if float in types else tuple(values)
    except OverflowError as error:
        raise ValueError(f"a training profile: {where}.{key}: expected finite numbers") from error
