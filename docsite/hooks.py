"""What mkdocs calls while it builds the site. Beside docs/, the site has the examples and the root's documents."""

from typing import Final

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from docsite import examples
from docsite.links import ROOT, rewritten

DOCUMENTS: Final = {"CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md", "SECURITY.md": "security.md"}
BESIDE: Final = {"examples/README.md": "examples/index.md", "manifests/README.md": "install.md"}
FOLDERS: Final = ("reasons", "decisions", "examples")  # in the nav, such a section lists the folder's pages


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Write the pages of a folder into the nav, wherever it says `folder/`."""
    config.nav = _spread(config.nav)
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add what is not in docs/."""
    for source, page in (DOCUMENTS | BESIDE).items():
        files.append(File.generated(config, page, content=(ROOT / source).read_text()))
    for folder in examples.FOLDERS:
        files.append(File.generated(config, f"examples/{folder.name}.md", content=examples.page(folder)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001
    """Lead the links to pages of the site."""
    pages = _pages(files)
    sources = {site: source for source, site in reversed(pages.items()) if source.endswith(".md")}
    return rewritten(markdown, sources[page.file.src_uri], pages)


def _pages(files: Files) -> dict[str, str]:
    """Files and folders of the repository, and their pages."""
    pages = {f"docs/{file.src_uri}": file.src_uri for file in files if file.generated_by is None}
    pages |= DOCUMENTS | BESIDE | {"README.md": "index.md", "examples": "examples/index.md"}
    pages |= {f"docs/{name}": f"{name}/README.md" for name in ("reasons", "decisions")}
    for folder in examples.FOLDERS:
        page = f"examples/{folder.name}.md"
        pages |= {f"examples/{folder.name}": page, f"examples/{folder.name}/README.md": page}
        pages |= {f"examples/{folder.name}/{file.name}": page for file in folder.glob("*.yaml")}
    return pages


def _spread(nav: object) -> object:
    if isinstance(nav, list):
        return [_spread(entry) for entry in nav]
    if isinstance(nav, dict):
        return {title: _spread(entry) for title, entry in nav.items()}
    if isinstance(nav, str) and nav.rstrip("/") in FOLDERS:
        return _inside(nav.rstrip("/"))
    return nav


def _inside(folder: str) -> list[str]:
    if folder == "examples":
        return ["examples/index.md", *(f"examples/{each.name}.md" for each in examples.FOLDERS)]
    names = sorted(path.name for path in (ROOT / "docs" / folder).glob("*.md"))
    return [f"{folder}/README.md", *(f"{folder}/{name}" for name in names if name != "README.md")]
