"""`python -m podium.registry.pickle_loading`: loads one pickle in a process of its own, as an MLflow model.

Before anything is loaded, every way by which Python reads a pickle looks each name up in the table of `pickles`: joblib
reads arrays of objects by `pickle.load`, and libraries unpickle inside of what is unpickled.
"""

import importlib
import io
import json
import pickle
import sys
from collections.abc import Collection
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from podium.registry.pickles import allowed, is_class_of, named_on_its_own, unpacked

REFUSED: Final = 3  # exit code: the file wants a name that is not allowed


class RefusedName(pickle.UnpicklingError):
    """A name that no table has."""


def main() -> None:
    """Reads the order from standard input, and prints what was found as JSON."""
    order: dict[str, Any] = json.load(sys.stdin)
    guard(order["allow"])
    try:
        print(json.dumps(_written(order)))
    except RefusedName as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(REFUSED) from error


def guard(extra: Collection[str]) -> None:
    """From now on, this process unpickles nothing but what the table allows, whoever asks for it."""
    module: Any = pickle
    unpickler = module._Unpickler  # noqa: SLF001  the one in Python: that in C takes no other method
    ordinary = unpickler.find_class

    def find_class(self: Any, package: str, name: str) -> Any:
        if not allowed(package, name, extra):
            raise RefusedName(f"{package}.{name} is not in the table of what a model may import")
        found = ordinary(self, package, name)
        if not named_on_its_own(package, name, extra) and not is_class_of(package, found):
            raise RefusedName(f"{package}.{name} is no class of {package.partition('.')[0]}, as its table has them")
        return found

    unpickler.find_class = find_class
    module.Unpickler = unpickler
    module.load = lambda file, **options: unpickler(file, **options).load()
    module.loads = lambda data, **options: unpickler(io.BytesIO(data), **options).load()


def _written(order: dict[str, Any]) -> dict[str, Any]:
    model = _loaded(Path(order["file"]))
    example = _example(order["example"])
    mlflow = importlib.import_module("mlflow")
    flavour = importlib.import_module("mlflow.sklearn")
    signature = None if example is None else mlflow.models.infer_signature(example, model.predict(example))
    if order["out"]:
        named = importlib.import_module("skops.io")
        options = {
            "signature": signature,
            "input_example": example,
            # Without them MLflow would load the model once more, to see what it imports.
            "pip_requirements": [f"{name}=={version(name)}" for name in ("scikit-learn", "skops", "pandas", "numpy")],
            # All of these have passed the table.
            "skops_trusted_types": named.get_untrusted_types(data=named.dumps(model)),
        }
        flavour.save_model(model, order["out"], **options)
    kind = type(model)
    return {"type": f"{kind.__module__}.{kind.__qualname__}", "signature": str(signature) if signature else None}


def _loaded(file: Path) -> Any:
    """By joblib, which reads plain pickles as well."""
    joblib = importlib.import_module("joblib")
    return joblib.load(unpacked(file))


def _example(file: str) -> Any:
    if not file:
        return None
    pandas = importlib.import_module("pandas")
    return pandas.read_json(file, orient="records") if file.endswith(".json") else pandas.read_csv(file)


if __name__ == "__main__":
    main()
