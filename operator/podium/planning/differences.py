"""What an object would be after `apply`, and which fields differ from what the cluster has. Pure.

A list is replaced as a whole. A field that the file does not name is removed where an earlier apply wrote it, and stays
where another client did (a verb of podium, an autoscaler): `kubectl apply`, Argo CD and Flux do the same.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

Json = Mapping[str, Any]
_LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"
_DEFAULTS: Final = {"spec.serving.replicas": 1}  # what the API server adds by itself (decision 5)
_MAPS: Final = ("labels", "annotations")  # of the metadata: what the file names is compared


@dataclass(frozen=True)
class Difference:
    """One field that differs."""

    path: str  # spec.rollout.steps[1].weight; of what has a name: spec.gates[accurate].metric.atLeast
    kind: Literal["added", "changed", "removed"]
    before: Any  # None where it is added
    after: Any  # None where it is removed


@dataclass(frozen=True)
class Applied:
    """The object after the file was applied."""

    value: Json
    kept: Sequence[str] = ()  # paths of fields that the file does not name, and that stay


@dataclass
class _Merge:
    kept: list[str] = field(default_factory=list)

    def merged(self, there: Json, said: Json, owned: Json | None, path: str) -> dict[str, Any]:
        """`owned` has the fields of earlier applies; None where nothing is known of who wrote which one."""
        result: dict[str, Any] = dict(said)
        for key, value in there.items():
            below, inner = f"{path}.{key}", None if owned is None else owned.get(key)
            if isinstance(value, Mapping) and isinstance(said.get(key, {}), Mapping):
                known = inner if inner is not None or owned is None else {}
                rest = self.merged(value, said.get(key, {}), known, below)
                if rest or key in said:
                    result[key] = rest
            elif key not in said and owned is not None and key not in owned:
                self.kept += [below] if _DEFAULTS.get(below) != value else []
                result[key] = value
        return result


def applied(there: Json | None, file: Json) -> Applied:
    """What the API server would have. `there` is None where the object is not there yet."""
    if there is None:
        return Applied(file)
    merge = _Merge()
    spec = merge.merged(there.get("spec") or {}, file.get("spec") or {}, _owned(there), "spec")
    before, after = there.get("metadata") or {}, file.get("metadata") or {}
    metadata = {**before, **{name: {**(before.get(name) or {}), **after[name]} for name in _MAPS if after.get(name)}}
    return Applied({**there, "metadata": metadata, "spec": spec}, merge.kept)


def differences(before: Json | None, after: Json) -> Sequence[Difference]:
    """The fields of the spec, and the labels and annotations, that differ. Of a new object: all of its spec."""
    there = before or {}
    found = list(_differing(there.get("spec") or {}, after.get("spec") or {}, "spec"))
    if before is None:
        return found
    old, new = there.get("metadata") or {}, after.get("metadata") or {}
    for name in _MAPS:
        found += _differing(old.get(name) or {}, new.get(name) or {}, f"metadata.{name}")
    return found


def field_differences(before: Json, after: Json, path: str) -> Sequence[Difference]:
    """The fields that differ between any two objects; their paths begin with this one."""
    return list(_differing(before, after, path))


def _differing(before: Any, after: Any, path: str) -> Iterator[Difference]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in [*before, *(key for key in after if key not in before)]:
            yield from _field(before, after, key, f"{path}.{key}")
    elif isinstance(before, list) and isinstance(after, list):
        yield from _in_list(before, after, path)
    elif type(before) is not type(after) or before != after:
        yield Difference(path, "changed", before, after)


def _field(before: Json, after: Json, key: Any, path: str) -> Iterator[Difference]:
    if key not in before:
        yield Difference(path, "added", None, after[key])
    elif key not in after:
        yield Difference(path, "removed", before[key], None)
    else:
        yield from _differing(before[key], after[key], path)


def _in_list(before: Sequence[Any], after: Sequence[Any], path: str) -> Iterator[Difference]:
    """By name where all have one of their own, and otherwise by place. Another order of names is a difference."""
    ours, theirs = _by_name(before), _by_name(after)
    if ours is None or theirs is None:
        ours, theirs = dict(enumerate(before)), dict(enumerate(after))
    for key in [*ours, *(key for key in theirs if key not in ours)]:
        yield from _field(ours, theirs, key, f"{path}[{key}]")
    stayed = [key for key in ours if key in theirs]
    moved = [key for key in theirs if key in ours]
    if stayed != moved:
        yield Difference(path, "changed", stayed, moved)


def _by_name(items: Sequence[Any]) -> dict[Any, Any] | None:
    names = [item.get("name") if isinstance(item, Mapping) else None for item in items]
    if not all(isinstance(name, str) for name in names) or len(set(names)) != len(names):
        return None
    return dict(zip(names, items, strict=True))


def _owned(there: Json) -> Json | None:
    """The fields of the spec that earlier applies wrote, as a tree; None where the object does not say who wrote."""
    metadata = there.get("metadata") or {}
    last = _last_applied(metadata)
    managers = [entry for entry in metadata.get("managedFields") or [] if isinstance(entry, Mapping)]
    if last is None and not managers:
        return None
    tree: dict[str, Any] = {}
    for entry in managers:
        if entry.get("operation") == "Apply" and not entry.get("subresource"):
            _grow(tree, _fields((entry.get("fieldsV1") or {}).get("f:spec") or {}))
    _grow(tree, last or {})
    return tree


def _last_applied(metadata: Json) -> Json | None:
    try:
        spec = json.loads((metadata.get("annotations") or {})[_LAST_APPLIED])["spec"]
    except (KeyError, TypeError, ValueError):
        return None
    return spec if isinstance(spec, Mapping) else None


def _fields(tree: Json) -> dict[str, Any]:
    """fieldsV1 as a tree of names: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/."""
    named = {key.removeprefix("f:"): inner for key, inner in tree.items() if key.startswith("f:")}
    return {key: _fields(inner) if isinstance(inner, Mapping) else {} for key, inner in named.items()}


def _grow(tree: dict[str, Any], more: Json) -> None:
    for key, inner in more.items():
        _grow(tree.setdefault(key, {}), inner if isinstance(inner, Mapping) else {})
