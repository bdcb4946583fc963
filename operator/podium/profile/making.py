"""A table becomes a profile: bins are chosen on some of its rows, and counted on the others.

Bins that were chosen by the rows that are counted in them are even by construction: they would say more of this sample
than of what it was drawn from (`podium.core.drift.sample`). Which rows are which is drawn once, with a fixed seed.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from podium.core.drift.profile import (
    LONGEST_CATEGORY,
    LONGEST_NAME,
    MOST_FEATURES,
    PREDICTIONS,
    FeatureProfile,
    Kind,
    Profile,
    category_text,
)
from podium.errors import Rejected

BINS: Final = 10  # of a number
CATEGORIES: Final = 20  # that have a bin of their own
LEAST_ROWS: Final = 100
_LEAST: Final = 5  # rows of a category among those that choose: a name or an address has no bin
_CHOOSE: Final = 0.25  # of the rows, to choose the bins
_CHOOSE_AT_MOST: Final = 100_000


def profile_of(data: Any, kinds: Mapping[str, Kind], predictions: Any = None) -> Profile:
    """The profile of a pandas DataFrame. `kinds` names the columns that are profiled; `predictions`: one a row.

    Raises Rejected where a column is not there or holds what its kind does not, and where there are too few rows.
    """
    import numpy as np  # noqa: PLC0415  optional, as MLflow is

    if missing := [name for name in kinds if name not in getattr(data, "columns", ())]:
        raise Rejected(f"the training data have no column {_shown(missing)}; expected: all inputs of the signature")
    if len(data) < LEAST_ROWS:
        raise Rejected(f"the training data have {len(data)} rows; required for a profile: {LEAST_ROWS} at least")
    if not 0 < len(kinds) <= MOST_FEATURES or any(len(name) > LONGEST_NAME for name in kinds):
        expected = f"1 to {MOST_FEATURES}, with names of at most {LONGEST_NAME} characters. Name them by `features`"
        raise Rejected(f"{len(kinds)} features would be profiled; required: {expected}")
    if predictions is not None and PREDICTIONS in kinds:
        raise Rejected(f"a feature is called {PREDICTIONS}, as the predictions are; name the others by `features`")
    order = np.random.default_rng(0).permutation(len(data))
    chosen = min(int(len(data) * _CHOOSE), _CHOOSE_AT_MOST)
    parts = order[:chosen], order[chosen:]
    features = tuple(_feature(name, data[name], kind, parts) for name, kind in kinds.items())
    return Profile(features, None if predictions is None else _predicted(predictions, len(data), parts))


def _feature(name: str, column: Any, kind: Kind, parts: Sequence[Any]) -> FeatureProfile:
    import pandas as pd  # noqa: PLC0415

    if getattr(column, "ndim", 1) != 1:
        raise Rejected(f"the training data have more than one column {name[:60]!r}; expected: one")
    if kind == "category":
        return _category(name, column, parts)
    try:
        numbers = pd.to_numeric(column).to_numpy(dtype=float, na_value=float("nan"))
    except (TypeError, ValueError) as error:
        found = type(error).__name__
        raise Rejected(f"column {name[:60]!r}: expected numbers, as the signature says ({found})") from error
    return _number(name, numbers, parts)


def _number(name: str, numbers: Any, parts: Sequence[Any]) -> FeatureProfile:
    import numpy as np  # noqa: PLC0415

    choose, count = numbers[parts[0]], numbers[parts[1]]
    finite = choose[np.isfinite(choose)]
    inner = np.arange(1, BINS) / BINS
    edges = np.unique(np.quantile(finite, inner, method="inverted_cdf")) if len(finite) else np.array([])
    known = count[~np.isnan(count)]
    bins = np.bincount(np.searchsorted(edges, known, side="left"), minlength=len(edges) + 1)
    counts = (*map(int, bins), int(len(count) - len(known)))
    return FeatureProfile(name, counts, edges=tuple(map(float, edges)))


def _category(name: str, column: Any, parts: Sequence[Any]) -> FeatureProfile:
    import pandas as pd  # noqa: PLC0415

    there = ~pd.isna(column).to_numpy()
    texts = column.astype(object).to_numpy()
    choose = Counter(category_text(each) for each in texts[parts[0]][there[parts[0]]])
    often = [text for text, rows in choose.most_common() if rows >= _LEAST and len(text) <= LONGEST_CATEGORY]
    names = often[:CATEGORIES]
    counted = Counter(category_text(each) for each in texts[parts[1]][there[parts[1]]])
    of_names = [counted[text] for text in names]
    absent = int((~there[parts[1]]).sum())
    counts = (*of_names, counted.total() - sum(of_names), absent)
    return FeatureProfile(name, counts, categories=tuple(names))


def _predicted(predictions: Any, rows: int, parts: Sequence[Any]) -> FeatureProfile:
    import pandas as pd  # noqa: PLC0415

    from podium.runtime.prediction.distribution import first_column  # noqa: PLC0415  as the model server has it

    try:
        column = first_column(predictions)
    except (TypeError, ValueError):
        column = None
    if column is None or len(column) != rows:
        found = "none that can be counted" if column is None else str(len(column))
        raise Rejected(f"predictions: expected one for each of the {rows} rows, found {found}")
    if column.dtype.kind == "f":
        return _number(PREDICTIONS, column.astype(float), parts)
    return _category(PREDICTIONS, pd.Series(column.tolist()), parts)


def _shown(names: Sequence[str]) -> str:
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""  # noqa: PLR2004
    return ", ".join(repr(str(name)[:60]) for name in names[:5]) + more
