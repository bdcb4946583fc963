"""The page of `podium drift --html`: each feature's shares beside those of its profile. One file, and no script."""

from collections.abc import Iterator, Sequence
from html import escape
from typing import Final

from podium.core.drift.comparison import FeatureDrift

_WIDTH, _HEIGHT, _GAP = 640, 120, 4  # pixels
_WAS, _NOW, _DRIFTED = "#9aa7b4", "#2b6cb0", "#b22222"
_STYLE: Final = (
    "body{font-family:sans-serif;max-width:44em;margin:2em auto;color:#222}"
    "h2{font-size:1.05em;margin-bottom:.2em}p{margin-top:0;color:#555}"
)


def html(title: str, found: Sequence[FeatureDrift]) -> str:
    """The whole page."""
    parts = [
        "<!doctype html>",
        "<html lang='en'><head><meta charset='utf-8'>",
        f"<title>Drift of {escape(title)}</title><style>{_STYLE}</style></head><body>",
        f"<h1>Drift of {escape(title)}</h1>",
        f"<p>Grey: rows of the training profile. Blue: what was asked; <span style='color:{_DRIFTED}'>red</span> where "
        "that has drifted. PSI is the population stability index.</p>",
        *(part for one in found for part in _feature(one)),
        "</body></html>",
    ]
    return "\n".join(parts) + "\n"


def _feature(one: FeatureDrift) -> Iterator[str]:
    verdict = ", drifted" if one.drifted else ""
    yield f"<h2>{escape(one.name)}</h2>"
    yield f"<p>PSI {one.stability_index:.3f}, {one.rows:,} rows{verdict}</p>"
    yield f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {_WIDTH} {_HEIGHT}' role='img'>"
    yield f"<title>{escape(one.name)}: shares by bin, in training and now</title>"
    yield from _bars(one)
    yield "</svg>"


def _bars(one: FeatureDrift) -> Iterator[str]:
    most = max((*one.reference, *one.shares, 1e-9))
    room = _WIDTH / len(one.bins)
    width = (room - 2 * _GAP) / 2
    colour = _DRIFTED if one.drifted else _NOW
    for place, (name, was, now) in enumerate(zip(one.bins, one.reference, one.shares, strict=True)):
        left = place * room + _GAP
        said = f"{name}: {was:.1%} in training, {now:.1%} now"
        yield f"<g><title>{escape(said)}</title>"
        for x, share, fill in ((left, was, _WAS), (left + width, now, colour)):
            height = share / most * (_HEIGHT - 2)
            size = f"width='{width:.1f}' height='{height:.1f}'"
            yield f"<rect x='{x:.1f}' y='{_HEIGHT - height:.1f}' {size} fill='{fill}'/>"
        yield "</g>"
