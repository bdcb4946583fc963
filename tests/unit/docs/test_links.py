"""Every link of every page leads to a file of the repository and, on the site, to a page."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from docsite.links import leads_to, rewritten, targets
from tests.unit.docs.markdown import PAGES, anchors
from tests.yaml_files import ROOT

FILES = re.compile(r"`((?:operator|tests|docs|manifests|examples|testbed|bench|demo)/[\w./-]+)`")
PLACES = {"docs/a.md": "a.md", "docs/b/c.md": "b/c.md", "examples/01": "examples/01.md"}


def _named(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=_named)
def test_every_link_leads_to_a_file_and_a_heading_that_exist(page: Path) -> None:
    source = str(page.relative_to(ROOT))
    for target in targets(page.read_text()):
        if "://" in target:
            continue
        file, anchor = ROOT / leads_to(source, target), target.partition("#")[2]
        assert file.exists(), f"{source} links to {target}, which is not there"
        assert not anchor or anchor in anchors(file), f"{source} links to {target}: {file.name} has no such heading"


@pytest.mark.parametrize("page", [page for page in PAGES if page.parent.name != "decisions"], ids=_named)
def test_every_file_that_a_page_names_exists(page: Path) -> None:
    for name in FILES.findall(page.read_text()):
        assert (ROOT / name).exists(), f"{page.name} names {name}, which is not there"


def test_the_site_builds_and_no_link_on_it_is_broken(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--site-dir", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "reasons/GuardFailed/index.html").exists()


def test_a_link_to_a_page_is_led_there() -> None:
    assert rewritten("[x](a.md#y)", "docs/a.md", PLACES, ROOT) == "[x](a.md#y)"
    assert rewritten("[x](../a.md)", "docs/b/c.md", PLACES, ROOT) == "[x](../a.md)"
    assert rewritten("[x](../../examples/01)", "docs/b/c.md", PLACES, ROOT) == "[x](../examples/01.md)"


def test_a_link_to_a_file_that_is_no_page_becomes_its_text() -> None:
    assert rewritten("see [the Makefile](../Makefile).", "docs/a.md", PLACES, ROOT) == "see the Makefile."


def test_a_link_to_nothing_stays_for_mkdocs_to_refuse() -> None:
    assert rewritten("[x](nothing.md)", "docs/a.md", PLACES, ROOT) == "[x](nothing.md)"


def test_addresses_headings_and_code_stay_as_they_are() -> None:
    text = "[x](https://example.com) [y](#z)\n```text\n[x](../Makefile)\n```\n"
    assert rewritten(text, "docs/a.md", PLACES, ROOT) == text
    assert targets("```\n[x](y.md)\n```\n[a](b.md)") == ["b.md"]
