"""The names of the output's columns: the input's, the predictions', the stamps'. No two are the same."""

from collections.abc import Sequence

from podium.runtime.batch.failures import NameClash

STAMPS = ("model_name", "model_version", "run_id", "scored_at", "batch_id", "git_sha")


def input_names(names: Sequence[str], added: Sequence[str], *, rename: bool) -> list[str]:
    """Return how the input's columns are called in the output, beside the columns that are added.

    Raises NameClash: one has the name of an added column, and none is to be renamed.
    """
    taken = {*added, *names}
    found = []
    for name in names:
        if name not in added:
            found.append(name)
            continue
        if not rename:
            raise NameClash(
                f"the input's column {name!r} is called like a column that scoring adds; rename it, or give "
                f"--rename-clashes to keep it as {_free(name, taken)!r}"
            )
        found.append(_free(name, taken))
        taken.add(found[-1])
    return found


def _free(name: str, taken: set[str]) -> str:
    new = f"input_{name}"
    while new in taken:
        new = f"input_{new}"
    return new
