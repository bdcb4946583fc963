"""Where links lead. Pages link to files of the repository; on the site, each of these is a page, or plain text."""

import posixpath
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent
_FENCE: Final = re.compile(r"^ *(```|~~~).*?^ *\1 *$", re.MULTILINE | re.DOTALL)
_LINK: Final = re.compile(r"(?<!\!)\[(?P<text>[^\]\n]*(?:\n[^\]\n]+)?)\]\((?P<target>[^()\s]+)\)")
_ELSEWHERE: Final = re.compile(r"^(?:[a-z]+:|#)")


def targets(markdown: str) -> list[str]:
    """What the links of a page lead to, as they stand there. Code blocks have no links."""
    return [found["target"] for found in _LINK.finditer(_FENCE.sub("", markdown))]


def leads_to(source: str, target: str) -> str:
    """The file of the repository that a link on page `source` leads to: `docs/a.md`, `../b` -> `b`."""
    path = target.partition("#")[0]
    return posixpath.normpath(posixpath.join(posixpath.dirname(source), path)) if path else source


def rewritten(markdown: str, source: str, pages: Mapping[str, str], root: Path = ROOT) -> str:
    """The page with links as the site needs them.

    `pages` maps files (and folders) of the repository to pages of the site. A link to a file that is no page becomes
    its text; a link to a file that does not exist stays as it is, so that mkdocs refuses it.
    """
    parts, last = [], 0
    for fence in _FENCE.finditer(markdown):
        parts += [_prose(markdown[last : fence.start()], source, pages, root), fence.group()]
        last = fence.end()
    return "".join([*parts, _prose(markdown[last:], source, pages, root)])


def _prose(text: str, source: str, pages: Mapping[str, str], root: Path) -> str:
    def link(found: re.Match[str]) -> str:
        target = found["target"]
        if _ELSEWHERE.match(target):
            return found.group()
        file, anchor = leads_to(source, target), target.partition("#")[2]
        if file in pages:
            page = posixpath.relpath(pages[file], posixpath.dirname(pages[source]) or ".")
            return f"[{found['text']}]({page}{'#' if anchor else ''}{anchor})"
        return found["text"] if (root / file).exists() else found.group()

    return _LINK.sub(link, text)
