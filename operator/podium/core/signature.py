"""Signatures, and what changes between two of them for those who call the model, in words.

Names and types come from the registry: they are shown bounded, and compared, never evaluated.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from podium.api.v1alpha1.spec.gates import Change

# MLflow casts what it is sent along these ways, and only along these: a model that takes more than before takes it all.
# See `_enforce_mlflow_datatype` in mlflow/models/utils.py.
WIDER: dict[str, frozenset[str]] = {
    "integer": frozenset({"long", "double"}),
    "float": frozenset({"double"}),
}
_SHOWN = 60  # characters of a name or a type


@dataclass(frozen=True)
class Column:
    """One input, output or param. A tensor has a shape, -1 where any length will do; the others have none."""

    name: str  # "" where the model does not name it
    type: str
    required: bool = True
    shape: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Signature:
    """What a model takes and gives. None: not declared."""

    inputs: tuple[Column, ...] | None = None
    outputs: tuple[Column, ...] | None = None
    params: tuple[Column, ...] | None = None


Changed = tuple[Change, str]


def changes(old: Signature, new: Signature) -> Iterator[Changed]:
    """What those who call the old model would notice of the new one: the kind of change, and a sentence's words."""
    yield from _inputs(old.inputs, new.inputs)
    yield from _outputs(old.outputs, new.outputs)
    yield from _params(old.params or (), new.params or ())


def _inputs(old: Sequence[Column] | None, new: Sequence[Column] | None) -> Iterator[Changed]:
    if old is None or new is None:
        if old is not new:
            yield "typeChanged", "inputs are no longer declared" if new is None else "inputs were not declared before"
        return
    before, after = _by_name(old), _by_name(new)
    for name, was in before.items():
        if name in after:
            yield from _input(_shown(name), was, after[name])
        else:
            yield "columnRemoved", f"column {_shown(name)} removed"
    for name, now in after.items():
        if name not in before and now.required:
            yield "columnAdded", f"column {_shown(name)} added, and required"


def _input(name: str, was: Column, now: Column) -> Iterator[Changed]:
    if was.type != now.type and now.type not in WIDER.get(was.type, ()):
        narrowed = was.type in WIDER.get(now.type, ())
        verb = "narrowed" if narrowed else "changed"
        yield "typeNarrowed" if narrowed else "typeChanged", f"column {name} {verb} from {_type(was)} to {_type(now)}"
    if now.required and not was.required:
        yield "optionalMadeRequired", f"column {name} was optional, and is required"
    if not _fits(was.shape, now.shape):
        yield "shapeChanged", f"shape of {name} changed from {_shape(was)} to {_shape(now)}"


def _outputs(old: Sequence[Column] | None, new: Sequence[Column] | None) -> Iterator[Changed]:
    if old == new or old is None:
        return  # no caller relies on what was never declared
    before, after = _by_name(old), _by_name(new or ())
    told = list(_outputs_in_words(before, after)) or ["in their order"]
    yield "outputsChanged", f"outputs changed: {', '.join(told)}"


def _outputs_in_words(before: dict[str, Column], after: dict[str, Column]) -> Iterator[str]:
    for name, was in before.items():
        if name not in after:
            yield f"{_shown(name)} removed"
        elif (now := after[name]) != was:
            yield f"{_shown(name)} from {_whole(was)} to {_whole(now)}"
    yield from (f"{_shown(name)} added" for name in after if name not in before)


def _params(old: Sequence[Column], new: Sequence[Column]) -> Iterator[Changed]:
    """A new param has a default, so it breaks no caller."""
    after = _by_name(new)
    for name, was in _by_name(old).items():
        if name not in after:
            yield "paramsChanged", f"param {_shown(name)} removed"
        elif (was.type, was.shape) != (after[name].type, after[name].shape):
            words = f"param {_shown(name)} changed from {_whole(was)} to {_whole(after[name])}"
            yield "paramsChanged", words


def gains(old: Signature, new: Signature) -> Iterator[str]:
    """What the new model takes or gives that the old one did not, in words; meant for two between which none breaks."""
    parts = (
        ("column", old.inputs, new.inputs),
        ("output", old.outputs, new.outputs),
        ("param", old.params, new.params),
    )
    for kind, was, now in parts:
        before = _by_name(was or ())
        for name, column in _by_name(now or ()).items():
            if before.get(name) != column:
                yield f"{kind} {_shown(name)} {'added' if name not in before else 'takes more'}"


def _by_name(columns: Sequence[Column]) -> dict[str, Column]:
    """By name; those without one by their place."""
    return {column.name or f"number {place}": column for place, column in enumerate(columns, 1)}


def _shown(text: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in text[:_SHOWN])


def _fits(was: tuple[int, ...] | None, now: tuple[int, ...] | None) -> bool:
    """Whether all that had the old shape has the new one too."""
    if was is None or now is None:
        return was is now
    return len(was) == len(now) and all(new in (-1, old) for old, new in zip(was, now, strict=True))


def _type(column: Column) -> str:
    return _shown(column.type)


def _shape(column: Column) -> str:
    return "none" if column.shape is None else f"({', '.join(map(str, column.shape))})"


def _whole(column: Column) -> str:
    optional = "" if column.required else "optional "
    return f"{optional}{_type(column)}" + ("" if column.shape is None else f" {_shape(column)}")
