"""The files of a snapshot: the configuration, what belongs to it, and how it came from its parent's. Pure.

    model_state/configuration.json     the configuration itself; its SHA-256 is in the snapshot's name
    model_state/columns.json …         its metadata: a file for each part that the caller has (columns, tags, routines)
    model_state/parent_diff.json       the fields that differ from the parent's configuration; [] without a parent
    patches/patch_set.json             the changes that an optimiser made, as it describes them
    patches/summary.json               how many they are, and a text about them

The files are canonical JSON, so that the same configuration has the same bytes whoever writes it.
"""

import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from podium.core.digest import digest_of
from podium.errors import Rejected
from podium.planning.differences import Difference, field_differences
from podium.snapshots.snapshot import LONGEST_WORD, MODEL_STATE, PATCHES, WORD

Json = Mapping[str, Any]
CONFIGURATION_FILE: Final = "configuration.json"
PARENT_DIFF: Final = "parent_diff.json"
LARGEST: Final = 16 * 1024 * 1024  # bytes of all files of one snapshot
_OWN: Final = frozenset({"configuration", "parent_diff"})
_DEEPEST: Final = 100


@dataclass(frozen=True)
class Content:
    """The files of a snapshot: path in the run's artifacts -> bytes."""

    files: Mapping[str, bytes]

    @property
    def configuration_sha256(self) -> str:
        """Of the configuration's own file, in hex."""
        return hashlib.sha256(self.files[f"{MODEL_STATE}/{CONFIGURATION_FILE}"]).hexdigest()

    @property
    def digest(self) -> str:
        """Of the files that are applied."""
        return state_digest(self.files)


def state_digest(files: Mapping[str, bytes]) -> str:
    """The digest of the files in model_state/, with paths relative to it."""
    within = f"{MODEL_STATE}/"
    state = {path.removeprefix(within): content for path, content in files.items() if path.startswith(within)}
    return digest_of({path: hashlib.sha256(content).hexdigest() for path, content in state.items()})


def content_of(
    configuration: Json,
    *,
    parent: Json | None = None,
    metadata: Json | None = None,
    patches: Sequence[Any] = (),
    summary: str = "",
) -> Content:
    """The files. Raises Rejected where the configuration is empty, or where something in it is no JSON."""
    _refuse_empty(configuration)
    if not isinstance(patches, list | tuple):
        raise Rejected(f"patches is a {type(patches).__name__}; required: a list, of one patch each")
    if not isinstance(summary, str):
        raise Rejected(f"summary is a {type(summary).__name__}; required: a text")
    files = {f"{MODEL_STATE}/{CONFIGURATION_FILE}": canonical(configuration, "configuration")}
    for part, value in (metadata or {}).items():
        files[f"{MODEL_STATE}/{_part(part)}.json"] = canonical(value, f"metadata[{part}]")
    changed = [asdict(each) for each in configuration_differences(parent, configuration)] if parent is not None else []
    files[f"{MODEL_STATE}/{PARENT_DIFF}"] = canonical(changed, "the difference to the parent")
    files[f"{PATCHES}/patch_set.json"] = canonical(list(patches), "patches")
    files[f"{PATCHES}/summary.json"] = canonical({"patches": len(patches), "text": summary}, "summary")
    total = sum(map(len, files.values()))
    if total > LARGEST:
        raise Rejected(f"the snapshot's files have {total:,} bytes; allowed: at most {LARGEST:,}")
    return Content(files)


def configuration_differences(before: Json, after: Json) -> Sequence[Difference]:
    """Which fields differ; a path begins with `configuration`."""
    return field_differences(before, after, "configuration")


def canonical(value: Any, where: str) -> bytes:
    """JSON with sorted keys, in UTF-8, with a line break at its end. Raises Rejected where the value is no JSON."""
    if problem := next(_problems(value, where), ""):
        raise Rejected(problem)
    return json.dumps(value, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False).encode() + b"\n"


def _refuse_empty(configuration: object) -> None:
    if not isinstance(configuration, Mapping):
        raise Rejected(f"configuration is a {type(configuration).__name__}; required: an object, with text keys")
    if not configuration or all(_blank(value) for value in configuration.values()):
        raise Rejected(
            "configuration is empty; required: at least one field with a value. Where it was exported, check that the "
            "export succeeded"
        )


def _blank(value: object) -> bool:
    return value is None or (isinstance(value, str | Mapping | Sequence) and not value)


def _part(name: str) -> str:
    if not WORD.fullmatch(name) or len(name) > LONGEST_WORD or name in _OWN:
        raise Rejected(
            f"metadata has a part {name!r}; required: lower-case letters and digits, in words joined by - or _, at "
            f"most {LONGEST_WORD} characters, and none of {', '.join(sorted(_OWN))}"
        )
    return name


def _problems(value: Any, where: str, depth: int = 0) -> Iterator[str]:
    """What JSON cannot say, with its path: what Python would write in its place is read as another value."""
    if depth > _DEEPEST:
        yield f"{where} is nested too deeply; allowed: {_DEEPEST} levels"
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            if not isinstance(key, str) or not _is_text(key):
                yield f"{where} has the key {key!r}; required: text keys, of what UTF-8 can write"
            yield from _problems(inner, f"{where}.{key}", depth + 1)
    elif isinstance(value, list | tuple):
        for place, inner in enumerate(value):
            yield from _problems(inner, f"{where}[{place}]", depth + 1)
    else:
        yield from _problems_of_one(value, where)


def _problems_of_one(value: Any, where: str) -> Iterator[str]:
    if isinstance(value, str) and not _is_text(value):
        yield f"{where} holds half of a surrogate pair; required: characters that UTF-8 can write"
    elif isinstance(value, float) and not math.isfinite(value):
        yield f"{where} is {value}; required: a finite number"
    elif value is not None and not isinstance(value, str | int | float):
        yield f"{where} is a {type(value).__name__}; required: a value of JSON"


def _is_text(value: str) -> bool:
    """Whether it is text as UTF-8 can write it: JSON can name half of a surrogate pair."""
    return not any("\ud800" <= character <= "\udfff" for character in value)
