"""A copy of the project as mutmut wants it, made again for each run."""

import shutil
from pathlib import Path

ROOT = Path(__file__).parents[2]
MUTATED = (
    "core/*",
    "controller/reconcile.py",
    "controller/observe.py",
    "controller/apply.py",
    "controller/workers/registry.py",
    "controller/workers/registry_*.py",
)
# Those left out play thousands of seeds, or mutants of their own: they would tell, but not within the time of a mutant.
_LEFT_OUT = {"test_promises.py", "test_mutations.py", "test_faults.py"}
_STORIES = sorted(path.name for path in (ROOT / "tests" / "stories").glob("test_*.py"))
TESTS = (
    "tests/unit/core",
    "tests/unit/controller",
    "tests/unit/cli/test_explain.py",  # of core.status.explanation
    *(f"tests/stories/{name}" for name in _STORIES if name not in _LEFT_OUT),
)
# What the tests read beside the package.
BESIDE = [
    "tests",
    "bench",
    "demo",
    "testbed",
    "docs",
    "docsite",
    "examples",
    "crds",
    "schemas",
    "manifests",
    "requirements",
    "README.md",
    "CONTRIBUTING.md",
]

# mutmut names a function by its path, and knows of the package roots `src` and `.` only.
_SETTINGS = """\
[tool.pytest.ini_options]
pythonpath = ["src", "."]
addopts = ["--import-mode=importlib", "-p", "no:cacheprovider"]
asyncio_mode = "auto"
asyncio_default_fixture_loop_scope = "function"
filterwarnings = ["error"]
markers = ["cluster", "gateway"]

[tool.mutmut]
source_paths = ["src/"]
only_mutate = {mutated}
pytest_add_cli_args_test_selection = {tests}
also_copy = {beside}
do_not_mutate_patterns = ['_log\\.\\w+']
"""


def prepare(folder: Path) -> None:
    """Make the folder such a copy. What was in it is removed."""
    shutil.rmtree(folder, ignore_errors=True)
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "operator" / "podium", folder / "src" / "podium", ignore=ignored)
    for name in BESIDE:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=ignored)
        else:
            shutil.copy(ROOT / name, folder / name)
    settings = _SETTINGS.format(
        mutated=[f"src/podium/{each}" for each in MUTATED], tests=list(TESTS), beside=list(BESIDE)
    )
    (folder / "pyproject.toml").write_text(settings)
