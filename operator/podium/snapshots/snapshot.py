"""What a snapshot is: values, and the rules of its name and of its ids. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from podium.core.evaluations import Evaluation
from podium.errors import Rejected

PREFIX: Final = "podium.snapshot."  # of the params that Podium writes; MLflow's params cannot be changed later
KIND, DOMAIN, ITERATION, PARENT = f"{PREFIX}kind", f"{PREFIX}domain", f"{PREFIX}iteration", f"{PREFIX}parent"
CONFIGURATION_SHA256, DIGEST = f"{PREFIX}configuration_sha256", f"{PREFIX}digest"
PROMPT: Final = f"{PREFIX}prompt."
MODEL_STATE, PATCHES = "model_state", "patches"  # folders of the source run's artifacts
WORD: Final = re.compile(r"[a-z0-9]+([-_][a-z0-9]+)*")  # MLflow refuses . / : % and quotes in names
LONGEST_WORD: Final = 63
_MODEL_ID: Final = re.compile(r"m-[0-9A-Za-z]{1,64}")
_SHOWN: Final = 12  # hexadecimal digits of the hash in the name
_LAST_ITERATION: Final = 10**9


@dataclass(frozen=True)
class Snapshot:
    """One version of a configuration: a LoggedModel, whose files are artifacts of its source run."""

    model_id: str  # m-…
    name: str  # <kind>-<domain>-iter<N>-<the first 12 digits of the configuration's SHA-256>
    kind: str
    domain: str
    iteration: int
    parent: str | None  # the model id that it was made from
    run_id: str  # of its source run
    experiment_id: str
    configuration_sha256: str  # of the file model_state/configuration.json
    digest: str  # of all files in model_state/, see podium.core.digest
    created: datetime | None
    params: Mapping[str, str] = field(default_factory=dict)  # the caller's own
    tags: Mapping[str, str] = field(default_factory=dict)
    prompts: Mapping[str, str] = field(default_factory=dict)  # what it is for -> prompts:/name/version
    evaluations: tuple[Evaluation, ...] = ()  # linked to it, the newest last


def snapshot_name(kind: str, domain: str, iteration: int, configuration_sha256: str) -> str:
    """The name. Raises Rejected where a part of it is none."""
    _word("kind", kind)
    _word("domain", domain)
    if isinstance(iteration, bool) or not isinstance(iteration, int) or not 0 <= iteration <= _LAST_ITERATION:
        raise Rejected(f"iteration is {iteration!r}; required: a whole number from 0 to {_LAST_ITERATION}")
    return f"{kind}-{domain}-iter{iteration}-{configuration_sha256[:_SHOWN]}"


def model_id_of(value: object, what: str) -> str:
    """The id of a LoggedModel. An empty one is refused: MLflow takes it for none, and links nothing, in silence."""
    if isinstance(value, str) and _MODEL_ID.fullmatch(value):
        return value
    found = "an empty text" if isinstance(value, str) and not value.strip() else repr(value)
    raise Rejected(f"{what} is {found}; required: the id of a LoggedModel, m-… (`podium snapshots list` shows them)")


def _word(what: str, value: object) -> None:
    if not isinstance(value, str) or len(value) > LONGEST_WORD or not WORD.fullmatch(value):
        raise Rejected(
            f"{what} is {value!r}; required: lower-case letters and digits, in words joined by - or _, at most "
            f"{LONGEST_WORD} characters. MLflow refuses other names"
        )
