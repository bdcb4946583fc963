"""Go programs from the recipes: each a folder with `go.mod`, `go.sum` and, but for plain tools, a `main.go`."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from testbed import layers, places
from testbed.commands import run, run_logged
from testbed.forecast import Measured, Usual

# Half of the compiler's memory is garbage that it need not collect so often: with GOGC=400, 8 % less processor time.
ENVIRONMENT = {"CGO_ENABLED": "0", "GOWORK": "off", "GOGC": "400"}
# No debug information: the linker would drop it (-s -w), and not to make it saves the compiler 13 % of its time. So the
# program is the same with or without these flags, and they are no part of its key.
FLAGS = ("-trimpath", "-buildvcs=false", "-gcflags=all=-dwarf=false")
# What `go list` prints of each package that is to be compiled: its import path, its folder, its files.
_STALE = "{{if .Stale}}package {{.ImportPath}} {{.Dir}}{{range .GoFiles}} {{.}}{{end}}{{end}}"
_LINKING = 0.04  # of the whole time, after the last package


def program(name: str, *, package: str = ".", stamps: Sequence[str] = ()) -> Path:
    """The path of the program, built if it is not in the cache. `stamps` are `variable=value` for the linker."""
    recipe = places.recipe(name)
    linked = " ".join(["-s", "-w", *(f"-X {stamp}" for stamp in stamps)])
    key = layers.key_of(recipe, package, linked)

    def build(target: Path) -> None:
        flags = [*FLAGS, "-ldflags", linked]
        sizes = stale_packages(name, package, flags)
        log = layers.log_of(name)
        command = ["go", "build", "-v", *flags, "-o", str(target / name), package]
        forecast = Measured(name, lambda: progress_of(log.read_text(errors="replace"), sizes))
        run_logged(f"compiling {name}", command, log, cwd=recipe, env=ENVIRONMENT, forecast=forecast)

    return layers.kept_folder(name, key, build) / name


def stale_packages(recipe: str, package: str, flags: Sequence[str]) -> dict[str, int]:
    """Packages that are to be compiled, with the size of their sources. Fetches the modules that they are in."""
    log = layers.log_of(f"{recipe}-packages")
    command = ["go", "list", "-deps", *flags, "-f", _STALE, package]
    title = f"fetching the Go modules of {recipe}"
    run_logged(title, command, log, cwd=places.recipe(recipe), env=ENVIRONMENT, forecast=Usual(f"{recipe}-modules"))
    rows = [line.split()[1:] for line in log.read_text().splitlines() if line.startswith("package ")]
    return {path: sum((Path(folder) / file).stat().st_size for file in files) for path, folder, *files in rows}


def progress_of(log: str, sizes: Mapping[str, int]) -> tuple[float, str]:
    """How far `go build -v` is, which names each package when it begins to compile it."""
    begun = {line for line in log.splitlines() if line in sizes}
    total = sum(sizes.values()) or 1
    share = sum(sizes[path] for path in begun) / total * (1 - _LINKING)
    return share, f"{len(begun)} of {len(sizes)} packages"


def module_folder(recipe: str, module: str) -> Path:
    """The folder of a module's files. It is fetched first: without its files, Go names no folder and no error."""
    run(["go", "mod", "download", module], cwd=places.recipe(recipe), env=ENVIRONMENT, timeout=300)
    command = ["go", "list", "-m", "-f", "{{.Dir}}", module]
    return Path(run(command, cwd=places.recipe(recipe), env=ENVIRONMENT, timeout=300).strip())
