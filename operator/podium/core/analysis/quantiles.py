"""Quantiles of histograms, rounded up to an edge of them."""

from collections.abc import Iterable, Iterator, Sequence

from podium.core.facts import Histogram

ENOUGH = 200  # answers of the champion, so that a decile is one


def common_edges(histograms: Sequence[Histogram]) -> list[float]:
    """The edges that all histograms with any values have."""
    sets = [set(one.edges) for one in histograms if one.total]
    return sorted(set.intersection(*sets)) if sets else []


def quantiles(histograms: Sequence[Histogram], edges: Sequence[float], shares: Iterable[float]) -> Iterator[float]:
    """The smallest edges at or below which these shares of all values are, each once."""
    total = sum(one.total for one in histograms)
    if total < ENOUGH:
        return
    below = [sum(one.at_most(edge) for one in histograms) for edge in edges]
    yielded: set[float] = set()
    for share in shares:
        edge = next((edge for edge, count in zip(edges, below, strict=True) if count >= share * total), None)
        if edge is not None and edge not in yielded:
            yielded.add(edge)
            yield edge
