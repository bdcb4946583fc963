"""Snippets in the docs are so: YAML is valid, Python runs, commands of `podium` and `make` exist with their options.

A block's language says what becomes of it: `yaml` is one or more whole objects, or fields of a ModelDeployment's spec;
`python` runs by itself; in `console`, a line that begins with `$ ` is followed by its output, which `docsite.shown`
writes and `test_pages` compares. `text` is not run.
"""

import re
import shlex
from typing import Any

import pytest
import yaml

from podium.api.v1alpha1.manifest import KIND
from podium.api.v1alpha1.spec.spec import Spec
from podium.cli.main import VERBS
from podium.cli.problems import problems
from tests.unit.docs.markdown import PAGES, Block, blocks
from tests.yaml_files import ROOT

ALL = [block for page in PAGES if page.parent != ROOT / "testbed" for block in blocks(page)]
LANGUAGES = {"console", "json", "layers", "mermaid", "promql", "python", "text", "yaml"}
FIELDS = {field.alias or name for name, field in Spec.model_fields.items()}
TARGETS = set(re.findall(r"^([a-z0-9-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))


def of(language: str) -> list[Block]:
    return [block for block in ALL if block.language == language]


def commands() -> list[tuple[Block, str, str]]:
    """Each command of a console block and the output that is shown below it."""
    return [
        (block, command, shown)
        for block in of("console")
        for command, shown in re.findall(r"^\$ (.+)\n((?:(?!\$ ).*\n)*)", block.text, re.MULTILINE)
    ] + [
        (block, line.partition(" #")[0].strip(), "")
        for block in of("console")
        if not block.text.startswith("$ ")
        for line in block.text.replace("\\\n", " ").splitlines()
    ]


@pytest.mark.parametrize("block", ALL, ids=str)
def test_every_block_says_what_it_is(block: Block) -> None:
    assert block.language in LANGUAGES, f"{block}: {block.language or 'no language'}; expected one of {LANGUAGES}"


@pytest.mark.parametrize("block", of("yaml"), ids=str)
def test_yaml_is_valid(block: Block) -> None:
    for found in yaml.safe_load_all(block.text):
        value = found if "kind" in found else _with_fields(found, block)
        if value["kind"] == KIND:
            assert [str(problem) for problem in problems(value)] == [], str(block)
        else:
            assert {"apiVersion", "kind"} <= set(value), str(block)


def _with_fields(value: dict[str, Any], block: Block) -> dict[str, Any]:
    """The whole object that these fields of a spec are a part of."""
    assert set(value) <= FIELDS, f"{block}: {set(value) - FIELDS} are no fields of spec; wanted whole objects or these"
    spec = {"model": {"name": "churn", "version": "7"}, **value}
    return {"apiVersion": "podium.dev/v1alpha1", "kind": KIND, "metadata": {"name": "churn"}, "spec": spec}


@pytest.mark.parametrize("block", of("python"), ids=str)
def test_python_runs(block: Block) -> None:
    exec(compile(block.text, str(block), "exec"), {})


def _named(case: tuple[Block, str, str]) -> str:
    return f"{case[0]}: {case[1][:40]}"


@pytest.mark.parametrize("case", [case for case in commands() if case[1].startswith("podium ")], ids=_named)
def test_a_command_of_podium_exists_with_its_options(case: tuple[Block, str, str]) -> None:
    block, command, _ = case
    verb, *words = shlex.split(command.partition(" | ")[0])[1:]
    assert verb in VERBS, str(block)
    help_text = (ROOT / "docs/cli.md").read_text().partition(f"## podium {verb}\n")[2].partition("\n## ")[0]
    for word in words:
        if word.startswith("-"):
            assert re.search(rf"(?:^|[ ,]){re.escape(word)}[ ,\n]", help_text), f"{block}: {verb} has no {word}"


@pytest.mark.parametrize("case", [case for case in commands() if "make " in case[1][:5]], ids=_named)
def test_a_command_of_make_exists(case: tuple[Block, str, str]) -> None:
    assert set(case[1].split()[1:]) <= TARGETS, str(case[0])
