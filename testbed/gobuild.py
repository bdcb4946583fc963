"""Go programs from the recipes: each a folder with `go.mod`, `go.sum` and, but for plain tools, a `main.go`."""

from collections.abc import Sequence
from pathlib import Path

from testbed import layers, places
from testbed.commands import run, run_logged

ENVIRONMENT = {"CGO_ENABLED": "0", "GOWORK": "off"}


def program(name: str, *, package: str = ".", stamps: Sequence[str] = ()) -> Path:
    """The path of the program, built if it is not in the cache. `stamps` are `variable=value` for the linker."""
    recipe = places.recipe(name)
    flags = " ".join(["-s", "-w", *(f"-X {stamp}" for stamp in stamps)])
    key = layers.key_of(recipe, package, flags)

    def build(target: Path) -> None:
        command = ["go", "build", "-trimpath", "-buildvcs=false", "-ldflags", flags, "-o", str(target / name), package]
        run_logged(f"building {name}", command, layers.log_of(name), cwd=recipe, env=ENVIRONMENT)

    return layers.kept_folder(name, key, build) / name


def module_folder(recipe: str, module: str) -> Path:
    """The folder of a module's files. It is fetched first: without its files, Go names no folder and no error."""
    run(["go", "mod", "download", module], cwd=places.recipe(recipe), env=ENVIRONMENT, timeout=300)
    command = ["go", "list", "-m", "-f", "{{.Dir}}", module]
    return Path(run(command, cwd=places.recipe(recipe), env=ENVIRONMENT, timeout=300).strip())
